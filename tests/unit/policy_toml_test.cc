// Strata's policy file: each key, asked of verified entries, and each way to break the file.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <boost/json.hpp>

#include "tests/support/policy_samples.h"

namespace strata::policy {
namespace {

using metadata::ImageMetadata;
using metadata::VerifiedEntry;
using test::entry_by;
using test::entry_of;
using test::failed_rule;
using test::kSampleTime;
using test::sample_endorser;
using test::sample_metadata;
using testing::HasSubstr;

constexpr const char* kImage = "CvpM8mKprVLwSKeWfOnUvz70obJ";
constexpr const char* kSha1 = "2be933c98aa6b54bc1229e59f3a752fcfbd286c9";
constexpr UnixMillis kDay = 86'400'000;

std::string hex(char digit, std::size_t size = 64) {
  return std::string(size, digit);
}

ImageMetadata with_sha256(char digit) {
  ImageMetadata metadata = sample_metadata();
  metadata.sha256 = *Sha256Digest::from_hex(hex(digit));
  return metadata;
}

ImageMetadata with_stored(const std::string& encoding, char sha256 = 'e') {
  ImageMetadata metadata = with_sha256('a');
  DigestSet digests;
  digests.sha1 = *Sha1Digest::from_hex(hex('d', 40));
  digests.sha256 = *Sha256Digest::from_hex(hex(sha256));
  metadata.stored.push_back({encoding, digests});
  return metadata;
}

Decision decide(const std::string& text, const std::vector<VerifiedEntry>& entries,
                UnixMillis now = kSampleTime) {
  const auto policy = Policy::parse(text, Form::kToml);
  check(policy.has_value(), policy ? "" : policy.error().detail());
  return policy->evaluate(*Identifier::parse(kImage), entries, now);
}

// The rule that refuses the only entry; empty when it is accepted.
std::string refusal(const std::string& text, const VerifiedEntry& entry,
                    UnixMillis now = kSampleTime) {
  const Decision decision = decide(text, {entry}, now);
  const RuleResult* rule = failed_rule(decision);
  EXPECT_EQ(decision.accepted(), rule == nullptr);
  return rule == nullptr ? "" : rule->rule;
}

TEST(PolicyToml, AnEmptyFileAndEmptyListsDoNotCount) {
  const VerifiedEntry entry = entry_of("a@x.example");
  EXPECT_EQ(refusal("", entry), "");
  EXPECT_EQ(refusal("[endorsers]\nallow = []\ndeny = []\n[signers]\nallow_subjects = []\n"
                    "[images]\nallow = []\n[checksums]\nallow_sha1 = []\nallow_sha256 = []\n"
                    "[require]\nstatus = []\nencodings = []\nformats = []\n[quorum]\n"
                    "endorsers = []\n",
                    entry),
            "");
}

TEST(PolicyToml, Endorsers) {
  const VerifiedEntry entry = entry_of("a@x.example");
  EXPECT_EQ(refusal("endorsers.allow = ['a@x.example']", entry), "");
  EXPECT_EQ(refusal("endorsers.allow = ['A@x.example']", entry), "endorsers.allow");
  EXPECT_EQ(refusal("endorsers.deny = ['a@x.example']", entry), "endorsers.deny");
  // B57: on both lists is denied.
  EXPECT_EQ(refusal("[endorsers]\nallow = ['a@x.example']\ndeny = ['a@x.example']", entry),
            "endorsers.deny");
}

TEST(PolicyToml, Signers) {
  const VerifiedEntry entry = entry_of("a@x.example");
  const std::string subject = "[\"" + entry.signature().subject + "\"]";
  EXPECT_EQ(refusal("signers.deny_subjects = " + subject, entry), "signers.deny_subjects");
  std::string fingerprint = entry.signature().fingerprint;
  for (char& c : fingerprint) c = static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
  EXPECT_EQ(refusal("signers.allow_fingerprints = ['" + fingerprint + "']", entry), "");
  EXPECT_EQ(refusal("signers.allow_fingerprints = ['" + hex('0') + "']", entry),
            "signers.allow_fingerprints");
  EXPECT_EQ(refusal("signers.deny_fingerprints = ['" + fingerprint + "']", entry),
            "signers.deny_fingerprints");
}

TEST(PolicyToml, ImagesAndChecksums) {
  const VerifiedEntry entry = entry_of("a@x.example", kSampleTime, with_stored("gzip"));
  const std::string image = std::string("['") + kImage + "']";
  EXPECT_EQ(refusal("images.allow = " + image, entry), "");
  EXPECT_EQ(refusal("images.allow = ['DvpM8mKprVLwSKeWfOnUvz70obJ']", entry), "images.allow");
  EXPECT_EQ(refusal("images.deny = " + image, entry), "images.deny");
  const auto list = [](const std::string& key, const std::string& digest) {
    return "checksums." + key + " = ['" + digest + "']";
  };
  EXPECT_EQ(refusal(list("allow_sha1", kSha1), entry), "");
  EXPECT_EQ(refusal(list("deny_sha1", kSha1), entry), "checksums.deny_sha1");
  EXPECT_EQ(refusal(list("allow_sha256", hex('A')), entry), "");
  EXPECT_EQ(refusal(list("deny_sha256", hex('a')), entry), "checksums.deny_sha256");
  // Stored bytes: denied, never what allows.
  EXPECT_EQ(refusal(list("allow_sha1", hex('d', 40)), entry), "checksums.allow_sha1");
  EXPECT_EQ(refusal(list("deny_sha1", hex('d', 40)), entry), "checksums.deny_sha1");
  EXPECT_EQ(refusal(list("allow_sha256", hex('e')), entry), "checksums.allow_sha256");
  EXPECT_EQ(refusal(list("deny_sha256", hex('e')), entry), "checksums.deny_sha256");
  EXPECT_EQ(refusal(list("allow_sha256", hex('a')), entry_of("a@x.example")),
            "checksums.allow_sha256")
      << "an entry without SHA-256";
}

TEST(PolicyToml, AllowListsAreAllAsked) {
  const VerifiedEntry entry = entry_of("a@x.example", kSampleTime, with_sha256('a'));
  const std::string text = "endorsers.allow = ['a@x.example']\nchecksums.allow_sha1 = ['" +
                           std::string(kSha1) + "']\nchecksums.allow_sha256 = ['";
  EXPECT_EQ(refusal(text + hex('a') + "']", entry), "");
  EXPECT_EQ(refusal(text + hex('b') + "']", entry), "checksums.allow_sha256");
}

TEST(PolicyToml, ADeniedChecksumRefusesTheImageWhoeverNamesIt) {
  const std::vector<VerifiedEntry> entries = {
      entry_of("good@x.example"), entry_of("b@x.example", kSampleTime + 1000, with_stored("xz"))};
  const Decision decision = decide("checksums.deny_sha256 = ['" + hex('e') + "']", entries);
  EXPECT_FALSE(decision.accepted());
  EXPECT_EQ(failed_rule(decision, 0)->rule, "checksums.deny_sha256");
  EXPECT_THAT(failed_rule(decision, 0)->reason, HasSubstr("named by b@x.example"));
  EXPECT_FALSE(decide(std::string("images.deny = ['") + kImage + "']", entries).accepted());
}

// Nothing proves a digest of stored bytes but that somebody may be believed: else a stranger could
// have any image refused by naming one that is denied.
TEST(PolicyToml, ADeniedStoredFormCountsFromEntriesThatPassOnly) {
  const std::string ban = "checksums.deny_sha256 = ['" + hex('e') + "']\n";
  const VerifiedEntry good = entry_of("good@x.example", kSampleTime, with_sha256('a'));
  const auto accepted = [&](const std::string& rules, const VerifiedEntry& other) {
    return decide(ban + rules, {good, other}).accepted();
  };
  const VerifiedEntry other = entry_of("b@x.example", kSampleTime, with_stored("xz"));
  EXPECT_FALSE(accepted("", other));
  EXPECT_TRUE(accepted("endorsers.deny = ['b@x.example']", other));
  EXPECT_TRUE(accepted("quorum.count = 1\nquorum.endorsers = ['good@x.example']", other));
  EXPECT_TRUE(accepted(
      "", entry_of("b@x.example", kSampleTime, with_stored("xz"), metadata::Profile::kLegacy)));
  // The decoded bytes are those of the image, whoever says so.
  EXPECT_FALSE(
      decide("endorsers.deny = ['b@x.example']\nchecksums.deny_sha256 = ['" + hex('a') + "']",
             {entry_of("good@x.example"), other})
          .accepted());
}

TEST(PolicyToml, AnEntryOfAnotherImageBansNothing) {
  ImageMetadata other = with_sha256('e');
  other.sha1 = Sha1Digest();
  other.identifier = Identifier::from_sha1(other.sha1);
  const Decision decision =
      decide("checksums.deny_sha256 = ['" + hex('e') + "']",
             {entry_of("a@x.example"), entry_of("b@x.example", kSampleTime, other)});
  EXPECT_TRUE(decision.accepted());
}

TEST(PolicyToml, ADeniedEndorserTakesOnlyItsOwnEntriesAway) {
  const Decision decision =
      decide("endorsers.deny = ['a@x.example', 'b@x.example']",
             {entry_of("a@x.example"), entry_of("b@x.example"), entry_of("c@x.example")});
  ASSERT_TRUE(decision.accepted());
  EXPECT_EQ(decision.entry->key().endorser, "c@x.example");
}

TEST(PolicyToml, Status) {
  ImageMetadata deprecated = sample_metadata();
  deprecated.deprecated = "";
  deprecated.valid = kSampleTime + kDay;
  ImageMetadata expiring = sample_metadata();
  expiring.valid = kSampleTime + kDay;
  const VerifiedEntry old = entry_of("a@x.example", kSampleTime, deprecated);
  const VerifiedEntry entry = entry_of("a@x.example", kSampleTime, expiring);
  const UnixMillis later = kSampleTime + kDay;
  EXPECT_EQ(refusal("", entry, later), "require.status");
  EXPECT_EQ(refusal("require.status = ['valid', 'expired']", entry, later), "");
  EXPECT_EQ(refusal("require.status = ['expired']", entry), "require.status");
  EXPECT_EQ(refusal("require.status = ['valid', 'expired']", old, later), "require.status")
      << "deprecated wins";
  EXPECT_EQ(refusal("require.status = ['deprecated']", old), "");
}

TEST(PolicyToml, Encodings) {
  const auto entry = [](const std::string& encoding) {
    return entry_of("a@x.example", kSampleTime, with_stored(encoding));
  };
  EXPECT_EQ(refusal("require.encodings = ['identity', 'xz']", entry("xz")), "");
  EXPECT_EQ(refusal("require.encodings = ['identity', 'xz']", entry("gzip")), "require.encodings");
  EXPECT_EQ(refusal("require.encodings = ['identity']", entry_of("a@x.example")),
            "require.encodings")
      << "an entry that says nothing";
  ImageMetadata compressed = sample_metadata();
  compressed.compression = "gz";
  const VerifiedEntry original = entry_of("a@x.example", kSampleTime, compressed);
  EXPECT_EQ(refusal("require.encodings = ['gzip']", original), "");
  EXPECT_EQ(refusal("require.encodings = ['bzip2']", original), "require.encodings");
  ImageMetadata both = with_stored("xz");
  both.compression = "bz2";
  EXPECT_EQ(refusal("require.encodings = ['xz']", entry_of("a@x.example", kSampleTime, both)),
            "require.encodings");
}

TEST(PolicyToml, Formats) {
  ImageMetadata metadata = sample_metadata();
  metadata.format = "QCOW2";
  const VerifiedEntry entry = entry_of("a@x.example", kSampleTime, metadata);
  EXPECT_EQ(refusal("require.formats = ['raw', 'Qcow2']", entry), "");
  EXPECT_EQ(refusal("require.formats = ['raw']", entry), "require.formats");
  EXPECT_EQ(refusal("require.formats = ['raw']", entry_of("a@x.example")), "require.formats");
}

TEST(PolicyToml, Age) {
  const VerifiedEntry entry = entry_of("a@x.example");
  EXPECT_EQ(refusal("require.max_age = '2d'", entry, kSampleTime + 2 * kDay), "");
  EXPECT_EQ(refusal("require.max_age = '2d'", entry, kSampleTime + 2 * kDay + 1),
            "require.max_age");
  EXPECT_EQ(refusal("require.max_age = '47h'", entry, kSampleTime + 2 * kDay), "require.max_age");
  EXPECT_EQ(refusal("require.max_age = '1w'", entry, kSampleTime + 7 * kDay), "");
  EXPECT_EQ(refusal("require.max_age = '2d'", entry, kSampleTime - kDay), "require.max_age")
      << "a date in the future would keep an entry young";
}

TEST(PolicyToml, DecisionAsJson) {
  const Decision refused = decide("endorsers.allow = ['b@x.example']", {entry_of("a@x.example")});
  auto json = boost::json::parse(refused.json("http://r")).as_object();
  EXPECT_FALSE(json.at("accepted").as_bool());
  EXPECT_TRUE(json.at("entry").is_null());
  const auto& result = json.at("results").at(0);
  EXPECT_EQ(result.at("entry").as_string(),
            "http://r/metadata/CvpM8mKprVLwSKeWfOnUvz70obJ/a@x.example/2024-05-01T12:00:00Z");
  EXPECT_EQ(result.at("rules").at(4).at("rule").as_string(), "endorsers.allow");
  EXPECT_FALSE(result.at("rules").at(4).at("passed").as_bool());
  const Decision accepted = decide("", {entry_of("a@x.example")});
  json = boost::json::parse(accepted.json("http://r")).as_object();
  EXPECT_EQ(json.at("entry"), json.at("results").at(0).at("entry"));
}

TEST(PolicyToml, BrokenFilesAreRefused) {
  const auto refused = [](const std::string& text, const std::string& key,
                          const std::string& reason) {
    const auto policy = Policy::parse(text, Form::kToml);
    ASSERT_FALSE(policy) << text;
    EXPECT_EQ(policy.error().code(), Errc::kMalformed);
    EXPECT_THAT(policy.error().detail(), HasSubstr(key));
    EXPECT_THAT(policy.error().detail(), HasSubstr(reason));
  };
  refused("garbled", "policy:1", "");
  refused("[endorser]\n", "endorser", "unknown key");
  refused("[[endorsers]]\nallow = []\n", "endorsers", "unknown key");
  refused("[endorsers]\nalow = []\n", "endorsers.alow", "unknown key");
  refused("\"images.deny\" = []\n", "images.deny", "unknown key");
  refused("[images]\ndeny = []\ndeny = []\n", "policy:3", "");
  refused("[images]\ndeny = 'abc'\n", "images.deny", "list of strings");
  refused("[images]\ndeny = ['abc', 5]\n", "images.deny", "list of strings");
  refused("[images]\ndeny = ['abc']\n", "images.deny: \"abc\"", "27 characters");
  refused("[images]\ndeny.x = 1\n", "images.deny", "list of strings");
  refused("[endorsers]\nallow = ['somebody']\n", "endorsers.allow: \"somebody\"", "name@host");
  refused("[signers]\nallow_subjects = ['']\n", "signers.allow_subjects", "subject");
  refused("[signers]\nallow_subjects = ['CN=x']\n", "signers.allow_subjects", "signers.ca_file");
  refused("[signers]\nca_file = '/ca.pem'\n", "signers.ca_file", "signers.allow_subjects");
  refused("[signers]\nallow_subjects = ['CN=x']\nca_file = 'ca.pem'\n", "signers.ca_file",
          "absolute");
  refused("[signers]\nallow_subjects = ['CN=x']\nca_file = '/no/such/file'\n", "signers.ca_file",
          "/no/such/file");
  refused("[signers]\ndeny_fingerprints = ['ab']\n", "\"ab\"", "64 hex digits");
  refused("[checksums]\ndeny_sha1 = ['" + hex('a', 39) + "']\n", "deny_sha1", "40 hex digits");
  refused("[checksums]\ndeny_sha1 = ['" + hex('a', 41) + "']\n", "deny_sha1", "40 hex digits");
  refused("[checksums]\ndeny_sha256 = ['sha256:" + hex('a') + "']\n", "deny_sha256",
          "64 hex digits");
  refused("[require]\nstatus = ['good']\n", "require.status: \"good\"", "one of valid");
  refused("[require]\nencodings = ['lz4']\n", "require.encodings", "one of identity");
  refused("[require]\nformats = ['']\n", "require.formats", "raw");
  refused("[require]\nmax_age = '90'\n", "require.max_age", "90d");
  refused("[require]\nmax_age = '-1d'\n", "require.max_age", "90d");
  refused("[require]\nmax_age = '0d'\n", "require.max_age", "90d");
  refused("[require]\nmax_age = '99999999999999999999w'\n", "require.max_age", "90d");
  refused("[require]\nmax_age = 90\n", "require.max_age", "string");
  refused("[quorum]\ncount = 0\n", "quorum.count", "at least 1");
  refused("[quorum]\nendorsers = ['a@x.example']\n", "quorum.endorsers", "quorum.count");
  refused("[quorum]\ncount = 2\nendorsers = ['a@x.example']\n", "quorum.count", "never");
}

}  // namespace
}  // namespace strata::policy
