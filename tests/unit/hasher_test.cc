#include "strata/digest/hasher.h"

#include <gtest/gtest.h>

#include <cstdio>
#include <ostream>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "storage/digest/algorithms.h"
#include "storage/digest/kernel_hasher.h"
#include "storage/digest/kernels.h"
#include "storage/digest/lane_kernels.h"

// The examples of FIPS 180 (NIST "SHA examples"), on the fastest hasher, on each kernel, in each
// kernel for lanes and on OpenSSL's.
namespace strata::digest {
namespace {

struct Example {
  std::string name;
  std::string message;
  std::string_view sha1;
  std::string_view sha256;
  std::string_view sha512;
};

const Example kExamples[] = {
    {"abc", "abc", "a9993e364706816aba3e25717850c26c9cd0d89d",
     "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad",
     "ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a"
     "2192992a274fc1a836ba3c23a3feebbd454d4423643ce80e2a9ac94fa54ca49f"},
    {"empty", "", "da39a3ee5e6b4b0d3255bfef95601890afd80709",
     "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
     "cf83e1357eefb8bdf1542850d66d8007d620e4050b5715dc83f4a921d36ce9ce"
     "47d0d13c5d85f2b0ff8318d2877eec2f63b931bd47417a81a538327af927da3e"},
    {"bits448", "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
     "84983e441c3bd26ebaae4aa1f95129e5e54670f1",
     "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1",
     "204a8fc6dda82f0a0ced7beb8e08a41657c16ef468b228a8279be331a703c335"
     "96fd15c13b1b07f9aa1d3bea57789ca031ad85c7a71dd70354ec631238ca3445"},
    {"bits896",
     "abcdefghbcdefghicdefghijdefghijkefghijklfghijklmghijklmn"
     "hijklmnoijklmnopjklmnopqklmnopqrlmnopqrsmnopqrstnopqrstu",
     "a49b2446a02c645bf419f995b67091253a04a259",
     "cf5b16a778af8380036ce59e7b0492370b249b11e8f07a51afac45037afee9d1",
     "8e959b75dae313da8cf4f72814fc143f8f7779c6eb9f7fa17299aeadb6889018"
     "501d289e4900f7e4331b99dec4b5433ac7d329eeb6dd26545e96e55b874be909"},
    {"million_a", std::string(1'000'000, 'a'), "34aa973cd4c4daa4f61eeb2bdbad27316534016f",
     "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0",
     "e718483d0ce769644e2e42c7bc15b4638e1f98b13b2044285632a803afa973eb"
     "de0ff244877ea60a4cb0432ce577c31beb009c5c2c49aa2e4eadb217ad8cc09b"},
};

// Not as bytes, some of which are padding that nobody has set.
void PrintTo(const Example& example, std::ostream* out) {
  *out << example.name;
}

class Examples : public testing::TestWithParam<Example> {};

DigestSet run(Hasher& hasher, std::string_view message) {
  hasher.update(std::as_bytes(std::span(message.data(), message.size())));
  return hasher.finish();
}

TEST_P(Examples, AreMetByBothHashers) {
  const Example& example = GetParam();
  for (const auto make : {make_hasher, make_openssl_hasher}) {
    const DigestSet found = run(*make(Algorithms::kAll), example.message);
    EXPECT_EQ(found.bytes, example.message.size());
    EXPECT_EQ(found.sha1.hex(), example.sha1);
    EXPECT_EQ(found.sha256.hex(), example.sha256);
    EXPECT_EQ(found.sha512.hex(), example.sha512);
  }
}

TEST_P(Examples, AreMetByEveryKernel) {
  const Example& example = GetParam();
  for (const Kernel& kernel : kernels()) {
    if (!kernel.supported) continue;
    const DigestSet found = run(*make_kernel_hasher(kernel), example.message);
    const auto wanted = [&](Algorithms algorithm, std::string_view hex) {
      return has(kernel.algorithms, algorithm) ? std::string(hex) : std::string(hex.size(), '0');
    };
    EXPECT_EQ(found.sha1.hex(), wanted(Algorithms::kSha1, example.sha1)) << kernel.name;
    EXPECT_EQ(found.sha256.hex(), wanted(Algorithms::kSha256, example.sha256)) << kernel.name;
    EXPECT_EQ(found.sha512.hex(), wanted(Algorithms::kSha512, example.sha512)) << kernel.name;
  }
}

// The whole message with its padding through one kernel, in every lane.
template <typename State>
void expect_met(std::span<const LaneKernel<State>> kernels, std::size_t block_bytes,
                const std::string& message, std::string_view wanted) {
  std::string padded = message + '\x80';
  const std::size_t length_bytes = block_bytes / 8;
  while ((padded.size() + length_bytes) % block_bytes != 0) padded += '\0';
  padded.append(length_bytes - 8, '\0');
  for (int shift = 56; shift >= 0; shift -= 8) {
    padded += static_cast<char>(8 * std::uint64_t{message.size()} >> shift);
  }
  const auto bytes = std::as_bytes(std::span(padded));
  for (const auto& kernel : kernels) {
    if (!kernel.supported) continue;
    std::vector<State> found(kernel.lanes);
    std::vector<State*> states;
    for (State& state : found) states.push_back(&state);
    const std::vector data(kernel.lanes, bytes.data());
    kernel.run(states.data(), data.data(), bytes.size() / block_bytes);
    for (const State& state : found) {
      std::string hex;
      char word[17];
      for (const auto value : state.h) {
        std::snprintf(word, sizeof word, "%0*llx", static_cast<int>(2 * sizeof value),
                      static_cast<unsigned long long>(value));
        hex += word;
      }
      EXPECT_EQ(hex, wanted) << kernel.name;
    }
  }
}

TEST_P(Examples, AreMetByEveryKernelForLanes) {
  const auto& [name, message, sha1, sha256, sha512] = GetParam();
  expect_met(sha1_lane_kernels(), 64, message, sha1);
  expect_met(sha256_lane_kernels(), 64, message, sha256);
  expect_met(sha512_lane_kernels(), 128, message, sha512);
}

TEST_P(Examples, AreMetByDigestOf) {
  const DigestSet found = digest_of(GetParam().message);
  EXPECT_EQ(found.sha1.hex(), GetParam().sha1);
  EXPECT_EQ(found.sha256.hex(), GetParam().sha256);
  EXPECT_EQ(found.sha512.hex(), GetParam().sha512);
}

INSTANTIATE_TEST_SUITE_P(Nist, Examples, testing::ValuesIn(kExamples),
                         [](const auto& example) { return example.param.name; });

TEST(Hasher, LeavesOutWhatWasNotAskedFor) {
  const DigestSet all = digest_of("abc");
  for (unsigned bits = 1; bits < 8; ++bits) {
    for (const auto make : {make_hasher, make_openssl_hasher}) {
      const DigestSet found = run(*make(static_cast<Algorithms>(bits)), "abc");
      EXPECT_EQ(found.bytes, 3U);
      EXPECT_EQ(found.sha1, (bits & 1U) != 0 ? all.sha1 : Sha1Digest{}) << bits;
      EXPECT_EQ(found.sha256, (bits & 2U) != 0 ? all.sha256 : Sha256Digest{}) << bits;
      EXPECT_EQ(found.sha512, (bits & 4U) != 0 ? all.sha512 : Sha512Digest{}) << bits;
    }
  }
}

TEST(Hasher, TheTwoPartsOfTheSplitJoinToTheWhole) {
  const auto sha512_part = make_hasher(kSplit[0]);
  const auto sha1_sha256_part = make_hasher(kSplit[1]);
  const std::string text(1000, 'x');
  EXPECT_EQ(join(run(*sha512_part, text), run(*sha1_sha256_part, text)), digest_of(text));
}

TEST(HasherDeathTest, PartsOfDifferentStreamsDoNotJoin) {
  EXPECT_DEATH((void)join(digest_of("a"), digest_of("ab")), "different streams");
}

}  // namespace
}  // namespace strata::digest
