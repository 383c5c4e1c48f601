// One set of rules of trust: what decides, and what it remembers of certificates.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <thread>

#include "registry/service/trust.h"
#include "strata/base/text.h"
#include "tests/support/certificate_authority.h"
#include "tests/support/fixed.h"
#include "tests/support/registry_samples.h"
#include "tests/support/tool.h"

namespace strata::registry {
namespace {

using test::CertificateAuthority;
using test::Identity;
using test::kSampleTime;
using test::ManualClock;
using testing::HasSubstr;
using Mode = TrustRules::Mode;

constexpr UnixMillis kDay = 86'400'000;

metadata::Endorser endorser_of(const Identity& identity) {
  auto endorser = metadata::Endorser::load(identity.key, identity.certificate);
  check(endorser.has_value(), "a test identity cannot be loaded");
  return std::move(*endorser);
}

// What stands in the store of an entry, and its document, which costs something to get.
struct Stored {
  explicit Stored(const Identity& identity)
      : certificate(test::run_tool("openssl x509 -outform DER", identity.certificate)) {
    const metadata::Endorser endorser = endorser_of(identity);
    email = signature.certificate_email = endorser.email();
    signature.fingerprint = endorser.fingerprint();
  }
  [[nodiscard]] Claim claim(UnixMillis created = kSampleTime) {
    return {.endorser = email,
            .signature = signature,
            .created = created,
            .certificate = [this]() -> Result<std::vector<std::uint8_t>> {
              ++asked;
              if (lost) return Error(Errc::kCorruptData, "the document is damaged");
              return std::vector<std::uint8_t>(certificate.begin(), certificate.end());
            }};
  }
  std::string certificate, email;
  metadata::VerifiedEntry::Signature signature;
  int asked = 0;
  bool lost = false;
};

metadata::Authorities authorities_of(const std::string& certificates,
                                     const std::string& lists = {}) {
  auto authorities = metadata::Authorities::load(certificates, lists, Limits());
  check(authorities.has_value(), authorities ? "" : authorities.error().message());
  return std::move(*authorities);
}

class RegistryRules : public testing::Test {
 protected:
  static void expect_untrusted(const Status& status, const std::string& reason) {
    ASSERT_FALSE(status) << reason;
    EXPECT_EQ(status.error().code(), Errc::kUntrustedSignature);
    EXPECT_THAT(status.error().detail(), HasSubstr(reason));
  }
  ManualClock clock_{kSampleTime + 10 * kDay};
};

TEST_F(RegistryRules, FingerprintsMatchInEitherCaseAndAddressesExactly) {
  Stored stored(test::make_identity());
  const std::string lower = stored.signature.fingerprint;
  std::string upper = lower;
  for (char& c : upper) c = static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
  ASSERT_NE(upper, lower);
  const auto decide = [&](const std::string& listed) {
    const RulesInForce rules({.mode = Mode::kListed, .endorsers = {listed}}, clock_);
    return rules.decide(stored.claim()).has_value();
  };
  EXPECT_TRUE(decide(lower));
  EXPECT_TRUE(decide(upper));
  EXPECT_TRUE(decide("ops@images.example"));
  EXPECT_FALSE(decide("Ops@images.example"));
  EXPECT_FALSE(decide("ops@Images.example"));
  // A binding's fingerprint, too; its address is exact.
  const auto bound = [&](const std::string& email) {
    Stored nameless = stored;
    nameless.signature.certificate_email.clear();
    const RulesInForce rules({.bindings = {{.email = email, .subject = "", .fingerprint = upper}}},
                             clock_);
    return rules.decide(nameless.claim()).has_value();
  };
  EXPECT_TRUE(bound("ops@images.example"));
  EXPECT_FALSE(bound("OPS@images.example"));
}

TEST_F(RegistryRules, LegacyEntriesAreTrustedWhileSuchAreTaken) {
  Stored weak(test::make_identity()), form(test::make_identity());
  weak.signature.weak = true;
  form.signature.profile = metadata::Profile::kLegacy;
  const RulesInForce off({}, clock_), on({.legacy_uploads = true}, clock_);
  for (Stored* stored : {&weak, &form}) {
    expect_untrusted(off.decide(stored->claim()), "legacy_uploads is off");
    EXPECT_TRUE(on.decide(stored->claim()));
  }
}

// B56: who cannot be looked up may be revoked.
TEST_F(RegistryRules, WithoutItsCertificateNoEntryIsTrustedWhereListsAre) {
  CertificateAuthority ca;
  Stored stored(ca.issue({}));
  stored.lost = true;
  const std::vector<std::string> pin = {stored.signature.fingerprint};
  const RulesInForce with_lists(
      {.endorsers = pin, .authorities = authorities_of(ca.certificate(), ca.revocation_list())},
      clock_);
  expect_untrusted(with_lists.decide(stored.claim()), "the document is damaged");
  const RulesInForce without(
      {.mode = Mode::kListed, .endorsers = pin, .authorities = authorities_of(ca.certificate())},
      clock_);
  EXPECT_TRUE(without.decide(stored.claim()));
  // Not remembered: the next document may be whole.
  stored.lost = false;
  EXPECT_TRUE(with_lists.decide(stored.claim()));
}

// A list of a thousand entries by one certificate reads one document, whatever the verdict is.
TEST_F(RegistryRules, ACertificateIsAskedForOnce) {
  CertificateAuthority ca, stranger("Stranger");
  const auto rules_of = [&](const std::string& lists) {
    return TrustRules{.mode = Mode::kCa, .authorities = authorities_of(ca.certificate(), lists)};
  };
  const std::string stale = ca.revocation_list({.to = "20240501000000Z"});
  for (const std::string& lists : {std::string(), ca.revocation_list(), stale}) {
    const RulesInForce rules(rules_of(lists), clock_);
    Stored good(ca.issue({})), alone(test::make_identity()), foreign(stranger.issue({}));
    Stored young(ca.issue({}, {.from = "20150101000000Z"}));
    for (int i = 0; i < 50; ++i) {
      EXPECT_EQ(rules.decide(good.claim(kSampleTime + i)).has_value(), lists != stale);
      for (Stored* other : {&alone, &foreign}) {
        EXPECT_FALSE(rules.decide(other->claim(kSampleTime + i)));
      }
      // The CA is of 2020: this depends on the date, and is judged anew.
      EXPECT_FALSE(rules.decide(young.claim(1'500'000'000'000 + i)));
      EXPECT_EQ(rules.decide(young.claim(kSampleTime + i)).has_value(), lists != stale);
    }
    for (const Stored* stored : {&good, &alone, &foreign, &young}) EXPECT_EQ(stored->asked, 1);
  }
}

TEST_F(RegistryRules, ManyThreadsAskAtOnce) {
  CertificateAuthority ca, stranger("Stranger");
  const RulesInForce rules(
      {.mode = Mode::kCa, .authorities = authorities_of(ca.certificate(), ca.revocation_list())},
      clock_);
  const Stored good(ca.issue({})), foreign(stranger.issue({})), alone(test::make_identity());
  std::vector<std::thread> threads;
  for (int thread = 0; thread < 8; ++thread) {
    threads.emplace_back([&, mine = std::vector<Stored>{good, foreign, alone}]() mutable {
      for (int i = 0; i < 30; ++i) {
        EXPECT_TRUE(rules.decide(mine[0].claim(kSampleTime + i)));
        EXPECT_FALSE(rules.decide(mine[1].claim(kSampleTime + i)));
        EXPECT_FALSE(rules.decide(mine[2].claim(kSampleTime + i)));
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
}

TEST_F(RegistryRules, AVerdictHoldsUntilAListRunsOut) {
  CertificateAuthority ca;
  const RulesInForce rules({.mode = Mode::kCa,
                            .authorities = authorities_of(
                                ca.certificate(), ca.revocation_list({.to = "20240512120000Z"}))},
                           clock_);  // it is the 11th, 12:00
  Stored stored(ca.issue({}));
  EXPECT_TRUE(rules.decide(stored.claim()));
  clock_.advance(kDay - 1);
  EXPECT_TRUE(rules.decide(stored.claim()));
  clock_.advance(1);
  expect_untrusted(rules.decide(stored.claim()), "CRL has expired");
  clock_.advance(-2);  // a clock that is set back
  EXPECT_TRUE(rules.decide(stored.claim()));
}

// RFC 5280, 3.3: a list names nobody who has expired.
TEST_F(RegistryRules, WhoHasExpiredPostsNothingNewWhereListsAre) {
  CertificateAuthority ca;
  const Identity past = ca.issue({}, {.from = "20240101000000Z", .to = "20240510000000Z"});
  const auto entry =
      test::verified(test::signed_document(test::image_of("1"), endorser_of(past), kSampleTime));
  const std::string fingerprint = entry.signature().fingerprint;
  const auto rules_of = [&](Mode mode, const std::string& lists) {
    return TrustRules{.mode = mode,
                      .endorsers = {"ops@images.example"},
                      .authorities = authorities_of(ca.certificate(), lists)};
  };
  for (const Mode mode : {Mode::kAny, Mode::kListed, Mode::kCa}) {
    const RulesInForce rules(rules_of(mode, ca.revocation_list()), clock_);
    EXPECT_TRUE(rules.decide(entry));  // what is there stays
    EXPECT_TRUE(rules.decide_new(entry, kSampleTime + kDay));
    expect_untrusted(rules.decide_new(entry, clock_.now()), "has expired 2024-05-10T00:00:00Z");
    EXPECT_TRUE(RulesInForce(rules_of(mode, ""), clock_).decide_new(entry, clock_.now()));
    TrustRules pinned = rules_of(mode, ca.revocation_list());
    pinned.endorsers = {fingerprint};
    EXPECT_TRUE(RulesInForce(pinned, clock_).decide_new(entry, clock_.now()));
  }
}

}  // namespace
}  // namespace strata::registry
