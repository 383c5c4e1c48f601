// The site policy: StratusLab's six lists, asked of verified entries only.
#include "registry/policy/policy.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>

#include "tests/support/policy_samples.h"
#include "tests/support/temporary_directory.h"

namespace strata::policy {
namespace {

using metadata::Profile;
using metadata::VerifiedEntry;
using test::entry_of;
using test::failed_rule;
using test::kSampleTime;
using testing::HasSubstr;

constexpr const char* kSha1 = "2be933c98aa6b54bc1229e59f3a752fcfbd286c9";
constexpr const char* kImage = "CvpM8mKprVLwSKeWfOnUvz70obJ";

struct FileLists {
  std::string white_endorsers = {}, black_endorsers = {};
  std::string white_images = {}, black_images = {};
  std::string white_checksums = {}, black_checksums = {};
};

std::string policy_text(const FileLists& lists) {
  return "[endorsers]\nwhitelistendorsers=" + lists.white_endorsers +
         "\nblacklistendorsers=" + lists.black_endorsers +
         "\n[images]\nwhitelistimages=" + lists.white_images +
         "\nblacklistimages=" + lists.black_images +
         "\n[checksums]\nwhitelistchecksums=" + lists.white_checksums +
         "\nblacklistchecksums=" + lists.black_checksums + "\n";
}

Decision decide(const FileLists& lists, const std::vector<VerifiedEntry>& entries,
                UnixMillis now = kSampleTime) {
  const auto policy = Policy::parse(policy_text(lists), Form::kStratusLab);
  check(policy.has_value(), policy ? "" : policy.error().detail());
  return policy->evaluate(*Identifier::parse(kImage), entries, now);
}

TEST(Policy, EmptyListsAcceptAndBindTheEntry) {
  const VerifiedEntry entry = entry_of("a@x.example");
  const Decision decision = decide({}, {entry});
  ASSERT_TRUE(decision.accepted());
  EXPECT_EQ(decision.entry->document(), entry.document());
  EXPECT_EQ(decision.entry->key(), entry.key());
  EXPECT_THAT(decision.reason, HasSubstr(entry.key().path()));
}

TEST(Policy, NoEntryIsRefused) {
  const Decision decision = decide({}, {});
  EXPECT_FALSE(decision.accepted());
  EXPECT_THAT(decision.reason, HasSubstr("there is no entry"));
}

TEST(Policy, WhiteListsAreAllAsked) {
  const VerifiedEntry entry = entry_of("a@x.example");
  FileLists lists;
  lists.white_endorsers = "a@x.example";
  lists.white_images = kImage;
  lists.white_checksums = kSha1;
  EXPECT_TRUE(decide(lists, {entry}).accepted());
  FileLists other = lists;
  other.white_endorsers = "A@x.example";  // exact, with its case
  EXPECT_EQ(failed_rule(decide(other, {entry}))->rule, "endorsers.allow");
  other = lists;
  other.white_images = "DvpM8mKprVLwSKeWfOnUvz70obJ";
  EXPECT_EQ(failed_rule(decide(other, {entry}))->rule, "images.allow");
  other = lists;
  other.white_checksums = std::string(40, '0');
  EXPECT_EQ(failed_rule(decide(other, {entry}))->rule, "checksums.allow_sha1");
}

TEST(Policy, BlackListsVeto) {
  const std::vector<VerifiedEntry> entries = {entry_of("a@x.example"), entry_of("b@x.example")};
  FileLists lists;
  lists.black_endorsers = "a@x.example";
  const Decision decision = decide(lists, entries);
  ASSERT_TRUE(decision.accepted()) << "another endorser's entry is enough";
  EXPECT_EQ(decision.entry->key().endorser, "b@x.example");
  FileLists image;
  image.black_images = kImage;
  EXPECT_FALSE(decide(image, entries).accepted());
  FileLists checksum;
  checksum.black_checksums = "2BE933C98AA6B54BC1229E59F3A752FCFBD286C9";
  EXPECT_FALSE(decide(checksum, entries).accepted());
}

TEST(Policy, B57EndorserOnBothListsIsDenied) {
  FileLists lists;
  lists.white_endorsers = lists.black_endorsers = "a@x.example";
  EXPECT_FALSE(decide(lists, {entry_of("a@x.example")}).accepted());
}

// StratusLab's filter removed items from the list that it walked over, and skipped the next one.
TEST(Policy, B57ConsecutiveDeniedEntriesAreAllDenied) {
  FileLists lists;
  lists.black_endorsers = "a@x.example\n b@x.example\n c@x.example";
  const std::vector<VerifiedEntry> entries = {entry_of("a@x.example"), entry_of("b@x.example"),
                                              entry_of("c@x.example")};
  const Decision decision = decide(lists, entries);
  EXPECT_FALSE(decision.accepted());
  for (std::size_t i = 0; i < entries.size(); ++i) {
    EXPECT_EQ(failed_rule(decision, i)->rule, "endorsers.deny");
  }
}

TEST(Policy, OnlyTheNewestEntryOfAnEndorserCounts) {
  metadata::ImageMetadata deprecated = test::sample_metadata();
  deprecated.deprecated = "security";
  const std::vector<VerifiedEntry> entries = {
      entry_of("a@x.example"), entry_of("a@x.example", kSampleTime + 1000, deprecated)};
  const Decision decision = decide({}, entries);
  EXPECT_FALSE(decision.accepted());
  EXPECT_EQ(failed_rule(decision, 0)->rule, "newest");
  EXPECT_EQ(failed_rule(decision, 1)->rule, "require.status");
}

TEST(Policy, OfSeveralTheNewestIsTaken) {
  const std::vector<VerifiedEntry> entries = {entry_of("a@x.example"),
                                              entry_of("b@x.example", kSampleTime + 1000),
                                              entry_of("c@x.example", kSampleTime + 500)};
  EXPECT_EQ(decide({}, entries).entry->key().endorser, "b@x.example");
}

TEST(Policy, ExpiryIsExclusive) {
  metadata::ImageMetadata metadata = test::sample_metadata();
  metadata.valid = kSampleTime + 5000;
  const VerifiedEntry entry = entry_of("a@x.example", kSampleTime, metadata);
  EXPECT_TRUE(decide({}, {entry}, kSampleTime + 4999).accepted());
  EXPECT_FALSE(decide({}, {entry}, kSampleTime + 5000).accepted());
}

TEST(Policy, LegacyVerificationIsNotEnoughAndSupersedesNothing) {
  const VerifiedEntry strict = entry_of("a@x.example");
  const VerifiedEntry legacy =
      entry_of("a@x.example", kSampleTime + 1000, test::sample_metadata(), Profile::kLegacy);
  const Decision decision = decide({}, {strict, legacy});
  ASSERT_TRUE(decision.accepted());
  EXPECT_EQ(decision.entry->key().created, kSampleTime);
  EXPECT_EQ(failed_rule(decision, 1)->rule, "signature");
}

TEST(Policy, EntriesOfAnotherImageDoNotCount) {
  metadata::ImageMetadata other = test::sample_metadata();
  other.sha1 = Sha1Digest();
  other.identifier = Identifier::from_sha1(other.sha1);
  const Decision decision = decide({}, {entry_of("a@x.example", kSampleTime, other)});
  EXPECT_FALSE(decision.accepted());
  EXPECT_EQ(failed_rule(decision)->rule, "image");
}

TEST(Policy, ExplainsRuleByRule) {
  FileLists lists;
  lists.white_endorsers = "b@x.example";
  lists.black_checksums = std::string(40, '0');
  const std::string text = decide(lists, {entry_of("a@x.example")}).explain();
  EXPECT_THAT(text, HasSubstr("refused: no entry of " + std::string(kImage) + " passes\n"));
  EXPECT_THAT(text, HasSubstr("/metadata/CvpM8mKprVLwSKeWfOnUvz70obJ/a@x.example/"
                              "2024-05-01T12:00:00Z: refused\n"));
  EXPECT_THAT(text, HasSubstr("  FAIL  endorsers.allow: a@x.example is not listed\n"));
  EXPECT_THAT(text, HasSubstr("  pass  checksums.deny_sha1: "));
}

TEST(Policy, ADocumentCannotWriteLinesOfTheExplanation) {
  metadata::ImageMetadata metadata = test::sample_metadata();
  metadata.deprecated = "x\n  pass  require.status: valid";
  const std::string text = decide({}, {entry_of("a@x.example", kSampleTime, metadata)}).explain();
  EXPECT_THAT(text, HasSubstr("  FAIL  require.status: deprecated: x   pass  require.status"));
  EXPECT_THAT(text, testing::Not(HasSubstr("\n  pass  require.status")));
}

TEST(PolicyFile, ReadsWhatConfigParserReads) {
  const auto policy = Policy::parse(
      "# comment\r\n[endorsers]\r\nWhiteListEndorsers =\r\n\r\n    a@x.example\r\n"
      "    ; comment\r\n\tb@x.example\r\nblacklistendorsers:c@x.example\r\n"
      "[images]\nwhitelistimages=\nblacklistimages=\n"
      "[checksums]\nwhitelistchecksums=\nblacklistchecksums=",
      Form::kStratusLab);
  ASSERT_TRUE(policy) << policy.error().message();
  const std::vector<VerifiedEntry> entries = {entry_of("c@x.example"), entry_of("b@x.example")};
  const Decision decision = policy->evaluate(*Identifier::parse(kImage), entries, kSampleTime);
  ASSERT_TRUE(decision.accepted());
  EXPECT_EQ(decision.entry->key().endorser, "b@x.example");
}

TEST(PolicyFile, BrokenFilesAreRefused) {
  const std::string good = policy_text({});
  ASSERT_TRUE(Policy::parse(good, Form::kStratusLab));
  const auto refused = [](const std::string& text, const std::string& reason) {
    const auto policy = Policy::parse(text, Form::kStratusLab);
    ASSERT_FALSE(policy) << text;
    EXPECT_THAT(policy.error().detail(), HasSubstr(reason));
  };
  refused("", "[endorsers] must have the list whitelistendorsers");
  refused(test::replaced(good, "blacklistimages=", ""), "must have the list blacklistimages");
  refused(test::replaced(good, "blacklistimages=", "blacklistimage="), "there is no list");
  refused(test::replaced(good, "[images]", "[image]"), "there is no section [image]");
  refused(test::replaced(good, "[images]", "[images"), "there is no section");
  refused(test::replaced(good, "[images]", "blacklistendorsers=a@b"), "is there twice");
  refused(test::replaced(good, "[images]", "text"), "there is no list text");
  refused(" indented\n" + good, "must follow a list");
  refused(policy_text({.white_endorsers = "somebody"}), "name@host");
  refused(policy_text({.black_images = "abc"}), "27 characters");
  refused(policy_text({.black_checksums = "abc"}), "40 hex digits");
}

TEST(PolicyFile, MissingOrBrokenFileDeniesEverything) {
  const test::TemporaryDirectory folder;
  const std::string path = folder.path() + "/policy.cfg";
  const std::vector<VerifiedEntry> entries = {entry_of("a@x.example")};
  const auto decide_by_file = [&] {
    return Policy::load(path).evaluate(*Identifier::parse(kImage), entries, kSampleTime);
  };
  EXPECT_FALSE(decide_by_file().accepted());
  EXPECT_THAT(decide_by_file().reason, HasSubstr("cannot be read"));
  std::ofstream(path) << "garbled";
  EXPECT_FALSE(decide_by_file().accepted());
  EXPECT_THAT(decide_by_file().reason, HasSubstr("line 1"));
  std::ofstream(path) << policy_text({});
  EXPECT_TRUE(decide_by_file().accepted());
  std::ofstream(path, std::ios::app) << std::string(Limits().policy_file_bytes_max, '#');
  EXPECT_THAT(decide_by_file().reason, HasSubstr("too large"));
  EXPECT_FALSE(
      Policy::load(folder.path()).evaluate(*Identifier::parse(kImage), entries, 0).accepted());
}

}  // namespace
}  // namespace strata::policy
