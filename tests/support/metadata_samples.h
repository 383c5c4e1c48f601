#pragma once

#include <string>
#include <string_view>

#include "strata/base/clock.h"
#include "strata/base/result.h"
#include "strata/metadata/document.h"

// Metadata documents for tests.
namespace strata::test {

inline constexpr UnixMillis kSampleTime = 1'714'564'800'000;  // 2024-05-01T12:00:00Z

class StillClock final : public Clock {
 public:
  explicit StillClock(UnixMillis now = kSampleTime) : now_(now) {}
  [[nodiscard]] UnixMillis now() const override { return now_; }

 private:
  UnixMillis now_;
};

// The 136 bytes of StratusLab's smallest example, with nothing but what is required.
inline metadata::ImageMetadata sample_metadata() {
  metadata::ImageMetadata sample;
  sample.sha1 = *Sha1Digest::from_hex("2be933c98aa6b54bc1229e59f3a752fcfbd286c9");
  sample.identifier = Identifier::from_sha1(sample.sha1);
  sample.bytes = 136;
  sample.type = "machine";
  return sample;
}

inline metadata::Endorser sample_endorser(std::string_view email = "ops@images.example",
                                          UnixMillis now = kSampleTime) {
  const auto pem = metadata::Endorser::generate("Image Ops", email, StillClock(now));
  check(pem.has_value(), "a test endorser cannot be made");
  auto endorser = metadata::Endorser::load(pem->key, pem->certificate);
  check(endorser.has_value(), "a test endorser cannot be loaded");
  return std::move(*endorser);
}

// `text` with the first `from` replaced; the test fails when there is none.
inline std::string replaced(std::string text, std::string_view from, std::string_view to) {
  const std::size_t at = text.find(from);
  check(at != std::string::npos, "the sample does not hold " + std::string(from));
  return text.replace(at, from.size(), to);
}

}  // namespace strata::test
