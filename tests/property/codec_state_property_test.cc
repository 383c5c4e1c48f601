#include <gtest/gtest.h>

#include <random>
#include <string>

#include "strata/codec/disk_format.h"
#include "tests/support/codec_forge.h"
#include "tests/support/codec_states.h"
#include "tests/support/codec_streams.h"
#include "tests/support/tool.h"

// Decoders that are saved and restored while they decode what the real tools made: the bytes and
// the verdict are those of one that is not.
namespace strata::codec {
namespace {

enum class Engines { kIsal, kZlib, kEither };

struct Kind {
  const char* name;
  Encoding encoding;
  const char* command;
  Engines engines = Engines::kIsal;
  bool has_checksum = true;
};

void PrintTo(const Kind& kind, std::ostream* out) {
  *out << kind.name;
}

class CodecState : public testing::TestWithParam<Kind> {
 protected:
  InflateEngine engine() {
    if (GetParam().engines == Engines::kEither) {
      return random_() % 2 == 0 ? InflateEngine::kIsal : InflateEngine::kZlib;
    }
    return GetParam().engines == Engines::kIsal ? InflateEngine::kIsal : InflateEngine::kZlib;
  }
  static bool anywhere() {
    return GetParam().encoding == Encoding::kGzip && GetParam().engines == Engines::kIsal;
  }
  // Saved after one of `every` steps.
  test::Reborn reborn(std::size_t every) {
    const DecoderLimits limits = test::default_limits();
    auto decoder = GetParam().encoding == Encoding::kGzip
                       ? make_gzip_decoder(engine(), limits)
                       : make_decoder(GetParam().encoding, limits);
    return {std::move(decoder), [this, every] { return random_() % every == 0; },
            [this] { return engine(); }};
  }
  static std::string encode(const std::string& data) {
    return test::run_tool(GetParam().command, data);
  }
  // Two parts, with what may lie between and behind them.
  static std::string stream_of(const std::string& data) {
    const std::string first = encode(data.substr(0, data.size() / 4 * 3));
    const std::string second = encode(data.substr(data.size() / 4 * 3));
    switch (GetParam().encoding) {
      case Encoding::kXz:
        return first + std::string(8, '\0') + second + std::string(4, '\0');
      case Encoding::kZstd:
        return first + test::forge_zstd_skippable(3, std::string(100, 's')) + second;
      default:
        return first + second + std::string(20, '\0');
    }
  }
  std::function<std::size_t()> pieces(std::size_t most) {
    return [this, most] { return 1 + random_() % (std::size_t{1} << (random_() % 20)) % most; };
  }

