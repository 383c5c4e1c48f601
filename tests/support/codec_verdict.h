#pragma once

#include <gtest/gtest.h>

#include <string>

#include "strata/codec/decoder.h"
#include "tests/support/codec_streams.h"
#include "tests/support/parallel.h"

// Whole streams and what the decoder must say of them.
namespace strata::test {

// Also byte by byte, and xz on several threads, with the same verdict.
inline Result<std::string> decode(codec::Encoding encoding, const std::string& stream,
                                  const codec::DecoderLimits& limits = default_limits()) {
  const auto decoder = make_decoder(encoding, limits);
  const auto whole = decode_all(*decoder, stream);
  const auto slow = make_decoder(encoding, limits);
  const auto bytewise = decode_all(*slow, stream, pieces_of(1, 1));
  EXPECT_EQ(whole.has_value(), bytewise.has_value());
  if (whole && bytewise) {
    EXPECT_EQ(*whole, *bytewise);
  } else if (!whole && !bytewise) {
    EXPECT_EQ(whole.error().code(), bytewise.error().code());
  }
  const auto threads = parallel();
  const auto beside = make_decoder(encoding, limits, &threads);
  const auto several = decode_all(*beside, stream);
  EXPECT_EQ(whole.has_value(), several.has_value());
  if (whole && several) {
    EXPECT_EQ(*whole, *several);
  } else if (!whole && !several) {
    EXPECT_EQ(whole.error().code(), several.error().code());
  }
  return whole;
}

inline void expect_decoded(codec::Encoding encoding, const std::string& stream,
                           const std::string& expected) {
  const auto decoded = decode(encoding, stream);
  ASSERT_TRUE(decoded) << decoded.error().message();
  EXPECT_EQ(*decoded, expected);
}

inline void expect_error(const Result<std::string>& decoded, Errc code, const std::string& words) {
  ASSERT_FALSE(decoded) << "accepted";
  EXPECT_EQ(decoded.error().code(), code) << decoded.error().message();
  EXPECT_NE(decoded.error().detail().find(words), std::string::npos) << decoded.error().detail();
}

}  // namespace strata::test
