#include <gtest/gtest.h>

#include <functional>
#include <string>

#include "storage/codec/seek_index.h"
#include "tests/support/codec_streams.h"
#include "tests/support/seek_world.h"

// The bytes of storage/FORMAT.md, "Seek index", written down by hand.
namespace strata::codec {
namespace {

std::string golden() {
  using test::big_endian;
  std::string bytes = "SIdx";
  bytes += big_endian(1, 1) + big_endian(1, 1) + big_endian(0, 2);               // gzip
  bytes += big_endian(3000, 8) + big_endian(1'200'000, 8) + big_endian(900, 8);  // sizes
  for (int i = 0; i < 32; ++i) bytes += static_cast<char>(i);                    // SHA-256
  bytes += big_endian(3, 8) + big_endian(1, 8);                                  // counts
  bytes += big_endian(100'000, 8) + big_endian(1, 1) + big_endian(0x0123456789ABCDEF, 8) +
           big_endian(18, 8) + big_endian(2000, 4) + big_endian(5, 8) + big_endian(40, 4);
  bytes += big_endian(1'000'000, 8) + std::string(33, '\0');
  bytes += big_endian(100'000, 8) + big_endian(2, 1) + big_endian(0xFEDCBA9876543210, 8) +
           std::string(12, '\0') + big_endian(100, 8) + big_endian(800, 4);
  bytes += big_endian(102'400, 8) + big_endian(995'328, 8);
  // Computed from the lines above, bit by bit, by a program that is not ours to test.
  bytes += big_endian(0xB5A5F01B11E68543, 8);
  return bytes + big_endian(bytes.size(), 8);
}

SeekIndex value() {
  SeekIndex index;
  index.encoding = Encoding::kGzip;
  index.stored_bytes = 3000;
  index.decoded_bytes = 1'200'000;
  index.copy_bytes = 900;
  for (std::size_t i = 0; i < 32; ++i) {
    index.stored_sha256.bytes[i] = static_cast<std::uint8_t>(i);
  }
  SeekBlock encoded;
  encoded.decoded_bytes = 100'000;
  encoded.kind = SeekBlock::Kind::kEncoded;
  encoded.checksum = 0x0123456789ABCDEF;
  encoded.stored_offset = 18;
  encoded.stored_bytes = 2000;
  encoded.data_offset = 5;
  encoded.data_bytes = 40;
  SeekBlock zeros;
  zeros.decoded_offset = 100'000;
  zeros.decoded_bytes = 1'000'000;
  SeekBlock frame;
  frame.decoded_offset = 1'100'000;
  frame.decoded_bytes = 100'000;
  frame.kind = SeekBlock::Kind::kFrame;
  frame.checksum = 0xFEDCBA9876543210;
  frame.data_offset = 100;
  frame.data_bytes = 800;
  index.blocks = {encoded, zeros, frame};
  index.zero_runs = {{102'400, 995'328}};
  return index;
}

constexpr std::size_t kStatesBytes = 45;

TEST(SeekIndexGolden, IsWritten) {
  EXPECT_TRUE(to_bytes(value(), kStatesBytes) == golden());
}

TEST(SeekIndexGolden, IsRead) {
  const std::string file = std::string(kStatesBytes, 's') + golden();
  const auto index = read_seek_index(test::SeekWorld::reader(file), file.size());
  ASSERT_TRUE(index) << index.error().message();
  EXPECT_TRUE(*index == value());
}

TEST(SeekIndexGolden, AnotherVersionIsRefusedBeforeItsChecksum) {
  std::string file = std::string(kStatesBytes, 's') + golden();
  file[kStatesBytes + 4] = 2;
  const auto index = read_seek_index(test::SeekWorld::reader(file), file.size());
  ASSERT_FALSE(index);
  EXPECT_NE(index.error().message().find("version 2"), std::string::npos);
}

TEST(SeekIndexGolden, IsRefusedWhereverItIsCutOrDamaged) {
  const std::string file = std::string(kStatesBytes, 's') + golden();
  for (std::size_t size = 0; size < file.size(); ++size) {
    const std::string cut = file.substr(0, size);
    EXPECT_FALSE(read_seek_index(test::SeekWorld::reader(cut), size)) << size;
  }
  for (std::size_t at = kStatesBytes; at < file.size(); ++at) {
    std::string damaged = file;
    damaged[at] = static_cast<char>(damaged[at] ^ 0x10);
    EXPECT_FALSE(read_seek_index(test::SeekWorld::reader(damaged), damaged.size())) << at;
  }
}

// Tables with a right checksum that say what cannot be.
TEST(SeekIndexGolden, RulesAreHeld) {
  using Change = std::function<void(SeekIndex&)>;
  const Change changes[] = {
      [](SeekIndex& i) { i.blocks[0].decoded_bytes = 0; },
      [](SeekIndex& i) { i.blocks[0].decoded_bytes += 1; },
      [](SeekIndex& i) { i.blocks[2].decoded_bytes -= 1; },
      [](SeekIndex& i) { i.blocks[1].checksum = 1; },
      [](SeekIndex& i) { i.blocks[1].data_bytes = 1; },
      [](SeekIndex& i) { i.blocks[0].stored_bytes = 2983; },
      [](SeekIndex& i) { i.blocks[0].stored_offset = ~std::uint64_t{0}; },
      [](SeekIndex& i) { i.blocks[0].data_offset = kStatesBytes - 39; },
      [](SeekIndex& i) { i.blocks[0].data_bytes = 0; },
      [](SeekIndex& i) { i.blocks[2].data_offset = 101; },
      [](SeekIndex& i) { i.blocks[2].stored_bytes = 1; },
      [](SeekIndex& i) { i.copy_bytes = 0; },
      [](SeekIndex& i) { i.decoded_bytes = ~std::uint64_t{0}; },
      [](SeekIndex& i) { i.zero_runs[0].start = 102'401; },
      [](SeekIndex& i) { i.zero_runs[0].bytes = 65'535; },
      [](SeekIndex& i) { i.zero_runs[0].bytes = 1'200'000; },
      [](SeekIndex& i) { i.zero_runs.push_back(i.zero_runs[0]); },
  };
  for (std::size_t number = 0; number < std::size(changes); ++number) {
    SeekIndex index = value();
    changes[number](index);
    const std::string file = std::string(kStatesBytes, 's') + to_bytes(index, kStatesBytes);
    EXPECT_FALSE(read_seek_index(test::SeekWorld::reader(file), file.size())) << number;
  }
}

TEST(SeekIndexGolden, ChecksumIsThatOfXz) {
  // The check value of CRC-64/XZ.
  EXPECT_EQ(checksum64(test::bytes_of("123456789")), 0x995DC9BBDF1939FAU);
  EXPECT_EQ(checksum64(test::bytes_of("6789"), checksum64(test::bytes_of("12345"))),
            0x995DC9BBDF1939FAU);
}

}  // namespace
}  // namespace strata::codec
