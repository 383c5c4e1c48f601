#include <gtest/gtest.h>

#include <random>
#include <string>

#include "tests/support/codec_streams.h"
#include "tests/support/seek_world.h"
#include "tests/support/tool.h"

namespace strata::codec {
namespace {

struct Encoder {
  const char* name;
  const char* command;
  bool needs_copy;  // with the data below
};

void PrintTo(const Encoder& encoder, std::ostream* out) {
  *out << encoder.name;
}

const Encoder kEncoders[] = {
    {"gzip1", "gzip -1", false},
    {"gzip6", "gzip -6", false},
    {"gzip9", "gzip -9", false},
    {"pigz", "pigz -p 2", false},
    {"pigz_independent", "pigz -p 2 -i -b 128", false},
    {"bgzip", "bgzip", false},
    {"seven_zip", "7z a -tgzip -mx=5 -si -so -bd dummy.gz", false},
    {"gzip_members", "split -b 700000 --filter='gzip -6'", false},
    {"xz_one_block", "xz -1 -T1", true},
    {"xz_threads", "xz -1 -T2 --block-size=2MiB", true},
    {"xz_small_blocks", "xz -1 -T2 --block-size=65536", false},
    {"xz_small_blocks_unsized", "xz -0 -T1 --block-size=65536", false},
    {"pixz", "pixz -1 -p 2 -t", true},
    {"xz_streams", "split -b 3000000 --filter='xz -1; head -c 8 /dev/zero'", true},
    {"xz_small_streams", "split -b 100000 --filter='xz -1'", false},
    {"zstd1", "zstd -1", true},
    {"zstd19_long", "zstd -10 --long=27", true},
    {"pzstd", "pzstd -1 -p 2", true},
    {"zstd_frames",
     "split -b 300000 --filter='zstd -1; printf \"\\120\\052\\115\\030\\003\\0\\0\\0abc\"'", false},
    {"zstd_seekable", "split -b 262144 --filter='zstd -1'", false},
};

// 16 MiB of a disk: data of all kinds, with zeros of several lengths between.
const std::string& disk() {
  static const std::string kDisk = [] {
    std::string data = test::sample_data(6 << 20, 1);
    data += std::string(3'000'000, '\0');
    data += test::sample_data(100'000, 2);
    data += std::string(70'000, '\0');
    data += test::sample_data(4 << 20, 3);
    data.resize(16 << 20);
    return data;
  }();
  return kDisk;
}

class SeekIndexOf : public testing::TestWithParam<Encoder> {
 protected:
  static const std::string& stream() {
    static std::string name;
    static std::string bytes;
    if (name != GetParam().name) {
      name = GetParam().name;
      bytes = test::run_tool(GetParam().command, disk());
    }
    return bytes;
  }
};

TEST_P(SeekIndexOf, AnyBlockIsThatOfTheSource) {
  test::SeekWorld world;
  const Status made = world.make(stream());
  ASSERT_TRUE(made) << made.error().message();
  ASSERT_TRUE(world.decoded == disk());
  ASSERT_TRUE(world.index.seekable());
  EXPECT_EQ(!world.copy_file.empty(), GetParam().needs_copy) << world.copy_file.size();

  std::uint64_t at = 0;
  for (const SeekBlock& block : world.index.blocks) {
    ASSERT_EQ(block.decoded_offset, at);
    const auto bytes = world.block(block);
    ASSERT_TRUE(bytes) << bytes.error().message();
    ASSERT_TRUE(*bytes == disk().substr(at, block.decoded_bytes)) << "at " << at;
    at += block.decoded_bytes;
  }
  EXPECT_EQ(at, disk().size());
  if (world.index.encoding == Encoding::kGzip) {
    EXPECT_LE(world.index_file.size(), disk().size() * 11 / 1000 + 64 * 1024);
  }
}

TEST_P(SeekIndexOf, TheFileSaysWhatWasFound) {
  test::SeekWorld world;
  ASSERT_TRUE(world.make(stream()));
  const auto read =
      read_seek_index(test::SeekWorld::reader(world.index_file), world.index_file.size());
  ASSERT_TRUE(read) << read.error().message();
  EXPECT_TRUE(*read == world.index);
  EXPECT_EQ(read->copy_bytes, world.copy_file.size());
}

// Pieces of other sizes: as when an upload was interrupted and went on.
TEST_P(SeekIndexOf, BlocksDoNotDependOnHowTheStreamArrives) {
  test::SeekWorld whole;
  test::SeekWorld pieces;
  ASSERT_TRUE(whole.make(stream()));
  ASSERT_TRUE(pieces.make(stream(), 70'001));
  ASSERT_EQ(pieces.index.blocks.size(), whole.index.blocks.size());
  for (std::size_t i = 0; i < whole.index.blocks.size(); ++i) {
    const SeekBlock& one = whole.index.blocks[i];
    const SeekBlock& other = pieces.index.blocks[i];
    EXPECT_EQ(one.kind, other.kind);
    // ISA-L decodes ahead as far as its input goes, by up to 64 KiB.
    EXPECT_NEAR(static_cast<double>(one.decoded_offset), static_cast<double>(other.decoded_offset),
                65'536 + 288);
    ASSERT_TRUE(*pieces.block(other) == disk().substr(other.decoded_offset, other.decoded_bytes));
  }
  EXPECT_TRUE(whole.index.zero_runs == pieces.index.zero_runs);
  EXPECT_TRUE(whole.copy_file == pieces.copy_file);
}

TEST_P(SeekIndexOf, TheCopyIsAFileThatZstdDecodes) {
  test::SeekWorld world;
  ASSERT_TRUE(world.make(stream()));
  std::string copied;
  for (const SeekBlock& block : world.index.blocks) {
    if (block.kind == SeekBlock::Kind::kFrame) {
      copied += disk().substr(block.decoded_offset, block.decoded_bytes);
    }
  }
  if (world.copy_file.empty()) {
    EXPECT_TRUE(copied.empty());
  } else {
    EXPECT_TRUE(test::run_tool("zstd -dc", world.copy_file) == copied);
  }
}

TEST_P(SeekIndexOf, ABitThatFlipsIsSeen) {
  test::SeekWorld world;
  ASSERT_TRUE(world.make(stream()));
  std::mt19937_64 random(7);
  std::size_t seen = 0;
  for (int round = 0; round < 60; ++round) {
    const auto& block = world.index.blocks[random() % world.index.blocks.size()];
    if (block.kind == SeekBlock::Kind::kZero) continue;
    const bool frame = block.kind == SeekBlock::Kind::kFrame;
    const bool in_state = !frame && random() % 2 == 0;
    std::string& file = frame ? world.copy_file : in_state ? world.index_file : world.stored;
    const std::uint64_t begin = frame || in_state ? block.data_offset : block.stored_offset;
    const std::uint64_t bytes = frame || in_state ? block.data_bytes : block.stored_bytes;
    char& byte = file[begin + random() % bytes];
    const char before = byte;
    byte = static_cast<char>(byte ^ 1 << random() % 8);
    const auto decoded = world.block(block);
    // Bytes behind what the block needs may be anything.
    if (decoded) {
      EXPECT_TRUE(*decoded == disk().substr(block.decoded_offset, block.decoded_bytes));
    } else {
      EXPECT_EQ(decoded.error().code(), Errc::kCorruptData);
      ++seen;
    }
    byte = before;
  }
  EXPECT_GT(seen, 20U);
}

INSTANTIATE_TEST_SUITE_P(Encoders, SeekIndexOf, testing::ValuesIn(kEncoders),
                         [](const auto& test) { return std::string(test.param.name); });

TEST(SeekIndex, RunsOfZerosAreThoseOfTheSource) {
  test::SeekWorld world;
  ASSERT_TRUE(world.make(test::run_tool("gzip -1", disk())));
  std::vector<ZeroRun> expected;
  std::uint64_t start = 0;
  constexpr auto kPage = kZeroRunAlignment;
  for (std::uint64_t at = 0; at <= disk().size(); at += kPage) {
    const bool zero =
        at < disk().size() && disk().substr(at, kPage).find_first_not_of('\0') == std::string::npos;
    if (zero) continue;
    if (at - start >= kZeroRunBytesMin) expected.push_back({start, at - start});
    start = at + kPage;
  }
  EXPECT_TRUE(world.index.zero_runs == expected);
}

TEST(SeekIndex, WithoutACopyThereAreNoRanges) {
  const std::string stream = test::run_tool("xz -1 -T1", disk());
  test::SeekWorld never;
  ASSERT_TRUE(never.make(stream, 1 << 20, {.copy = CopyPolicy::kNever}));
  EXPECT_FALSE(never.index.seekable());
  EXPECT_FALSE(never.index.zero_runs.empty());
  test::SeekWorld bounded;
  ASSERT_TRUE(bounded.make(stream, 1 << 20, {.copy_bytes_max = 1 << 20}));
  EXPECT_FALSE(bounded.index.seekable());
  EXPECT_EQ(bounded.index.copy_bytes, 0U);
  EXPECT_TRUE(bounded.copy_file.empty());
}

// Input without end that gives next to nothing: empty members.
TEST(SeekIndex, InputThatGivesNothingCostsNothing) {
  const std::string data = test::sample_data(300'000, 9);
  const std::string empty = test::run_tool("gzip -c", "");
  std::string stream = test::run_tool("gzip -c", data);
  while (stream.size() < 12'000'000) stream += empty;
  stream += test::run_tool("gzip -c", data);
  test::SeekWorld world;
  ASSERT_TRUE(world.make(stream));
  EXPECT_TRUE(world.index.seekable());
  EXPECT_LE(world.index_file.size() + world.copy_file.size(), 600'000U);
  std::string read;
  for (const SeekBlock& block : world.index.blocks) {
    EXPECT_LE(block.stored_bytes, kSeekStoredBytesMax);
    read += *world.block(block);
  }
  EXPECT_TRUE(read == data + data);
}

// 256 MiB of zeros: next to nothing in any of the files.
TEST(SeekIndex, ZerosCostNothing) {
  for (const char* command :
       {"head -c 268435456 /dev/zero | gzip -9", "head -c 268435456 /dev/zero | xz -0",
        "head -c 268435456 /dev/zero | zstd"}) {
    test::SeekWorld world;
    ASSERT_TRUE(world.make(test::run_tool(command)));
    EXPECT_TRUE(world.index.seekable());
    EXPECT_EQ(world.index.blocks.size(), 1U);
    EXPECT_LE(world.index_file.size() + world.copy_file.size(), 1024U) << command;
    world.decoded.clear();
  }
}

}  // namespace
}  // namespace strata::codec
