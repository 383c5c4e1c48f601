#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <random>

#include "storage/client/digest_follower.h"
#include "storage/client/sparse_writer.h"
#include "strata/digest/hasher.h"
#include "tests/support/temporary_directory.h"

namespace strata::client {
namespace {

constexpr std::uint64_t kBlock = kHoleAlignment;

class Sparse : public testing::Test {
 protected:
  void open(std::string_view name) {
    const std::string path = directory_.path() + "/" + std::string(name);
    file_ = std::move(*fs_->open(path, io::OpenMode::kCreateNew));
  }
  static std::span<const std::byte> bytes(std::string_view text) {
    return std::as_bytes(std::span(text.data(), text.size()));
  }
  // Appends in pieces whose sizes are none of blocks.
  void write(std::string_view content, std::size_t piece, std::uint64_t offset = 0) {
    SparseWriter writer(*file_, offset);
    const std::uint64_t end = offset + content.size();
    for (; !content.empty(); content.remove_prefix(std::min(piece, content.size()))) {
      ASSERT_TRUE(writer.append(bytes(content.substr(0, piece))));
      EXPECT_LE(writer.written(), writer.end());
      EXPECT_LE(writer.end() - writer.written(), std::uint64_t{1} << 20);
    }
    ASSERT_TRUE(writer.flush());
    EXPECT_EQ(writer.written(), end);
  }
  [[nodiscard]] std::string read() const {
    std::string content(*file_->size(), 'x');
    EXPECT_EQ(*file_->read_at(0, std::as_writable_bytes(std::span(content))), content.size());
    return content;
  }
  [[nodiscard]] std::uint64_t allocated() const {
    struct stat status {};
    EXPECT_EQ(::fstat(file_->descriptor(), &status), 0);
    return static_cast<std::uint64_t>(status.st_blocks) * 512;
  }
  // Whether `at` is in a hole, as far as this file system knows holes.
  [[nodiscard]] bool is_hole(std::uint64_t at) const {
    return ::lseek(file_->descriptor(), static_cast<off_t>(at), SEEK_HOLE) ==
           static_cast<off_t>(at);
  }

  test::TemporaryDirectory directory_;
  std::unique_ptr<io::FileSystem> fs_ = io::make_posix_file_system();
  std::unique_ptr<io::File> file_;
};

std::string noise(std::size_t size) {
  std::mt19937 random(1);
  std::string content(size, '\0');
  for (char& byte : content) byte = static_cast<char>(random() | 1);
  return content;
}

std::string zeros(std::size_t size) {
  return std::string(size, '\0');
}

TEST_F(Sparse, LongAlignedRunsBecomeHoles) {
  const std::string content = noise(kBlock) + zeros(kHoleBytesMin) + noise(kBlock) +
                              zeros(kHoleBytesMin - kBlock) + noise(100) +
                              zeros(kHoleBytesMin + 2 * kBlock) + noise(kBlock);
  for (const std::size_t piece : {std::size_t{1000}, std::size_t{100'003}, content.size()}) {
    open(std::to_string(piece));
    write(content, piece);
    EXPECT_TRUE(read() == content) << piece;
    EXPECT_TRUE(is_hole(kBlock)) << piece;
    EXPECT_FALSE(is_hole(kBlock + kHoleBytesMin));
    EXPECT_FALSE(is_hole(2 * kBlock + kHoleBytesMin)) << "too short to be worth it";
    EXPECT_TRUE(is_hole(2 * kBlock + 2 * kHoleBytesMin)) << "aligned inwards";
  }
}

TEST_F(Sparse, ARunOfAnyLengthIsOneHoleAndGrowsTheFile) {
  const std::string content = zeros((5 << 20) + 12345);
  open("zeros");
  write(content, 77'777);
  EXPECT_TRUE(read() == content);
  EXPECT_LE(allocated(), kBlock) << "the last, incomplete block";
}

TEST_F(Sparse, OldBytesUnderZerosAreGone) {
  const std::string old = noise(1 << 20);
  open("old");
  ASSERT_TRUE(file_->write_at(0, bytes(old)));
  const std::uint64_t before = allocated();
  write(zeros(300'000), 4000, 1000);
  std::string expected = old;
  std::fill_n(expected.begin() + 1000, 300'000, '\0');
  EXPECT_TRUE(read() == expected);
  EXPECT_LT(allocated(), before);
}

TEST_F(Sparse, AnySequenceReadsBack) {
  std::mt19937 random(7);
  for (int round = 0; round < 20; ++round) {
    std::string content;
    while (content.size() < 3'000'000) {
      const std::size_t size = random() % (random() % 2 == 0 ? 5'000 : 300'000);
      content += random() % 2 == 0 ? zeros(size) : noise(size);
    }
    open("round" + std::to_string(round));
    ASSERT_TRUE(file_->write_at(0, bytes(noise(content.size() + 5000))));
    write(content, 1 + random() % 100'000, 4999);
    const std::string found = read();
    EXPECT_EQ(found.size(), content.size() + 5000);
    EXPECT_TRUE(found.substr(4999, content.size()) == content) << round;
    EXPECT_TRUE(found.starts_with(noise(4999)) &&
                found.back() == noise(content.size() + 5000).back());
  }
}

TEST_F(Sparse, DigestsOfAFileWithHoles) {
  const std::string content =
      zeros(3'000'000) + noise(1'500'001) + zeros(2'500'000) + noise(10) + zeros(1'234'567);
  open("file");
  DigestFollower follower(*file_, digest::Algorithms::kAll, {});
  SparseWriter writer(*file_, 0);
  for (std::size_t at = 0; at < content.size(); at += 333'333) {
    ASSERT_TRUE(writer.append(bytes(std::string_view(content).substr(at, 333'333))));
    follower.advance(writer.written());
  }
  ASSERT_TRUE(writer.flush());
  const auto digests = follower.finish(content.size());
  ASSERT_TRUE(digests) << digests.error().message();
  EXPECT_EQ(*digests, digest::digest_of(content));
}

TEST_F(Sparse, AFileThatEndsEarlyIsNotZeros) {
  open("short");
  ASSERT_TRUE(file_->truncate(1'000'000));
  DigestFollower follower(*file_, digest::Algorithms::kSha1, {});
  const auto digests = follower.finish(1'000'001);
  ASSERT_FALSE(digests);
  EXPECT_EQ(digests.error().code(), Errc::kIo);
}

}  // namespace
}  // namespace strata::client