  std::mt19937_64 random_{31};
};

TEST_P(CodecState, AnyPlaceGivesTheSameBytes) {
  const std::string data = test::sample_data(300'000, 5);
  const std::string stream = stream_of(data);
  std::size_t times = 0;
  std::size_t longest = 0;
  for (int round = 0; round < 40; ++round) {
    auto decoder = reborn(anywhere() ? 1 + random_() % 20 : 1);
    const test::Pieces sizes{pieces(1 + random_() % 100'000), pieces(1 + random_() % 100'000)};
    const auto decoded = test::decode_all(decoder, stream, sizes);
    ASSERT_TRUE(decoded) << "round " << round << ": " << decoded.error().message();
    ASSERT_TRUE(*decoded == data) << "round " << round;
    times += decoder.times();
    longest = std::max(longest, decoder.longest());
    if (anywhere()) {
      ASSERT_EQ(decoder.times(), decoder.tried()) << "gzip can be saved anywhere";
    }
  }
  EXPECT_GT(times, 40U);
  RecordProperty("states", static_cast<int>(times));
  RecordProperty("longest_state", static_cast<int>(longest));
}

TEST_P(CodecState, AfterEveryStepOfOneByte) {
  const std::string data = test::sample_data(6'000, 7);
  const std::string stream = stream_of(data);
  const std::pair<std::size_t, std::size_t> extremes[] = {{1, 1}, {1, 1 << 20}, {1 << 20, 1}};
  for (const auto& [in, out] : extremes) {
    auto decoder = reborn(1);
    const auto decoded = test::decode_all(decoder, stream, test::pieces_of(in, out));
    ASSERT_TRUE(decoded) << in << " in, " << out << " out: " << decoded.error().message();
    ASSERT_TRUE(*decoded == data) << in << " in, " << out << " out";
    EXPECT_GE(decoder.times(), 3U);
  }
}

TEST_P(CodecState, DamageIsStillFound) {
  const std::string data = test::sample_data(20'000, 8);
  const std::string stream = stream_of(data);
  int refused = 0;
  for (int round = 0; round < 200; ++round) {
    std::string damaged = stream;
    damaged[random_() % damaged.size()] ^= static_cast<char>(1 << random_() % 8);
    auto decoder = reborn(1 + random_() % 4);
    const auto decoded = test::decode_all(decoder, damaged, {pieces(2'000), pieces(4'000)});
    auto plain = reborn(~std::size_t{0});
    const auto expected = test::decode_all(plain, damaged);
    ASSERT_EQ(decoded.has_value(), expected.has_value()) << "round " << round;
    ASSERT_TRUE(!decoded || *decoded == *expected) << "round " << round;
    refused += decoded ? 0 : 1;
  }
  EXPECT_GT(refused, GetParam().has_checksum ? 100 : 10);
}

TEST_P(CodecState, TruncationIsStillFound) {
  const std::string data = test::sample_data(3'000, 9);
  const std::string stream = encode(data);
  for (std::size_t size = 0; size < stream.size(); ++size) {
    auto decoder = reborn(2);
    const auto decoded =
        test::decode_all(decoder, stream.substr(0, size), {pieces(200), pieces(400)});
    ASSERT_FALSE(decoded) << "cut after " << size << " of " << stream.size() << " bytes";
  }
}

constexpr auto kGzip = Encoding::kGzip;
INSTANTIATE_TEST_SUITE_P(
    Kinds, CodecState,
    testing::Values(Kind{"Gzip1", kGzip, "gzip -1 -n"}, Kind{"Gzip6", kGzip, "gzip -6"},
                    Kind{"Gzip9", kGzip, "gzip -9 -n"}, Kind{"Pigz", kGzip, "pigz -p 3 -b 128"},
                    Kind{"PigzHuffman", kGzip, "pigz -n -H"}, Kind{"Stored", kGzip, "pigz -n -0"},
                    Kind{"PigzRuns", kGzip, "pigz -n -U"}, Kind{"Igzip0", kGzip, "igzip -n -0"},
                    Kind{"Igzip3", kGzip, "igzip -n -3"},
                    Kind{"Gzip6ByZlib", kGzip, "gzip -6 -n", Engines::kZlib},
                    Kind{"StoredByZlib", kGzip, "pigz -n -0", Engines::kZlib},
                    Kind{"Gzip6ByEither", kGzip, "gzip -6 -n", Engines::kEither},
                    Kind{"Gzip1ByEither", kGzip, "gzip -1 -n", Engines::kEither},
                    Kind{"StoredByEither", kGzip, "pigz -n -0", Engines::kEither},
                    Kind{"HuffmanByEither", kGzip, "pigz -n -H", Engines::kEither},
                    Kind{"Igzip0ByEither", kGzip, "igzip -n -0", Engines::kEither},
                    Kind{"Xz", Encoding::kXz, "xz -0 --block-size=20000"},
                    Kind{"XzThreads", Encoding::kXz, "xz -0 -T2 --block-size=50000 -C sha256"},
                    Kind{"XzOne", Encoding::kXz, "xz -3 -C crc32"},
                    Kind{"Zstd", Encoding::kZstd, "zstd -3 --check"},
                    Kind{"ZstdNoCheck", Encoding::kZstd, "zstd -1 --no-check", Engines::kIsal,
                         false}),
    [](const auto& kind) { return std::string(kind.param.name); });

// Streams that reach what tools seldom make: fixed blocks, lengths 258 by either symbol, empty
// stored blocks, blocks in any order.
TEST(CodecStateForged, FixedBlocksAndBlockOrder) {
  std::mt19937_64 random(41);
  for (int round = 0; round < 300; ++round) {
    std::string deflate;
    std::string data;
    for (auto blocks = random() % 4; blocks > 0; --blocks) {
      const std::string piece = test::sample_data(random() % 300, random());
      deflate += test::deflate_stored(piece);
      data += piece;
    }
    test::FixedBlock block;
    for (auto symbols = 1 + random() % 40; symbols > 0; --symbols) {
      const auto letter = static_cast<char>('a' + random() % 26);
      block.literal(letter);
      data += letter;
      if (random() % 2 != 0) continue;
      block.symbol(285).distance(0);
      data.append(258, data.back());
    }
    const std::string stream = test::forge_gzip_around(deflate + block.end(), data);
    const auto engine = [&] {
      return random() % 2 == 0 ? InflateEngine::kIsal : InflateEngine::kZlib;
    };
    test::Reborn decoder(
        make_gzip_decoder(engine(), test::default_limits()), [&] { return random() % 2 == 0; },
        engine);
    const auto piece = [&] { return 1 + random() % (std::size_t{1} << random() % 8); };
    const auto decoded = test::decode_all(decoder, stream, {piece, piece});
    ASSERT_TRUE(decoded) << decoded.error().message();
    ASSERT_EQ(*decoded, data);
  }
}

TEST(DiskProbeState, AnyPlaceGivesTheSameAnswer) {
  std::mt19937_64 random(51);
  std::string vhdx(400 * 1024, '\0');
  vhdx.replace(0, 8, "vhdxfile");
  std::string iso = test::sample_data(40'000, 1);
  iso.replace(32768, 7,
              std::string("\x01"
                          "CD001"
                          "\x01",
                          7));
  for (const std::string& disk : {vhdx, iso, test::sample_data(700, 2), test::sample_data(5, 3)}) {
    const DiskInfo expected = test::probe_all(disk);
    for (int round = 0; round < 60; ++round) {
      DiskProbe probe;
      for (std::string_view left = disk; !left.empty();) {
        const std::size_t size =
            std::min<std::size_t>(left.size(), 1 + random() % (std::size_t{1} << random() % 18));
        probe.update(test::bytes_of(left.substr(0, size)));
        left.remove_prefix(size);
        const std::string state = probe.save();
        ASSERT_LE(state.size(), std::size_t{80} * 1024);
        auto restored = DiskProbe::restore(test::bytes_of(state));
        ASSERT_TRUE(restored) << restored.error().message();
        ASSERT_EQ(restored->bytes(), disk.size() - left.size());
        ASSERT_EQ(restored->save(), state);
        probe = *std::move(restored);
      }
      ASSERT_EQ(probe.finish(), expected);
    }
  }
}

}  // namespace
}  // namespace strata::codec
