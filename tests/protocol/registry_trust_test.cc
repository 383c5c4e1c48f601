// Whom a registry trusts, over HTTP, with certificates, lists and documents by openssl and xmlsec1.
#include <gmock/gmock.h>

#include "../support/certificate_authority.h"
#include "../support/configured_registry.h"
#include "../support/tool.h"

namespace strata::test {
namespace {

using testing::HasSubstr;
using testing::Not;

constexpr UnixMillis kHour = 3'600'000;

std::string fingerprint_of(const Identity& identity) {
  return metadata::Endorser::load(identity.key, identity.certificate)->fingerprint();
}

// As StratusLab's tools sign: RSA-SHA1 over SHA-1, SignedInfo in C14N with comments.
SignatureTemplate stratuslab_form() {
  SignatureTemplate form;
  form.c14n = "http://www.w3.org/TR/2001/REC-xml-c14n-20010315#WithComments";
  form.method = "http://www.w3.org/2000/09/xmldsig#rsa-sha1";
  form.digest = "http://www.w3.org/2000/09/xmldsig#sha1";
  return form;
}

class RegistryTrust : public ConfiguredRegistry {
 protected:
  std::string ca_lines(const std::string& mode, CertificateAuthority& ca,
                       const std::string& more = {}) {
    return "[trust]\nmode = \"" + mode + "\"\nca_file = \"" + file("ca.pem", ca.certificate()) +
           "\"\n" + more;
  }
};

TEST_F(RegistryTrust, EverybodyWithAChainToTheCa) {
  CertificateAuthority ca, stranger;
  const Identity pinned = make_identity({.email = "pinned@images.example"});
  start(ca_lines("ca", ca, "endorsers = [\"" + fingerprint_of(pinned) + "\"]\n"));
  accepted(document_by(ca.issue({}), "1"));
  refused(document_by(stranger.issue({}), "2"), "no certificate without a chain");
  refused(document_by(make_identity(), "2"), "no certificate without a chain");
  accepted(document_by(pinned, "3"));
  for (const auto& entry : entries()) {
    EXPECT_EQ(entry.at("signature").at("trusted"), true);
  }
}

// What is shown follows the rules of now, also for certificates met before a restart.
TEST_F(RegistryTrust, TrustedIsWhatTheRulesSayNow) {
  CertificateAuthority ca, other("Other");
  const std::string rules = ca_lines("ca", ca);
  start(rules);
  accepted(document_by(ca.issue({}), "1"));
  stop();
  const auto trusted = [&] { return entries().at(0).at("signature").at("trusted"); };
  start(rules);
  EXPECT_EQ(trusted(), true);
  reload(ca_lines("ca", other));
  EXPECT_EQ(trusted(), false);
}

// With a CA, an address in the list is worth nothing that anybody can write into a certificate.
TEST_F(RegistryTrust, AListedAddressCountsWithAChainOnly) {
  CertificateAuthority ca;
  const std::string listed = "endorsers = [\"ops@images.example\"]\n";
  start("[trust]\nmode = \"listed\"\n" + listed);
  accepted(document_by(make_identity(), "1"));
  reload(ca_lines("listed", ca, listed));
  refused(document_by(make_identity(), "2"), "no certificate without a chain");
  accepted(document_by(ca.issue({}), "2"));
  refused(document_by(ca.issue({.email = "other@images.example"}), "3"), "does not list it");
}

TEST_F(RegistryTrust, ForgeryEWithoutABindingAndWithOne) {
  const Identity nameless = make_identity({.email = ""}), thief = make_identity({.email = ""});
  start("legacy_uploads = true\n[trust]\nmode = \"any\"\n");
  refused(document_by(nameless, "1", kOpsEmail), "binds this address to no such certificate");
  reload(
      "legacy_uploads = true\n[[trust.bindings]]\nemail = \"ops@images.example\"\n"
      "fingerprint = \"" +
      fingerprint_of(nameless) + "\"\n");
  accepted(document_by(nameless, "1", kOpsEmail));
  // The same subject, another key; and the right key for another address.
  refused(document_by(thief, "2", kOpsEmail), "binds this address to no such certificate");
  refused(document_by(nameless, "2", "boss@images.example"), "binds this address to no such");
}

TEST_F(RegistryTrust, ASubjectIsBoundWithAChainOnly) {
  CertificateAuthority ca;
  const std::string binding =
      "[[trust.bindings]]\nemail = \"ops@images.example\"\nsubject = \"CN=Image Ops,O=Example\"\n";
  start(ca_lines("any", ca, binding));
  accepted(document_by(ca.issue({.email = ""}), "1", kOpsEmail));
  refused(document_by(make_identity({.email = ""}), "2", kOpsEmail), "a subject is bound");
  refused(document_by(ca.issue({.subject = "/O=Example/CN=Other", .email = ""}), "2", kOpsEmail),
          "binds this address to no such certificate");
}

// A binding gives an address to a certificate that has none; it takes none from another.
TEST_F(RegistryTrust, ABindingDoesNotOverruleTheCertificate) {
  const Identity other = make_identity({.email = "other@images.example"});
  start("[[trust.bindings]]\nemail = \"ops@images.example\"\nfingerprint = \"" +
        fingerprint_of(other) + "\"\n");
  SignatureTemplate form;
  refused(xmlsec1_sign(appended(endorsed_document(), form.text()), other),
          "slreq:email is not the e-mail of the certificate");
}

TEST_F(RegistryTrust, B56RevokedCertificates) {
  CertificateAuthority ca;
  const Identity stolen = ca.issue({}), good = ca.issue({});
  const auto lines = [&](const std::string& list, const std::string& more = {}) {
    return ca_lines("ca", ca, "crl_file = \"" + file("crl.pem", list) + "\"\n" + more);
  };
  start(lines(ca.revocation_list()));
  accepted(document_by(stolen, "1"));
  ca.revoke(stolen);
  reload(lines(ca.revocation_list()));
  accepted(document_by(good, "2"));
  refused(document_by(stolen, "3"), "revoked");
  // The thief chooses `created`.
  refused(document_by(stolen, "4", {}, SystemClock().now() - 1000 * kHour), "revoked");
  for (const auto& entry : entries()) {
    const bool is_good =
        entry.at("signature").at("fingerprint").as_string() == fingerprint_of(good);
    EXPECT_EQ(entry.at("signature").at("trusted").as_bool(), is_good);
  }
  const std::string pin = "endorsers = [\"" + fingerprint_of(stolen) + "\"]\n";
  daemon_->signal(SIGTERM);
  EXPECT_EQ(daemon_->wait(), 0);
  start(lines(ca.revocation_list(), pin));
  refused(document_by(stolen, "5"), "revoked");
}

// That nothing chains at one date does not make a certificate unknown for good, nor the other way.
TEST_F(RegistryTrust, VerdictsAreRememberedForWhatTheyHoldFor) {
  CertificateAuthority ca;
  const Identity older = ca.issue({}, {.from = "20150101000000Z"});
  start(ca_lines("ca", ca, "crl_file = \"" + file("crl.pem", ca.revocation_list()) + "\"\n"));
  const UnixMillis before = *parse_rfc3339("2018-01-01T00:00:00Z");
  for (const char* content : {"1", "2"}) {
    refused(document_by(older, content, {}, before), "no chain to a CA of this registry");
    accepted(document_by(older, content));
  }
}

TEST_F(RegistryTrust, AnOldRevocationListTrustsNobody) {
  CertificateAuthority ca;
  const std::string old = ca.revocation_list({.to = "20200201000000Z"});
  start(ca_lines("ca", ca, "crl_file = \"" + file("crl.pem", old) + "\"\n"));
  refused(document_by(ca.issue({}), "1"), "CRL has expired");
}

// RFC 5280, 3.3: lists leave out who has expired, so nothing tells that such a one was revoked.
TEST_F(RegistryTrust, B56WhoHasExpiredPostsNothingNewWhereListsAre) {
  CertificateAuthority ca;
  const Identity past = ca.issue({}, {.from = "20240101000000Z", .to = "20240601000000Z"});
  const std::string list = "crl_file = \"" + file("crl.pem", ca.revocation_list()) + "\"\n";
  start(ca_lines("ca", ca));
  accepted(document_by(past, "1", {}, kSampleTime));
  reload(ca_lines("ca", ca, list));
  refused(document_by(past, "2", {}, kSampleTime), "has expired 2024-06-01T00:00:00Z");
  EXPECT_EQ(entries().at(0).at("signature").at("trusted"), true);
  reload(ca_lines("ca", ca, list + "endorsers = [\"" + fingerprint_of(past) + "\"]\n"));
  accepted(document_by(past, "2", {}, kSampleTime));
}

// A ban does not wait until the rest of the configuration is right.
TEST_F(RegistryTrust, ABrokenFileDoesNotKeepTheOldPolicy) {
  const std::string rules = "[policy]\nfile = \"" + file("policy.toml", "") + "\"\n";
  start(rules);
  accepted(document_by(make_identity(), "1"));
  const std::string id = image_of("1").identifier.text();
  const auto is_accepted = [&] {
    const auto decision = boost::json::parse(daemon_->get("/v1/policy/" + id).body);
    return decision.at("accepted").as_bool();
  };
  EXPECT_TRUE(is_accepted());
  (void)file("policy.toml", "images.deny = ['" + id + "']\n");
  reload("colour = \"red\"\n" + rules, "reload.failed");
  EXPECT_FALSE(is_accepted());
  (void)file("policy.toml", "");
  reload(rules);
  EXPECT_TRUE(is_accepted());
}

TEST_F(RegistryTrust, ABrokenFileKeepsTheOldRules) {
  CertificateAuthority ca;
  const std::string rules = ca_lines("ca", ca);
  start(rules);
  (void)file("ca.pem", "no certificate\n");
  reload(rules, "reload.failed");
  EXPECT_THAT(daemon_->log(), HasSubstr("no self-signed CA certificate"));
  accepted(document_by(ca.issue({}), "1"));
  CertificateAuthority next("Next");
  reload(ca_lines("ca", next));
  refused(document_by(ca.issue({}), "2"), "no certificate without a chain");
  accepted(document_by(next.issue({.email = "next@images.example"}), "2"));
}

TEST_F(RegistryTrust, DatesOfACertificateAreJudgedAtCreated) {
  CertificateAuthority ca;
  const Identity past = ca.issue({}, {.from = "20240101000000Z", .to = "20240601000000Z"});
  start(ca_lines("ca", ca));
  accepted(document_by(past, "1", {}, kSampleTime));
  refused(xmlsec1_sign(appended(replaced(endorsed_document(), "<slreq:issuer>CN=Image Ops",
                                         "<slreq:issuer>CN=Authority"),
                                SignatureTemplate().text()),
                       past),
          "the certificate is valid from");
}

// A chain that held for one document says nothing of another date.
TEST_F(RegistryTrust, DatesOfTheCaAreJudgedAtCreatedOfEachDocument) {
  CertificateAuthority ca;  // from 2020 on
  const Identity older = ca.issue({}, {.from = "20150101000000Z"});
  start(ca_lines("ca", ca));
  accepted(document_by(older, "1"));
  refused(document_by(older, "2", {}, *parse_rfc3339("2018-01-01T00:00:00Z")),
          "no chain to a CA of this registry that holds at 2018-01-01T00:00:00Z");
  accepted(document_by(older, "2"));
}

TEST_F(RegistryTrust, CreatedIsBoundedOnBothSides) {
  const Identity identity = make_identity();
  const auto pem = metadata::Endorser::generate("Image Ops", kOpsEmail, StillClock());
  const Identity old{pem->key, pem->certificate};
  start("[limits]\ncreated_skew = 60\ncreated_age_max = 86400\n");
  const UnixMillis now = SystemClock().now();
  refused(document_by(old, "1", {}, now - 25 * kHour), "created_age_max", 400);
  refused(document_by(old, "1", {}, now + kHour), "created_skew", 400);
  accepted(document_by(old, "1", {}, now - 23 * kHour));
  reload("");  // limits need a restart
  refused(document_by(old, "2", {}, now - 25 * kHour), "created_age_max", 400);
}

TEST_F(RegistryTrust, LegacyDocumentsAreTakenWhereTheyAreAllowed) {
  const IdentityOptions rsa = {.key = "rsa:2048", .digest = "sha1"};
  const std::string document = xmlsec1_signed(make_identity(rsa), stratuslab_form());
  start("");
  refused(document, "which this profile does not allow");
  reload("legacy_uploads = true\n");
  accepted(document);
  accepted(document, 200);
  const auto entry = entries().at(0);
  EXPECT_EQ(entry.at("signature").at("weak"), true);
  EXPECT_EQ(entry.at("signature").at("algorithm"), "rsa-sha1");
  EXPECT_EQ(entry.at("signature").at("trusted"), true);
  // A document of today is not weak because old ones are taken, too.
  accepted(document_by(make_identity({.email = "new@images.example"}), "new"));
  const auto modern = [&] {
    return entries("?endorser=new@images.example").at(0).at("signature").as_object();
  };
  EXPECT_EQ(modern().at("weak"), false);
  // Shown as trusted as long as they would be taken.
  reload("");
  EXPECT_EQ(entries("?endorser=ops@images.example").at(0).at("signature").at("trusted"), false);
  EXPECT_EQ(modern().at("trusted"), true);
}

// Algorithms are loosened, not who the endorser is.
TEST_F(RegistryTrust, LegacyUploadsBindTheEndorserAsStrictly) {
  const IdentityOptions rsa = {.key = "rsa:2048"};
  start("legacy_uploads = true\n");
  const auto sign = [](const std::string& document, const Identity& identity) {
    return xmlsec1_sign(appended(document, stratuslab_form().text()), identity);
  };
  refused(xmlsec1_signed(make_identity({.key = "rsa:2048", .email = ""}), stratuslab_form()),
          "no e-mail in its subjectAltName");
  refused(sign(endorsed_document("victim@images.example"), make_identity(rsa)), "slreq:email");
  refused(sign(endorsed_document(kOpsEmail, "CN=Victim"), make_identity(rsa)), "slreq:subject");
  refused(sign(replaced(endorsed_document(), "</slreq:issuer>",
                        "</slreq:issuer><slreq:issuer>CN=CA</slreq:issuer>"),
               make_identity(rsa)),
          "slreq:issuer may be there once only");
  CertificateAuthority ca;
  const Identity expired = ca.issue(rsa, {.to = "20240601000000Z"});
  refused(sign(replaced(endorsed_document(), "<slreq:issuer>CN=Image Ops",
                        "<slreq:issuer>CN=Authority"),
               expired),
          "the certificate is valid from");
  SignatureTemplate md5 = stratuslab_form();
  md5.method = "http://www.w3.org/2001/04/xmldsig-more#rsa-md5";
  refused(xmlsec1_signed(make_identity(rsa), md5), "rsa-md5");
  EXPECT_EQ(total("?status=all"), 0U);
}

// A chain is no better than its weakest signature, whatever the documents may be signed with.
TEST_F(RegistryTrust, LegacyUploadsDoNotLoosenChains) {
  CertificateAuthority ca;
  const auto signed_by = [](const Identity& identity) {
    return xmlsec1_sign(appended(replaced(endorsed_document(), "<slreq:issuer>CN=Image Ops",
                                          "<slreq:issuer>CN=Authority"),
                                 stratuslab_form().text()),
                        identity);
  };
  start("legacy_uploads = true\n" + ca_lines("ca", ca));
  refused(signed_by(ca.issue({.key = "rsa:2048", .digest = "sha1"})), "digest");
  accepted(signed_by(ca.issue({.key = "rsa:2048"})));
}

// B60: an old record that comes again after its endorser has deprecated the image.
TEST_F(RegistryTrust, B60ReplayAfterDeprecation) {
  const Identity identity = make_identity();
  const auto endorser = metadata::Endorser::load(identity.key, identity.certificate);
  const UnixMillis now = SystemClock().now() / 1000 * 1000;
  auto image = image_of("content", "replayed");
  const std::string old = signed_document(image, *endorser, now);
  image.deprecated = "it has a hole";
  const std::string deprecation = signed_document(image, *endorser, now + 1000);
  start("");
  accepted(old);
  accepted(deprecation);
  for (int i = 0; i < 2; ++i) {
    refused(old, "not-newer", 409);
    EXPECT_EQ(total(), 0U);
    EXPECT_EQ(total("?status=deprecated"), 1U);
  }
  stop();
  start("");
  refused(old, "not-newer", 409);
}

TEST_F(RegistryTrust, PostsFromOneAddressAreLimited) {
  const Identity identity = make_identity();
  start("[limits]\nposts_per_minute_max = 2\n");
  const std::string document = document_by(identity, "1");
  accepted(document);
  EXPECT_EQ(post("nonsense").head.status, 400);
  const auto response = post(document);
  EXPECT_EQ(response.head.status, 429) << response.body;
  EXPECT_THAT(response.body, HasSubstr("posts_per_minute_max"));
  const std::string wait(response.head.headers.get("Retry-After").value_or(""));
  EXPECT_GE(std::stoi(wait), 1);
  EXPECT_LE(std::stoi(wait), 30);
  EXPECT_EQ(daemon_->get("/v1/entries").head.status, 200);  // reading is not counted
}

}  // namespace
}  // namespace strata::test
