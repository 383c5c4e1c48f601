// k of n endorsers: who counts, and with whom.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/policy_samples.h"

namespace strata::policy {
namespace {

using metadata::ImageMetadata;
using metadata::VerifiedEntry;
using test::entry_by;
using test::entry_of;
using test::failed_rule;
using test::kSampleTime;
using test::sample_metadata;
using testing::HasSubstr;

ImageMetadata naming(char digit) {
  ImageMetadata metadata = sample_metadata();
  metadata.sha256 = *Sha256Digest::from_hex(std::string(64, digit));
  return metadata;
}

VerifiedEntry entry(const std::string& email, char digit = 'a', UnixMillis later = 0) {
  return entry_of(email, kSampleTime + later, naming(digit));
}

Decision decide(const std::string& text, const std::vector<VerifiedEntry>& entries) {
  const auto policy = Policy::parse(text, Form::kToml);
  check(policy.has_value(), policy ? "" : policy.error().detail());
  return policy->evaluate(sample_metadata().identifier, entries, kSampleTime);
}

TEST(PolicyQuorum, EnoughEndorsersThatAgree) {
  const std::vector<VerifiedEntry> two = {entry("a@x.example"), entry("b@x.example", 'a', 1000)};
  const Decision decision = decide("quorum.count = 2", two);
  ASSERT_TRUE(decision.accepted()) << decision.explain();
  EXPECT_EQ(decision.entry->key().endorser, "b@x.example");
  const Decision three = decide("quorum.count = 3", two);
  EXPECT_FALSE(three.accepted());
  EXPECT_EQ(failed_rule(three)->rule, "quorum");
  EXPECT_THAT(failed_rule(three)->reason,
              HasSubstr("2 of the 3 endorsers needed agree on its SHA-256: a@x.example, b@x."));
  EXPECT_FALSE(decide("quorum.count = 1", {}).accepted());
}

TEST(PolicyQuorum, EntriesThatNameDifferentBytesDoNotAddUp) {
  EXPECT_FALSE(decide("quorum.count = 2", {entry("a@x.example", 'a'), entry("b@x.example", 'b')})
                   .accepted());
  const Decision decision =
      decide("quorum.count = 2", {entry("a@x.example", 'a'), entry("b@x.example", 'b', 2000),
                                  entry("c@x.example", 'a', 1000)});
  ASSERT_TRUE(decision.accepted());
  EXPECT_EQ(decision.entry->key().endorser, "c@x.example") << "the newest of those that agree";
  EXPECT_EQ(failed_rule(decision, 1)->rule, "quorum");
}

TEST(PolicyQuorum, AnEntryWithoutSha256DoesNotCount) {
  const Decision decision =
      decide("quorum.count = 2", {entry("a@x.example"), entry_of("b@x.example")});
  EXPECT_FALSE(decision.accepted());
  EXPECT_THAT(failed_rule(decision, 1)->reason, HasSubstr("no SHA-256"));
}

TEST(PolicyQuorum, EntriesThatFailAnotherRuleDoNotCount) {
  const std::vector<VerifiedEntry> two = {entry("a@x.example"), entry("b@x.example")};
  EXPECT_FALSE(decide("quorum.count = 2\nendorsers.deny = ['b@x.example']", two).accepted());
  ImageMetadata deprecated = naming('a');
  deprecated.deprecated = "bad";
  EXPECT_FALSE(decide("quorum.count = 2", {entry("a@x.example"), entry("b@x.example"),
                                           entry_of("b@x.example", kSampleTime + 1000, deprecated)})
                   .accepted())
      << "a superseded entry";
}

TEST(PolicyQuorum, OneCertificateAndOneAddressCountOnce) {
  const metadata::Endorser endorser = test::sample_endorser("a@x.example");
  const std::vector<VerifiedEntry> twice = {entry_by(endorser, naming('a')),
                                            entry_by(endorser, naming('a'))};
  EXPECT_FALSE(decide("quorum.count = 2", twice).accepted());
  const std::vector<VerifiedEntry> one_address = {entry("a@x.example"), entry("a@x.example")};
  EXPECT_FALSE(decide("quorum.count = 2", one_address).accepted()) << "two keys, one address";
}

// Rules of somebody else, like a registry's trust, come before the quorum and the bans.
TEST(PolicyQuorum, EntriesThatFailMoreRulesDoNotCount) {
  const std::vector<VerifiedEntry> two = {entry("a@x.example"), entry("b@x.example")};
  const auto policy = Policy::parse("quorum.count = 2", Form::kToml);
  const auto decide_with = [&](const std::string& trusted) {
    return policy->evaluate(sample_metadata().identifier, two, kSampleTime,
                            [&](const VerifiedEntry& entry) -> std::vector<RuleResult> {
                              const bool all = trusted.empty();
                              return {{"trust", all || entry.key().endorser == trusted, "so"}};
                            });
  };
  EXPECT_TRUE(decide_with("").accepted());
  const Decision decision = decide_with("a@x.example");
  EXPECT_FALSE(decision.accepted());
  EXPECT_THAT(failed_rule(decision, 0)->reason, HasSubstr("1 of the 2"));
  EXPECT_EQ(failed_rule(decision, 1)->rule, "trust");
}

TEST(PolicyQuorum, NamesAFewOfManyThatAgree) {
  std::vector<VerifiedEntry> many;
  for (char c = 'a'; c < 'i'; ++c) many.push_back(entry(std::string(1, c) + "@x.example"));
  const Decision decision = decide("quorum.count = 9", many);
  EXPECT_THAT(failed_rule(decision)->reason, HasSubstr("8 of the 9"));
  EXPECT_THAT(failed_rule(decision)->reason, HasSubstr("e@x.example and 3 more"));
}

TEST(PolicyQuorum, OnlyMembersCount) {
  const std::string text = "quorum.count = 2\nquorum.endorsers = ['a@x.example', 'b@x.example']";
  const Decision without =
      decide(text, {entry("a@x.example"), entry("c@x.example"), entry("d@x.example")});
  EXPECT_FALSE(without.accepted());
  EXPECT_THAT(failed_rule(without, 1)->reason, HasSubstr("not one of quorum.endorsers"));
  const Decision with =
      decide(text, {entry("a@x.example"), entry("b@x.example"), entry("c@x.example", 'a', 1000)});
  ASSERT_TRUE(with.accepted());
  EXPECT_NE(with.entry->key().endorser, "c@x.example");
}

}  // namespace
}  // namespace strata::policy
