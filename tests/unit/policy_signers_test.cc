// Who signed: subjects that a CA vouches for, and keys, with certificates that openssl makes.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>

#include "tests/support/certificate_authority.h"
#include "tests/support/policy_samples.h"
#include "tests/support/tool.h"

namespace strata::policy {
namespace {

using metadata::VerifiedEntry;
using test::CertificateAuthority;
using test::failed_rule;
using test::Identity;
using testing::HasSubstr;

metadata::ImageMetadata image() {
  metadata::ImageMetadata metadata = test::sample_metadata();
  metadata.sha256 = *Sha256Digest::from_hex(std::string(64, 'a'));
  return metadata;
}

VerifiedEntry entry_by(const Identity& identity) {
  const auto endorser = metadata::Endorser::load(identity.key, identity.certificate);
  check(endorser.has_value(), "a test identity cannot be loaded");
  return test::entry_by(*endorser, image(), SystemClock().now() / 1000 * 1000);
}

Decision decide(const std::string& text, const std::vector<VerifiedEntry>& entries) {
  const auto policy = Policy::parse(text, Form::kToml);
  check(policy.has_value(), policy ? "" : policy.error().detail());
  return policy->evaluate(image().identifier, entries, SystemClock().now());
}

class PolicySubjects : public testing::Test {
 protected:
  std::string allowing(const std::string& subject, const std::string& pem) {
    std::ofstream(folder_.path() + "/ca.pem") << pem;
    return "signers.allow_subjects = ['" + subject + "']\nsigners.ca_file = '" + folder_.path() +
           "/ca.pem'\n";
  }
  test::TemporaryDirectory folder_;
  CertificateAuthority ca_;
};

TEST_F(PolicySubjects, AnAllowedSubjectCountsWithAChain) {
  const std::string text = allowing(std::string(test::kOpsName), ca_.certificate());
  EXPECT_TRUE(decide(text, {entry_by(ca_.issue({}))}).accepted());
  CertificateAuthority other;
  for (const Identity& claimed : {test::make_identity(), other.issue({})}) {
    const Decision decision = decide(text, {entry_by(claimed)});
    ASSERT_FALSE(decision.accepted());
    EXPECT_EQ(failed_rule(decision)->rule, "signers.allow_subjects");
    EXPECT_THAT(failed_rule(decision)->reason, HasSubstr("claims it only"));
  }
  const Decision unlisted =
      decide(allowing("CN=Other", ca_.certificate()), {entry_by(ca_.issue({}))});
  ASSERT_FALSE(unlisted.accepted());
  EXPECT_THAT(failed_rule(unlisted)->reason, HasSubstr("is not listed"));
}

TEST_F(PolicySubjects, AFileWithoutACaMakesThePolicyBroken) {
  for (const std::string& pem : {std::string("no certificate\n"), test::make_identity().key}) {
    const auto policy = Policy::parse(allowing("CN=x", pem), Form::kToml);
    ASSERT_FALSE(policy);
    EXPECT_THAT(policy.error().detail(), HasSubstr("policy, signers.ca_file: " + folder_.path()));
    EXPECT_THAT(policy.error().detail(), testing::Not(HasSubstr("trust.ca_file: ")));
  }
}

TEST(PolicySigners, OneKeyInTwoCertificatesCountsOnce) {
  const test::TemporaryDirectory folder;
  const Identity first = test::make_identity({.email = "a@x.example"});
  const std::string key = folder.path() + "/key.pem", packed = folder.path() + "/packed.pem";
  std::ofstream(key) << first.key;
  // The same point, written in another way.
  (void)test::run_tool("openssl ec -in " + key + " -conv_form compressed -out " + packed +
                       " 2> /dev/null");
  const auto again = [&](const std::string& path, const std::string& email) {
    return Identity{test::read_file(path),
                    test::run_tool("openssl req -x509 -days 30 -subj /CN=Somebody -addext "
                                   "'subjectAltName=email:" +
                                   email + "' -key " + path)};
  };
  const std::string text = "quorum.count = 2";
  const VerifiedEntry one = entry_by(first);
  EXPECT_FALSE(decide(text, {one, entry_by(again(key, "b@x.example"))}).accepted());
  EXPECT_FALSE(decide(text, {one, entry_by(again(packed, "c@x.example"))}).accepted());
  EXPECT_TRUE(
      decide(text, {one, entry_by(test::make_identity({.email = "d@x.example"}))}).accepted());
}

// What an entry that a registry bound to its endorser by configuration is for anybody else.
TEST(PolicySigners, ACertificateWithoutAnEmailIsRefusedByName) {
  const Identity nameless = test::make_identity({.email = ""});
  const auto endorser = metadata::Endorser::load(nameless.key, nameless.certificate);
  const auto document =
      metadata::sign(metadata::build(image()), *endorser, SystemClock().now(), test::kOpsEmail);
  ASSERT_TRUE(document) << document.error().message();
  const auto entry = verify_for_policy(*document, Limits());
  ASSERT_TRUE(entry) << entry.error().message();
  const Decision decision = decide("", {*entry});
  ASSERT_FALSE(decision.accepted());
  EXPECT_THAT(failed_rule(decision)->reason, HasSubstr("the certificate carries no e-mail"));
}

}  // namespace
}  // namespace strata::policy
