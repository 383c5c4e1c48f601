#include <gtest/gtest.h>

#include <string>

#include "strata/base/text.h"
#include "strata/codec/disk_format.h"
#include "tests/support/codec_forge.h"
#include "tests/support/codec_states.h"
#include "tests/support/codec_streams.h"
#include "tests/support/tool.h"

// The golden bytes of storage/FORMAT.md, "Decoder state" and "Disk probe state".
namespace strata::codec {
namespace {

std::string from_hex_text(std::string_view hex) {
  std::string bytes(hex.size() / 2, '\0');
  check(from_hex(hex, {reinterpret_cast<std::uint8_t*>(bytes.data()), bytes.size()}), "not hex");
  return bytes;
}

std::string hex_of(std::string_view bytes) {
  return to_hex({reinterpret_cast<const std::uint8_t*>(bytes.data()), bytes.size()});
}

// Document and test cannot drift apart.
void expect_shown(const std::string& hex) {
  std::string shown = test::read_file(STRATA_SOURCE "/storage/FORMAT.md");
  std::erase_if(shown, [](char c) { return c == '\n' || c == ' '; });
  EXPECT_NE(shown.find(hex), std::string::npos) << hex;
}

// A gzip member with a dynamic block, of zlib with Z_HUFFMAN_ONLY.
const std::string kDynamic = from_hex_text(
    "1f8b080000000000020305c10101000008c3a0acecf6cf20204067a398e1ac1968"
    "6dc79280db1aa7ce16026c904a8453a0d403245f280278000000");

const std::string kText =
    "aaabaaaaaaabdaccaabbaacacaaadacbcacaaaaabcbccdaacbababaaaaaadccb"
    "caadabbdaccbaaabaaaaaaaccaaaababbbabaabaaadabbaaaaabbabb";

struct Golden {
  std::string name;
  std::string stream;  // the state is the one after its first `consumed` bytes
  std::size_t consumed;
  std::string decoded;  // of all of it
  std::string hex;
  bool in_block = false;
};

void PrintTo(const Golden& golden, std::ostream* out) {
  *out << golden.name;
}

const std::string kStored = test::forge_gzip({});
const std::string kFixed =
    test::forge_gzip_around(test::FixedBlock().literal('x').symbol(258).distance(0).end(), "xxxxx");
const std::string kXz = test::forge_xz({.blocks = 2, .data = "data"});
const std::string kZstd = test::forge_zstd({});

const Golden kGolden[] = {
    {"gzip_header", kStored, 4, "data",
     "5344656301010000000000000000000400000000000000000100000000000000"
     "0100000400000c87e6bc0000219f3e786542eaaf"},
    {"gzip_stored", kStored, 17, "data",
     "5344656301010000000000000000001100000000000000020200000000000000"
     "017afded920000000201010002000000000000000000026461196b6861a99b89"
     "c4",
     true},
    {"gzip_fixed", kFixed, 12, "xxxxx",
     "5344656301010000000000000000000c00000000000000010200000000000000"
     "018cdc1683000000010201000500000000000000000178087cf3cc13850c46",
     true},
    {"gzip_dynamic", kDynamic, 40, kText,
     "5344656301010000000000000000002800000000000000460200000000000000"
     "0157a7b782000000460301000000000000000000000000000000000000000000"
     "0000000000000000000000000000000000000000000000000000000123400000"
     "0000000000000000000000000000000000000000000000000000000000000000"
     "0000000000000000000000000000000000000000000000000000000000000000"
     "0000000000000000000000400000000000000000000000000000110000000000"
     "0000000000000000000001010000000000000046616161626161616161616162"
     "6461636361616262616163616361616164616362636163616161616162636263"
     "63646161636261626162616161616161646363626361616461622eddd515c7f1"
     "0c81",
     true},
    {"gzip_trailer", kStored, 21, "data",
     "5344656301010000000000000000001500000000000000040300000000000000"
     "01adf3f363000000040263f357e0473a4d49eb8f"},
    {"gzip_members", kStored + kStored, kStored.size(), "datadata",
     "5344656301010000000000000000001b00000000000000040400000000000000"
     "01ef865143ef02b173"},
    {"xz_blocks", kXz, 12 + (kXz.size() - 12 - 24) / 2, "datadata",
     "5344656301020000000000000000002000000000000000040100000000000000"
     "0100000000000000010000000000000000010000000000000002d8f9bcad5da3"
     "89cb00000000000000000000000000000000000000000000195949ec60d47e23"},
    {"zstd_frames", kZstd + kZstd, kZstd.size(), "datadata",
     "5344656301030000000000000000000d00000000000000040000000000000001"
     "00de148f8dc3034185"},
};

class DecoderStateGolden : public testing::TestWithParam<Golden> {};

TEST_P(DecoderStateGolden, IsProduced) {
  const Golden& golden = GetParam();
  if (golden.in_block && fastest_inflate_engine() != InflateEngine::kIsal) {
    GTEST_SKIP() << "zlib has no state within a block";
  }
  const auto decoder =
      make_decoder(detect_encoding(test::bytes_of(golden.stream)), test::default_limits());
  std::string room(1 << 16, '\0');
  const auto out = std::as_writable_bytes(std::span(room));
  for (std::size_t at = 0; at < golden.consumed;) {
    const auto in = test::bytes_of(golden.stream).subspan(at, golden.consumed - at);
    const auto step = decoder->step(in, out);
    ASSERT_TRUE(step) << step.error().message();
    at += step->consumed;
  }
  EXPECT_EQ(hex_of(decoder->save().value_or("")), golden.hex);
}

TEST_P(DecoderStateGolden, IsAcceptedAndContinued) {
  const Golden& golden = GetParam();
  for (const auto engine : {InflateEngine::kIsal, InflateEngine::kZlib}) {
    auto restored = test::restore_with(engine, from_hex_text(golden.hex));
    ASSERT_TRUE(restored) << restored.error().message();
    EXPECT_EQ(restored->consumed, golden.consumed);
    const auto rest = test::decode_all(*restored->decoder, golden.stream.substr(golden.consumed));
    ASSERT_TRUE(rest) << rest.error().message();
    EXPECT_EQ(*rest, golden.decoded.substr(restored->produced));
  }
}

TEST_P(DecoderStateGolden, IsWhatTheFormatDocumentShows) {
  expect_shown(GetParam().hex);
}

INSTANTIATE_TEST_SUITE_P(Format, DecoderStateGolden, testing::ValuesIn(kGolden),
                         [](const auto& golden) { return golden.param.name; });

struct ProbeGolden {
  std::string name;
  std::string disk;
  std::string hex;
};

void PrintTo(const ProbeGolden& golden, std::ostream* out) {
  *out << golden.name;
}

const ProbeGolden kProbeGolden[] = {
    {"five_bytes", "abcde", "534470720100000000000000056162636465006162636465a996dba59aa9539f"},
    {"ten_bytes", "abcdefghij",
     "5344707201000000000000000a6162636465666768696a050000000000000000"
     "2f9093cde12bd00f"},
    {"vhdx", "vhdxfile12", "5344707201000000000000000a7668647866696c65313201c321a95c6d7057fe"},
};

class DiskProbeStateGolden : public testing::TestWithParam<ProbeGolden> {};

TEST_P(DiskProbeStateGolden, IsProducedAndAccepted) {
  const ProbeGolden& golden = GetParam();
  DiskProbe probe;
  probe.update(test::bytes_of(golden.disk));
  EXPECT_EQ(hex_of(probe.save()), golden.hex);
  const auto restored = DiskProbe::restore(test::bytes_of(from_hex_text(golden.hex)));
  ASSERT_TRUE(restored) << restored.error().message();
  EXPECT_EQ(restored->bytes(), golden.disk.size());
  EXPECT_EQ(restored->save(), from_hex_text(golden.hex));
  expect_shown(golden.hex);
}

INSTANTIATE_TEST_SUITE_P(Format, DiskProbeStateGolden, testing::ValuesIn(kProbeGolden),
                         [](const auto& golden) { return golden.param.name; });

}  // namespace
}  // namespace strata::codec
