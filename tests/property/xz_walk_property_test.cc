#include <gtest/gtest.h>
#include <lzma.h>

#include <optional>
#include <random>
#include <string>

#include "strata/codec/decoder.h"
#include "tests/support/codec_forge.h"
#include "tests/support/codec_streams.h"
#include "tests/support/parallel.h"
#include "tests/support/tool.h"

// Our walk over an xz file against liblzma's own one, the oracle: the same verdict and the same
// bytes on what is right, damaged, or forged with right CRCs. Once on one thread, once on two.
namespace strata::codec {
namespace {

// What lzma_stream_decoder makes of it; nothing when it refuses.
std::optional<std::string> oracle(const std::string& stream) {
  lzma_stream coder = LZMA_STREAM_INIT;
  check(::lzma_stream_decoder(&coder, test::default_limits().xz_memory_bytes_max,
                              LZMA_CONCATENATED | LZMA_TELL_UNSUPPORTED_CHECK) == LZMA_OK,
        "lzma_stream_decoder");
  std::string decoded;
  std::string room(1 << 16, '\0');
  coder.next_in = reinterpret_cast<const std::uint8_t*>(stream.data());
  coder.avail_in = stream.size();
  lzma_ret code = LZMA_OK;
  while (code == LZMA_OK) {
    coder.next_out = reinterpret_cast<std::uint8_t*>(room.data());
    coder.avail_out = room.size();
    code = ::lzma_code(&coder, LZMA_FINISH);
    decoded.append(room, 0, room.size() - coder.avail_out);
  }
  ::lzma_end(&coder);
  if (code != LZMA_STREAM_END) return std::nullopt;
  return decoded;
}

// Returns whether the stream was accepted.
bool expect_agreement(const std::string& stream, const test::Pieces& pieces) {
  const auto expected = oracle(stream);
  const auto threads = test::parallel();
  for (const ParallelDecoding* parallel :
       {static_cast<const ParallelDecoding*>(nullptr), &threads}) {
    const auto decoder = make_decoder(Encoding::kXz, test::default_limits(), parallel);
    const auto decoded = test::decode_all(*decoder, stream, pieces);
    EXPECT_EQ(decoded.has_value(), expected.has_value())
        << (parallel == nullptr ? "" : "in parallel: ")
        << (decoded ? "accepted" : decoded.error().message());
    EXPECT_TRUE(!decoded || !expected || *decoded == *expected) << "other bytes";
  }
  return expected.has_value();
}

class XzWalk : public testing::Test {
 protected:
  std::size_t any(std::size_t count) { return random_() % count; }
  test::Pieces pieces() {
    const auto piece = [this] { return 1 + any(std::size_t{1} << any(14)); };
    return {piece, piece};
  }
  test::XzParts honest() {
    const std::string data = test::sample_data(any(2) * any(5'000), random_());
    test::XzParts parts{.blocks = any(5), .data = data, .block_header_bytes = 24 + 4 * any(20)};
    if (any(2) == 0) {  // a chunk has a control byte, its length and an end marker
      parts.compressed_size = data.empty() ? 1 : data.size() + 4;
      parts.decoded_size = data.size();
    }
    return parts;
  }
  void lie(test::XzParts& parts) {
    const std::size_t by = any(2) == 0 ? 1 + any(4) : ~any(4);
    switch (any(11)) {
      case 0:
        parts.compressed_size = parts.data.size() + any(8);
        break;
      case 1:
        parts.decoded_size = parts.data.size() + any(3);
        break;
      case 2:
        parts.block_flags_extra = static_cast<std::uint8_t>(any(256));
        break;
      case 3:
        parts.filter = any(16);
        break;
      case 4:
        parts.dictionary = static_cast<std::uint8_t>(any(64));
        break;
      case 5:
        parts.index_size_error = by;
        break;
      case 6:
        parts.index_decoded_error = by;
        break;
      case 7:
        parts.index_records_error = any(2) == 0 || parts.blocks == 0 ? 1 : ~std::size_t{0};
        break;
      case 8:
        parts.backward_size_error = static_cast<std::uint32_t>(by);
        break;
      case 9:
        parts.check_type = static_cast<std::uint8_t>(any(32));
        break;
      default:
        parts.footer_check_type = static_cast<std::uint8_t>(any(32));
    }
  }

  std::mt19937_64 random_{21};
};

TEST_F(XzWalk, JudgesForgedStreamsAsLiblzmaDoes) {
  int accepted = 0;
  for (int round = 0; round < 4000; ++round) {
    std::string stream;
    for (auto streams = 1 + any(3); streams > 0; --streams) {
      test::XzParts parts = honest();
      if (any(3) == 0) lie(parts);
      stream += test::forge_xz(parts);
      if (any(3) == 0) stream += std::string(any(4) == 0 ? any(9) : 4 * any(300), '\0');
    }
    accepted += expect_agreement(stream, pieces()) ? 1 : 0;
    ASSERT_FALSE(HasFailure()) << "round " << round;
  }
  EXPECT_GT(accepted, 1000);
  EXPECT_LT(accepted, 3000);
}

TEST_F(XzWalk, JudgesDamageAsLiblzmaDoes) {
  const std::string data = test::sample_data(3'000, 22);
  const char* commands[] = {"xz -0 --block-size=1000 --check=crc32",
                            "xz -0 -T2 --block-size=700 --check=none",
                            "xz --x86 --delta=dist=2 --lzma2=preset=0 --check=sha256"};
  for (const char* command : commands) {
    const std::string stream =
        test::run_tool(command, data) + std::string(4, '\0') + test::run_tool(command, "two");
    ASSERT_TRUE(expect_agreement(stream, pieces()));
    for (int round = 0; round < 3000; ++round) {
      std::string damaged = stream;
      const std::size_t at = any(stream.size());
      switch (any(4)) {
        case 0:
          damaged.erase(at, 1 + any(12));
          break;
        case 1:
          damaged.insert(at / 4 * 4, 4 * (1 + any(3)), '\0');
          break;
        case 2:
          damaged.resize(at);
          break;
        default:
          damaged[at] ^= static_cast<char>(1 << any(8));
      }
      expect_agreement(damaged, pieces());
      ASSERT_FALSE(HasFailure()) << command << ", round " << round;
    }
  }
}

}  // namespace
}  // namespace strata::codec
