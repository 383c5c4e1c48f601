#include <gtest/gtest.h>

#include "storage/upload/session_record.h"
#include "tests/support/fixed.h"

namespace strata::upload {
namespace {

SessionRecord full() {
  test::ManualClock clock;
  test::SeededRandom random;
  SessionRecord record;
  record.kind = Kind::kFinal;
  record.owner = "alice \"x\"";
  record.created = 5;
  record.length = 0;
  record.image = ImageId::generate(clock, random);
  record.blob = BlobId::generate(random);
  record.description = "{\"a\": \"\\u0000 b\"}";
  record.parts = {RandomId::generate(random), RandomId::generate(random)};
  record.final = RandomId::generate(random);
  record.digested = false;
  record.absorbed = true;
  return record;
}

TEST(SessionRecord, RoundTrip) {
  SessionRecord record = full();
  EXPECT_EQ(*session_from_json(to_json(record)), record);
  record.kind = Kind::kPartial;
  record.parts.clear();
  record.length.reset();
  record.final.reset();
  record.blob = BlobId();
  EXPECT_EQ(*session_from_json(to_json(record)), record);
}

TEST(SessionRecord, CutTextsAreRefused) {
  const std::string good = to_json(full());
  for (std::size_t at = 0; at < good.size(); ++at) {
    EXPECT_EQ(session_from_json(good.substr(0, at)).error().code(), Errc::kCorruptData);
  }
  EXPECT_FALSE(session_from_json("{}"));
  EXPECT_FALSE(session_from_json("[]"));
}

TEST(OutcomeRecord, RoundTripAndDamage) {
  const OutcomeRecord record{false, "corrupt-gzip", "at byte 5", 9};
  const std::string good = to_json(record);
  EXPECT_EQ(*outcome_from_json(good), record);
  for (std::size_t at = 0; at < good.size(); ++at) {
    EXPECT_FALSE(outcome_from_json(good.substr(0, at)));
  }
}

}  // namespace
}  // namespace strata::upload
