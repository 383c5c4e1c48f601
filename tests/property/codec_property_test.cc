#include <gtest/gtest.h>

#include <random>
#include <string>

#include "storage/codec/gzip_decoder.h"
#include "strata/codec/decoder.h"
#include "tests/support/codec_streams.h"
#include "tests/support/tool.h"

namespace strata::codec {
namespace {

struct Kind {
  const char* name;
  Encoding encoding;
  InflateEngine engine;  // for gzip
  const char* command;
};

void PrintTo(const Kind& kind, std::ostream* out) {
  *out << kind.name;
}

class Codec : public testing::TestWithParam<Kind> {
 protected:
  static std::unique_ptr<Decoder> decoder() {
    const DecoderLimits limits = test::default_limits();
    if (GetParam().encoding == Encoding::kGzip) return make_gzip_decoder(GetParam().engine, limits);
    return make_decoder(GetParam().encoding, limits);
  }
  static std::string encode(const std::string& data) {
    return test::run_tool(GetParam().command, data);
  }
};

// Sizes from 1 to `most`, small ones as often as large ones.
std::function<std::size_t()> random_pieces(std::mt19937_64& random, std::size_t most) {
  return [&random, most] { return 1 + random() % (std::size_t{1} << (random() % 20)) % most; };
}

TEST_P(Codec, AnySplitOfInputAndOutputGivesTheSameBytes) {
  const std::string data = test::sample_data(200'000, 5);
  const std::string stream = encode(data.substr(0, 150'000)) + encode(data.substr(150'000));
  std::mt19937_64 random(6);
  for (int round = 0; round < 30; ++round) {
    const test::Pieces pieces{random_pieces(random, 1 + random() % 100'000),
                              random_pieces(random, 1 + random() % 100'000)};
    const auto decoded = test::decode_all(*decoder(), stream, pieces);
    ASSERT_TRUE(decoded) << "round " << round << ": " << decoded.error().message();
    ASSERT_TRUE(*decoded == data) << "round " << round;
  }
  const std::pair<std::size_t, std::size_t> extremes[] = {{1, 1}, {1, 1 << 20}, {1 << 20, 1}};
  for (const auto& [in, out] : extremes) {
    const auto decoded = test::decode_all(*decoder(), stream, test::pieces_of(in, out));
    ASSERT_TRUE(decoded) << decoded.error().message();
    ASSERT_TRUE(*decoded == data) << in << " in, " << out << " out";
  }
}

TEST_P(Codec, TruncationAtAnyByteIsAnError) {
  const std::string data = test::sample_data(3'000, 7);
  const std::string stream = encode(data);
  ASSERT_TRUE(test::decode_all(*decoder(), stream));
  for (std::size_t size = 0; size < stream.size(); ++size) {
    const auto decoded = test::decode_all(*decoder(), stream.substr(0, size));
    ASSERT_FALSE(decoded) << "cut after " << size << " of " << stream.size() << " bytes";
    ASSERT_TRUE(decoded.error().info().type.starts_with("corrupt-")) << decoded.error().message();
  }
}

// A flipped bit is found, or it was in a field that says nothing about the data (a time stamp).
TEST_P(Codec, AFlippedBitNeverGivesOtherBytes) {
  const std::string data = test::sample_data(600, 8);
  const std::string stream = encode(data);
  std::size_t refused = 0;
  for (std::size_t bit = 0; bit < 8 * stream.size(); ++bit) {
    std::string flipped = stream;
    flipped[bit / 8] = static_cast<char>(flipped[bit / 8] ^ (1 << bit % 8));
    const auto decoded = test::decode_all(*decoder(), flipped);
    if (decoded) {
      ASSERT_TRUE(*decoded == data) << "bit " << bit;
    } else {
      ++refused;
    }
  }
  EXPECT_GT(refused, 8 * stream.size() * 9 / 10);
}

TEST_P(Codec, RandomDamageNeverGivesOtherBytes) {
  const std::string data = test::sample_data(20'000, 9);
  const std::string stream = encode(data);
  std::mt19937_64 random(10);
  for (int round = 0; round < 300; ++round) {
    std::string damaged = stream;
    const std::size_t at = 12 + random() % (stream.size() - 12);
    switch (random() % 3) {
      case 0:
        damaged.erase(at, 1 + random() % 100);
        break;
      case 1:
        damaged.insert(at, test::sample_data(1 + random() % 100, random()));
        break;
      default:
        damaged.replace(at, 1, 1, static_cast<char>(damaged[at] + 1));
    }
    const auto decoded = test::decode_all(*decoder(), damaged);
    ASSERT_TRUE(!decoded || *decoded == data) << "round " << round;
  }
}

INSTANTIATE_TEST_SUITE_P(
    Kinds, Codec,
    testing::Values(Kind{"GzipByIsal", Encoding::kGzip, InflateEngine::kIsal, "gzip -n"},
                    Kind{"GzipByZlib", Encoding::kGzip, InflateEngine::kZlib, "gzip -n"},
                    Kind{"StoredByIsal", Encoding::kGzip, InflateEngine::kIsal, "pigz -n -0"},
                    Kind{"IgzipByIsal", Encoding::kGzip, InflateEngine::kIsal, "igzip -n -0"},
                    Kind{"Xz", Encoding::kXz, InflateEngine::kZlib, "xz -0 --block-size=20000"},
                    Kind{"Zstd", Encoding::kZstd, InflateEngine::kZlib, "zstd -3 --check"}),
    [](const auto& kind) { return std::string(kind.param.name); });

// ISA-L against zlib, the oracle: the same verdict and, where there are any, the same bytes.
TEST(InflateEngines, AgreeOnDamagedStreams) {
  std::mt19937_64 random(11);
  const char* commands[] = {"gzip -1 -n", "gzip -9 -n", "pigz -H -n", "igzip -n -1"};
  for (const char* command : commands) {
    const std::string stream = test::run_tool(command, test::sample_data(50'000, 12));
    for (int round = 0; round < 300; ++round) {
      std::string damaged = stream;
      for (auto flips = random() % 3; flips > 0; --flips) {
        damaged[random() % damaged.size()] ^= static_cast<char>(1 << random() % 8);
      }
      const DecoderLimits limits = test::default_limits();
      const auto isal = test::decode_all(*make_gzip_decoder(InflateEngine::kIsal, limits), damaged);
      const auto zlib = test::decode_all(*make_gzip_decoder(InflateEngine::kZlib, limits), damaged);
      ASSERT_EQ(isal.has_value(), zlib.has_value()) << command << ", round " << round;
      ASSERT_TRUE(!isal || *isal == *zlib) << command << ", round " << round;
    }
  }
}

}  // namespace
}  // namespace strata::codec
