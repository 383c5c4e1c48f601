// Chains and revocation, with certificates and lists that openssl makes.
#include "strata/metadata/authorities.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <limits>

#include "strata/metadata/document.h"
#include "tests/support/certificate_authority.h"
#include "tests/support/metadata_samples.h"
#include "tests/support/tool.h"

namespace strata::metadata {
namespace {

using test::CertificateAuthority;
using test::Identity;
using test::kSampleTime;
using testing::HasSubstr;
using Kind = Verdict::Kind;

constexpr UnixMillis kDay = 86'400'000;
constexpr UnixMillis kNow = kSampleTime + 10 * kDay;

std::vector<std::uint8_t> der_of(const Identity& identity) {
  const std::string der = test::run_tool("openssl x509 -outform DER", identity.certificate);
  return {der.begin(), der.end()};
}

Authorities load(const std::string& certificates, const std::string& lists = {}) {
  auto authorities = Authorities::load(certificates, lists, Limits());
  check(authorities.has_value(), authorities ? "" : authorities.error().message());
  return std::move(*authorities);
}

Verdict judge(const Authorities& authorities, const Identity& identity,
              UnixMillis created = kSampleTime, UnixMillis now = kNow) {
  return authorities.judge(der_of(identity), created, now);
}

void expect_unknown(const Verdict& verdict, const std::string& reason) {
  EXPECT_EQ(verdict.kind, Kind::kUnknown) << reason;
  EXPECT_THAT(verdict.reason, HasSubstr(reason));
}

TEST(Authorities, IssuedCertificateChainsAndAnotherDoesNot) {
  CertificateAuthority ours, other("Authority");  // of the same name
  const Authorities authorities = load(ours.certificate());
  const Verdict good = judge(authorities, ours.issue({}));
  EXPECT_EQ(good.kind, Kind::kChains) << good.reason;
  expect_unknown(judge(authorities, other.issue({})), "no chain to a CA");
  expect_unknown(judge(authorities, test::make_identity()), "self-signed certificate");
}

TEST(Authorities, IntermediateCertificatesComeFromTheBundle) {
  CertificateAuthority root("Root");
  CertificateAuthority middle("Middle", root);
  const Identity endorser = middle.issue({});
  const Verdict whole = judge(load(root.certificate() + middle.certificate()), endorser);
  EXPECT_EQ(whole.kind, Kind::kChains) << whole.reason;
  expect_unknown(judge(load(root.certificate()), endorser), "unable to get");
  EXPECT_EQ(Authorities::load(middle.certificate(), "", Limits()).error().code(), Errc::kUsage);
}

TEST(Authorities, AnEndorserIsNoAuthority) {
  CertificateAuthority root;
  const Identity endorser = root.issue({});
  const Identity minted = test::issue_identity(endorser, {.email = "victim@images.example"});
  expect_unknown(judge(load(root.certificate()), minted), "no chain");
  const auto bundle = Authorities::load(root.certificate() + endorser.certificate, "", Limits());
  ASSERT_FALSE(bundle);
  EXPECT_THAT(bundle.error().detail(), HasSubstr("is not one of a CA"));
}

TEST(Authorities, ChainsAreNoLongerThanTheLimit) {
  CertificateAuthority root("Root");
  CertificateAuthority first("First", root);
  CertificateAuthority second("Second", first);
  const std::string bundle = root.certificate() + first.certificate() + second.certificate();
  const Identity endorser = second.issue({});
  Limits limits;
  limits.certificate_chain_max = 2;
  EXPECT_EQ(Authorities::load(bundle, "", limits)->judge(der_of(endorser), kSampleTime, kNow).kind,
            Kind::kChains);
  limits.certificate_chain_max = 1;
  expect_unknown(Authorities::load(bundle, "", limits)->judge(der_of(endorser), kSampleTime, kNow),
                 "chain too long");
}

// The dates are judged when the endorser signed, not when somebody asks.
TEST(Authorities, DatesHoldAtCreated) {
  CertificateAuthority root;
  const Identity endorser = root.issue({}, {.from = "20240101000000Z", .to = "20240601000000Z"});
  const Authorities authorities = load(root.certificate());
  const Verdict verdict = judge(authorities, endorser, kSampleTime, kSampleTime + 2000 * kDay);
  EXPECT_EQ(verdict.kind, Kind::kChains) << verdict.reason;
  EXPECT_EQ(format_rfc3339(verdict.from), "2024-01-01T00:00:00Z");
  EXPECT_EQ(format_rfc3339(verdict.to), "2024-06-01T00:00:00Z");
  expect_unknown(judge(authorities, endorser, kSampleTime + 40 * kDay), "has expired");
  expect_unknown(judge(authorities, endorser, kSampleTime - 200 * kDay), "not yet valid");
}

TEST(Authorities, B56RevokedWhateverCreatedSays) {
  CertificateAuthority root;
  const Identity good = root.issue({}), stolen = root.issue({});
  const Identity mute = root.issue({.may_sign = false});
  root.revoke(stolen);
  root.revoke(mute);
  const Authorities authorities = load(root.certificate(), root.revocation_list());
  EXPECT_EQ(judge(load(root.certificate()), stolen).kind, Kind::kChains);
  for (const UnixMillis created : {kSampleTime, kSampleTime - 1000 * kDay, kSampleTime + kDay}) {
    EXPECT_EQ(judge(authorities, stolen, created).kind, Kind::kRevoked);
  }
  // Also at a date when nothing chains: a pin must not outweigh it.
  EXPECT_EQ(judge(authorities, stolen, 0).kind, Kind::kRevoked);
  EXPECT_EQ(judge(authorities, mute).kind, Kind::kRevoked);
  const Verdict verdict = judge(authorities, good);
  EXPECT_EQ(verdict.kind, Kind::kChains) << verdict.reason;
}

TEST(Authorities, RevokedIntermediateRevokesItsEndorsers) {
  CertificateAuthority root("Root");
  CertificateAuthority middle("Middle", root);
  const Identity endorser = middle.issue({});
  const std::string bundle = root.certificate() + middle.certificate();
  const Verdict before =
      judge(load(bundle, root.revocation_list() + middle.revocation_list()), endorser);
  EXPECT_EQ(before.kind, Kind::kChains) << before.reason;
  root.revoke({.key = "", .certificate = middle.certificate()});
  EXPECT_EQ(judge(load(bundle, root.revocation_list() + middle.revocation_list()), endorser).kind,
            Kind::kRevoked);
}

TEST(Authorities, WithoutAListThatHoldsNothingIsTrusted) {
  CertificateAuthority root("Root");
  CertificateAuthority middle("Middle", root);
  const Identity endorser = middle.issue({}), revoked = middle.issue({});
  const std::string bundle = root.certificate() + middle.certificate();
  expect_unknown(judge(load(bundle, root.revocation_list()), endorser),
                 "whether its CA has revoked it cannot be told");
  middle.revoke(revoked);
  const Authorities stale =
      load(bundle, root.revocation_list() + middle.revocation_list({.to = "20240505000000Z"}));
  expect_unknown(judge(stale, endorser), "CRL has expired");
  EXPECT_EQ(judge(stale, revoked).kind, Kind::kRevoked);
  const Verdict in_time = judge(stale, endorser, kSampleTime, kSampleTime + kDay);
  EXPECT_EQ(in_time.kind, Kind::kChains) << in_time.reason;
  EXPECT_EQ(format_rfc3339(in_time.recheck), "2024-05-05T00:00:00Z");
}

TEST(Authorities, B56WeakDigestsAndForeignKeyUsesAreRefused) {
  CertificateAuthority root;
  const Authorities authorities = load(root.certificate());
  expect_unknown(judge(authorities, root.issue({.digest = "sha1"})), "digest");
  expect_unknown(judge(authorities, root.issue({.may_sign = false})), "key usage");
  expect_unknown(judge(authorities, root.issue({.key = "rsa:1024"})), "key too weak");
}

// What depends on no date is said for all dates, so that it can be remembered.
TEST(Authorities, VerdictsSayWhatTheyHoldFor) {
  CertificateAuthority root, stranger("Stranger");
  const Authorities authorities = load(root.certificate(), root.revocation_list());
  const Identity stolen = root.issue({});
  root.revoke(stolen);
  const Authorities revoking = load(root.certificate(), root.revocation_list());
  constexpr UnixMillis kNever = std::numeric_limits<UnixMillis>::max();
  for (const Verdict& verdict :
       {judge(authorities, test::make_identity()), judge(authorities, stranger.issue({})),
        judge(authorities, root.issue({.may_sign = false})), judge(revoking, stolen)}) {
    EXPECT_EQ(verdict.from, std::numeric_limits<UnixMillis>::min()) << verdict.reason;
    EXPECT_EQ(verdict.to, kNever) << verdict.reason;
    EXPECT_EQ(verdict.recheck, kNever) << verdict.reason;
  }
  const Identity young = root.issue({}, {.from = "20240501000000Z"});
  const Verdict early = judge(authorities, young, kSampleTime - 10 * kDay);
  EXPECT_EQ(early.from, kSampleTime - 10 * kDay);
  EXPECT_EQ(early.to, early.from);
  // A list that ran out changes nothing more; the next one to do so counts.
  CertificateAuthority other("Other");
  const Authorities lists =
      load(root.certificate() + other.certificate(),
           root.revocation_list() + other.revocation_list({.to = "20240505000000Z"}));
  EXPECT_EQ(format_rfc3339(judge(lists, young).recheck), "2049-01-01T00:00:00Z");
  const Verdict before = judge(lists, young, kSampleTime, kSampleTime + kDay);
  EXPECT_EQ(format_rfc3339(before.recheck), "2024-05-05T00:00:00Z");
}

// OpenSSL passes over what it does not know by name.
TEST(Authorities, BlocksOfOtherNamesAreRefused) {
  CertificateAuthority root;
  const std::string& certificate = root.certificate();
  const std::string list = root.revocation_list();
  const auto loads = [](const std::string& certificates, const std::string& lists) {
    return Authorities::load(certificates, lists, Limits()).has_value();
  };
  const auto renamed = [](const std::string& pem, const std::string& from, const std::string& to) {
    return test::replaced(test::replaced(pem, "BEGIN " + from, "BEGIN " + to), "END " + from,
                          "END " + to);
  };
  const std::string comment = "# The CA of 2020: BEGIN here, ---- and END there\n";
  ASSERT_TRUE(loads(comment + certificate + comment, comment + list));
  EXPECT_TRUE(loads(renamed(certificate, "CERTIFICATE", "X509 CERTIFICATE"), list));
  for (const char* name : {"CRL", "x509 CRL", "X509  CRL", "X.509 CRL", "PRIVATE KEY"}) {
    EXPECT_FALSE(loads(certificate, list + renamed(list, "X509 CRL", name))) << name;
  }
  for (const char* name : {"CERTIFICATES", "CERTIFICATE REQUEST", "PKCS7", "PRIVATE KEY"}) {
    EXPECT_FALSE(loads(certificate + renamed(certificate, "CERTIFICATE", name), "")) << name;
  }
  for (const char* begin : {" -----BEGIN", "----BEGIN", "------BEGIN", "x-----BEGIN"}) {
    EXPECT_FALSE(loads(certificate, list + test::replaced(list, "-----BEGIN", begin))) << begin;
  }
}

TEST(Authorities, FilesThatSayLessThanTheySeemTo) {
  CertificateAuthority root, other("Other");
  const auto refusal = [](const std::string& certificates, const std::string& lists = {}) {
    const auto authorities = Authorities::load(certificates, lists, Limits());
    EXPECT_FALSE(authorities);
    return authorities ? std::string() : authorities.error().detail();
  };
  EXPECT_THAT(refusal(""), HasSubstr("no self-signed CA certificate"));
  EXPECT_THAT(refusal("not PEM"), HasSubstr("no self-signed CA certificate"));
  EXPECT_THAT(refusal(root.certificate() + root.revocation_list()), HasSubstr("certificates only"));
  EXPECT_THAT(refusal(test::replaced(root.certificate(), "\nMII", "\nMIJ")),
              HasSubstr("trust.ca_file"));
  EXPECT_THAT(refusal(root.certificate(), "not PEM"), HasSubstr("no revocation list"));
  EXPECT_THAT(refusal(root.certificate(), root.certificate()), HasSubstr("lists (X509 CRL) only"));
  EXPECT_THAT(refusal(root.certificate(), other.revocation_list()),
              HasSubstr("not signed by a CA of trust.ca_file"));
}

}  // namespace
}  // namespace strata::metadata
