#include <gtest/gtest.h>

#include <optional>
#include <string>

#include "strata/http/message.h"

namespace strata::http {
namespace {

const Limits kLimits;

struct Decoded {
  std::string content;
  std::size_t consumed = 0;
  bool done = false;
  std::string sum;  // of trailer X-Sum
};

// Feeds `wire` in two pieces; nullopt when it is refused.
std::optional<Decoded> decode(std::string_view wire, std::size_t split,
                              std::size_t content_max = std::string::npos) {
  ChunkedDecoder decoder(kLimits);
  Decoded decoded;
  for (const std::string_view piece : {wire.substr(0, split), wire.substr(split)}) {
    std::size_t at = 0;
    while (at < piece.size() && !decoded.done) {
      const auto step = decoder.step(piece.substr(at), content_max);
      if (!step) return std::nullopt;
      EXPECT_LE(step->data.size(), content_max);
      decoded.content += step->data;
      decoded.done = step->done;
      at += step->consumed;
    }
    decoded.consumed += at;
  }
  decoded.sum = decoder.trailers().get("X-Sum").value_or("");
  return decoded;
}

TEST(ChunkedDecoder, GivesTheSameForEverySplit) {
  const std::string wire =
      "4\r\nWiki\r\n5;name=\"v;x\"\r\npedia\r\n00e\r\n in\r\n\r\nchunks.\r\n0\r\nX-Sum: 7\r\n\r\n";
  for (std::size_t split = 0; split <= wire.size(); ++split) {
    for (const std::size_t content_max : {std::size_t{1}, std::size_t{3}, std::string::npos}) {
      const auto decoded = decode(wire + "GET /", split, content_max);
      ASSERT_TRUE(decoded);
      EXPECT_TRUE(decoded->done);
      EXPECT_EQ(decoded->content, "Wikipedia in\r\n\r\nchunks.");
      EXPECT_EQ(decoded->consumed, wire.size());
      EXPECT_EQ(decoded->sum, "7");
    }
  }
}

TEST(ChunkedDecoder, RefusesTheSameForEverySplit) {
  for (const std::string_view wire :
       {"FFFFFFFFFFFFFFFF1\r\na", "g\r\n", "\r\n", "-1\r\n", "0x1\r\na", "1 \r\na", "1\na",
        "1\r\nab\r\n", "1\r\na\n0\r\n\r\n", "1;\x01\r\na", "1;a\rb\r\na",
        "0\r\nContent-Length: 1\r\n\r\n", "0\r\ntransfer-encoding: chunked\r\n\r\n",
        "0\r\nHost: h\r\n\r\n", "0\r\nA : b\r\n\r\n", "0\r\nA: b\n\r\n"}) {
    for (std::size_t split = 0; split <= wire.size(); ++split) {
      EXPECT_FALSE(decode(wire, split)) << wire << " at " << split;
    }
  }
}

TEST(ChunkedDecoder, IsNotDoneBeforeTheLastBlankLine) {
  const std::string wire = "1\r\na\r\n0\r\nA: b\r\n\r\n";
  for (std::size_t size = 0; size < wire.size(); ++size) {
    EXPECT_FALSE(decode(std::string_view(wire).substr(0, size), 0)->done) << size;
  }
  EXPECT_TRUE(decode(wire, 0)->done);
}

TEST(ChunkedDecoder, SizesNearTheLimitDoNotOverflow) {
  ChunkedDecoder decoder(kLimits);
  ASSERT_TRUE(decoder.step("ffffffffffffffff\r\n"));
  EXPECT_EQ(decoder.chunk_remaining(), ~std::uint64_t{0});
  decoder.skip_content(~std::uint64_t{0} - 1);
  EXPECT_EQ(decoder.chunk_remaining(), 1U);
}

TEST(ChunkedDecoder, ContentMayBeReadAroundIt) {
  ChunkedDecoder decoder(kLimits);
  auto step = decoder.step("5\r\nabcde\r\n", 0);
  EXPECT_EQ(step->consumed, 3U);
  EXPECT_EQ(decoder.chunk_remaining(), 5U);
  decoder.skip_content(5);
  step = decoder.step("\r\n0\r\n\r\n", 0);
  EXPECT_TRUE(step->done);
}

TEST(ChunkedDecoder, ExtensionsAreBoundedInALineAndInAll) {
  EXPECT_FALSE(decode("1;" + std::string(kMiB, 'x'), 0));
  EXPECT_TRUE(decode("1;" + std::string(4000, 'x') + "\r\na\r\n0\r\n\r\n", 0));
  std::string tiny;
  for (int i = 0; i < 10; ++i) tiny += "1;" + std::string(4000, 'x') + "\r\na\r\n";
  EXPECT_FALSE(decode(tiny, 0));
  std::string honest;  // long extensions on large chunks are paid for by their content
  for (int i = 0; i < 50; ++i) {
    honest += "800;" + std::string(4000, 'x') + "\r\n" + std::string(2048, 'a') + "\r\n";
  }
  EXPECT_TRUE(decode(honest, 0));
}

}  // namespace
}  // namespace strata::http
