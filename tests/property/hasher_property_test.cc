#include <gtest/gtest.h>

#include <algorithm>
#include <cstring>
#include <functional>
#include <random>
#include <string>
#include <vector>

#include "storage/digest/cpu_features.h"
#include "storage/digest/kernel_hasher.h"
#include "storage/digest/kernels.h"
#include "strata/digest/hasher.h"
#include "tests/support/digest_states.h"

// Each hasher, on each kernel that this processor has, answers as OpenSSL does: for every length
// around the block sizes, any alignment, and however the stream is cut into pieces.
namespace strata::digest {
namespace {

struct Subject {
  std::string name;
  Algorithms algorithms;
  std::function<std::unique_ptr<Hasher>()> make;
};

void PrintTo(const Subject& subject, std::ostream* out) {
  *out << subject.name;
}

std::vector<Subject> subjects() {
  std::vector<Subject> list;
  for (unsigned bits = 1; bits < 8; ++bits) {
    const auto algorithms = static_cast<Algorithms>(bits);
    list.push_back({"make_hasher of set " + std::to_string(bits), algorithms,
                    [=] { return make_hasher(algorithms); }});
    list.push_back({"make_resumable_hasher of set " + std::to_string(bits), algorithms,
                    [=] { return make_resumable_hasher(algorithms); }});
  }
  for (const Kernel& kernel : kernels()) {
    if (!kernel.supported) continue;
    list.push_back({std::string(kernel.name), kernel.algorithms,
                    [&kernel] { return make_kernel_hasher(kernel); }});
    if (kernel.algorithms != Algorithms::kSha1Sha256) continue;
    list.push_back({std::string(kernel.name) + " and OpenSSL's SHA-512", Algorithms::kAll, [&] {
                      return make_kernel_hasher(kernel, make_openssl_hasher(Algorithms::kSha512));
                    }});
  }
  return list;
}

class HasherProperty : public testing::TestWithParam<Subject> {
 protected:
  HasherProperty() { std::fprintf(stderr, "seed %u\n", seed_); }

  // In a heap block of exactly this size, so that AddressSanitizer sees a read past either end.
  std::vector<std::byte> random_bytes(std::size_t size) {
    std::vector<std::byte> bytes(size);
    std::ranges::generate(bytes, [&] { return static_cast<std::byte>(random_()); });
    return bytes;
  }
  std::size_t random_below(std::size_t limit) {
    return std::uniform_int_distribution<std::size_t>(0, limit - 1)(random_);
  }
  [[nodiscard]] DigestSet expected(std::span<const std::byte> data) const {
    const auto oracle = make_openssl_hasher(GetParam().algorithms);
    oracle->update(data);
    return oracle->finish();
  }

  const unsigned seed_ = std::random_device()();
  std::mt19937_64 random_{seed_};
};

TEST_P(HasherProperty, EveryLengthUpTo8192) {
  // Once for all subjects: most of the time is the oracle's.
  static const auto kMessages = [this] {
    std::vector<std::pair<std::vector<std::byte>, DigestSet>> messages;
    for (std::size_t length = 0; length <= 8192; ++length) {
      const auto oracle = make_openssl_hasher(Algorithms::kAll);
      auto message = random_bytes(length);
      oracle->update(message);
      messages.emplace_back(std::move(message), oracle->finish());
    }
    return messages;
  }();
  for (const auto& [message, wanted] : kMessages) {
    const auto hasher = GetParam().make();
    hasher->update(message);
    ASSERT_EQ(hasher->finish(), test::only(wanted, GetParam().algorithms))
        << message.size() << " bytes";
  }
}

TEST_P(HasherProperty, EveryAlignment) {
  const auto data = random_bytes(4096);
  for (std::size_t offset = 0; offset < 64; ++offset) {
    const auto part = std::span(data).subspan(offset, 4096 - 64);
    const auto hasher = GetParam().make();
    hasher->update(part);
    ASSERT_EQ(hasher->finish(), expected(part)) << "offset " << offset << ", seed " << seed_;
  }
}

// Pieces of zero bytes up to the whole; most are short, so that many end within a block.
TEST_P(HasherProperty, EverySplitIsTheWhole) {
  for (int round = 0; round < 60; ++round) {
    const auto data = random_bytes(random_below(round < 50 ? 5000 : 500'000));
    const auto hasher = GetParam().make();
    std::string pieces;
    for (std::span<const std::byte> rest(data); !rest.empty();) {
      const std::size_t piece_max = random_below(4) == 0 ? rest.size() : 300;
      const std::size_t piece = std::min(rest.size(), random_below(piece_max + 1));
      hasher->update(rest.first(piece));
      rest = rest.subspan(piece);
      pieces += std::to_string(piece) + " ";
    }
    ASSERT_EQ(hasher->finish(), expected(data)) << "seed " << seed_ << ", pieces " << pieces;
  }
}

TEST_P(HasherProperty, StreamsSideBySideDoNotMix) {
  const auto first_data = random_bytes(10'000);
  const auto second_data = random_bytes(10'000);
  const auto first = GetParam().make();
  const auto second = GetParam().make();
  for (std::size_t at = 0; at < 10'000; at += 100) {
    first->update(std::span(first_data).subspan(at, 100));
    second->update(std::span(second_data).subspan(at, 100));
  }
  EXPECT_EQ(first->finish(), expected(first_data)) << "seed " << seed_;
  EXPECT_EQ(second->finish(), expected(second_data)) << "seed " << seed_;
}

INSTANTIATE_TEST_SUITE_P(All, HasherProperty, testing::ValuesIn(subjects()));

#if defined(__x86_64__)
TEST(Kernels, AreSupportedWhereTheProcessorHasTheInstructions) {
  const CpuFeatures& cpu = cpu_features();
  const bool all = cpu.sha_ni && (cpu.avx2 || cpu.avx512);
  EXPECT_EQ(best_kernel(Algorithms::kSha1Sha256) != nullptr, cpu.sha_ni);
  EXPECT_EQ(best_kernel(Algorithms::kAll) != nullptr, all);
  EXPECT_EQ(all_in_one_pass(), all);
  EXPECT_EQ(kernels().size(), 12U);
  for (const Kernel& kernel : kernels()) {
    const auto named = [&](std::string_view word) {
      return kernel.name.find(word) != std::string_view::npos;
    };
    EXPECT_EQ(kernel.supported, (!named("sha-ni") || cpu.sha_ni) && (!named("avx2") || cpu.avx2) &&
                                    (!named("avx-512") || cpu.avx512))
        << kernel.name;
  }
}
#endif

}  // namespace
}  // namespace strata::digest
