#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cstdio>
#include <cstring>
#include <functional>
#include <span>
#include <string>
#include <vector>

#include "strata/base/result.h"
#include "strata/digest/hasher.h"
#include "tests/support/digest_states.h"
#include "tests/support/random_data.h"
#include "tests/support/temporary_directory.h"
#include "tests/support/tool.h"

// Messages beyond 2^32 bits and 2^32 bytes, digested by sha1sum, sha256sum and sha512sum now and
// here, and by us. They are the beginnings of one message, which is nowhere as a whole.
namespace strata::digest {
namespace {

constexpr std::uint64_t kFourGibibytes = std::uint64_t{1} << 32;
constexpr std::array<std::uint64_t, 4> kLengths = {
    (std::uint64_t{1} << 29) + 5, kFourGibibytes - 1, kFourGibibytes + 64,
    kFourGibibytes + (std::uint64_t{200} << 20) + 12'347};
constexpr std::uint64_t kLongest = kLengths.back();

// A program that reads the message from a pipe and writes a line "HEX  -".
class Sum {
 public:
  Sum(const std::string& program, std::string out)
      : out_(std::move(out)), pipe_(popen((program + " > '" + out_ + "'").c_str(), "w")) {
    check(pipe_ != nullptr, "popen " + program);
  }
  Sum(Sum&& other) noexcept : out_(std::move(other.out_)), pipe_(other.pipe_) {
    other.pipe_ = nullptr;
  }
  ~Sum() {
    if (pipe_ != nullptr) pclose(pipe_);
  }
  void update(std::span<const std::byte> data) {
    check(fwrite(data.data(), 1, data.size(), pipe_) == data.size(), "a sum program has gone");
  }
  [[nodiscard]] std::string finish() {
    check(pclose(pipe_) == 0, "a sum program has failed");
    pipe_ = nullptr;
    const std::string line = test::read_file(out_);
    return line.substr(0, line.find(' '));
  }

 private:
  std::string out_;
  std::FILE* pipe_;
};

class DigestLong : public testing::Test {
 protected:
  struct Sums {
    std::string sha1, sha256, sha512;
  };
  using Update = std::function<void(std::span<const std::byte>)>;

  // The message by pieces; no two are equal, so that none can be missing or twice.
  static void generate(const Update& update) {
    static auto block = random().bytes(std::size_t{1} << 20);
    for (std::uint64_t at = 0; at < kLongest;) {
      const std::size_t size = std::min<std::uint64_t>(block.size(), kLongest - at);
      std::memcpy(block.data(), &at, sizeof at);
      update(std::span(block).first(size));
      at += size;
    }
  }
  // What of a piece of the message at this offset belongs to its first `length` bytes.
  static std::span<const std::byte> within(std::uint64_t length, std::uint64_t offset,
                                           std::span<const std::byte> piece) {
    if (offset >= length) return {};
    return piece.first(std::min<std::uint64_t>(piece.size(), length - offset));
  }

  static void SetUpTestSuite() {
    const test::TemporaryDirectory folder;
    std::vector<std::array<Sum, 3>> programs;
    for (const std::uint64_t length : kLengths) {
      const std::string out = folder.path() + "/" + std::to_string(length);
      programs.push_back({Sum("sha1sum", out + ".1"), Sum("sha256sum", out + ".256"),
                          Sum("sha512sum", out + ".512")});
    }
    std::uint64_t offset = 0;
    generate([&](std::span<const std::byte> piece) {
      for (std::size_t i = 0; i < kLengths.size(); ++i) {
        const auto part = within(kLengths[i], offset, piece);
        for (Sum& program : programs[i]) program.update(part);
      }
      offset += piece.size();
    });
    for (auto& [sha1, sha256, sha512] : programs) {
      sums_.push_back({sha1.finish(), sha256.finish(), sha512.finish()});
    }
  }

  static test::RandomData& random() {
    static test::RandomData data;
    return data;
  }
  static void expect_sums(std::size_t message, const DigestSet& found) {
    const std::string why =
        std::to_string(kLengths[message]) + " bytes, seed " + std::to_string(random().seed());
    EXPECT_EQ(found.bytes, kLengths[message]);
    EXPECT_EQ(found.sha1.hex(), sums_[message].sha1) << why;
    EXPECT_EQ(found.sha256.hex(), sums_[message].sha256) << why;
    EXPECT_EQ(found.sha512.hex(), sums_[message].sha512) << why;
  }

  static inline std::vector<Sums> sums_;
};

TEST_F(DigestLong, InOnePass) {
  const auto hasher = make_hasher(Algorithms::kAll);
  generate([&](std::span<const std::byte> piece) { hasher->update(piece); });
  expect_sums(kLengths.size() - 1, hasher->finish());
}

// Saved at every byte about 2^32 bytes, and a few times before.
TEST_F(DigestLong, SavedAndRestored) {
  auto hasher = make_resumable_hasher(Algorithms::kAll);
  const auto restore = [&] {
    auto restored = restore_hasher(test::bytes_of(hasher->save()));
    ASSERT_TRUE(restored) << restored.error().message();
    ASSERT_EQ((*restored)->bytes(), hasher->bytes());
    hasher = std::move(*restored);
  };
  generate([&](std::span<const std::byte> piece) {
    const bool last = hasher->bytes() + piece.size() == kFourGibibytes;
    const bool next = hasher->bytes() == kFourGibibytes;
    if (last) {
      hasher->update(piece.first(piece.size() - 200));
      piece = piece.last(200);
    }
    for (int i = 0; (last || next) && i < 200; ++i) {
      hasher->update(piece.first(1));
      piece = piece.subspan(1);
      restore();
    }
    hasher->update(piece);
    if (hasher->bytes() % (std::uint64_t{1} << 29) == 0) restore();
  });
  expect_sums(kLengths.size() - 1, hasher->finish());
}

TEST_F(DigestLong, SideBySide) {
  std::vector<std::unique_ptr<Hasher>> hashers;
  for (std::size_t i = 0; i < kLengths.size(); ++i) {
    hashers.push_back(make_resumable_hasher(Algorithms::kAll));
  }
  std::uint64_t offset = 0;
  LaneUse use;
  generate([&](std::span<const std::byte> data) {
    std::vector<Piece> pieces;
    for (std::size_t i = 0; i < kLengths.size(); ++i) {
      pieces.push_back({hashers[i].get(), within(kLengths[i], offset, data)});
    }
    const LaneUse part = update_together(pieces);
    use.filled_bytes += part.filled_bytes;
    offset += data.size();
  });
  std::printf("%.1f GB in lanes\n", static_cast<double>(use.filled_bytes) / 1e9);
  for (std::size_t i = 0; i < kLengths.size(); ++i) expect_sums(i, hashers[i]->finish());
}

}  // namespace
}  // namespace strata::digest
