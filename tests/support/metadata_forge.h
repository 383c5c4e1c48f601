#pragma once

#include <string>
#include <string_view>

#include "strata/metadata/document.h"

// Keys, certificates and signatures that other tools make (openssl, xmlsec1), and documents that
// our own code would refuse to sign: for golden tests and forgeries of metadata documents.
namespace strata::test {

inline constexpr std::string_view kOpsEmail = "ops@images.example";
inline constexpr std::string_view kOpsName =
    "CN=Image Ops,O=Example";  // of Identity's certificates

// A PEM key and its certificate.
struct Identity {
  std::string key, certificate;
};

struct IdentityOptions {
  std::string key = "ec -pkeyopt ec_paramgen_curve:P-256";  // of `openssl req -newkey`
  std::string subject = "/O=Example/CN=Image Ops";
  std::string email{kOpsEmail};  // empty: no subjectAltName
  std::string digest = "sha256";
  bool may_sign = true;  // else a key usage without signatures; of CertificateAuthority only
};

// A self-signed certificate by openssl, valid from now for a year.
[[nodiscard]] Identity make_identity(const IdentityOptions& options = {});
// A certificate for `options`, issued by `issuer`.
[[nodiscard]] Identity issue_identity(const Identity& issuer, const IdentityOptions& options);

// An unsigned document whose endorsement says `email` and `name`.
[[nodiscard]] std::string endorsed_document(std::string_view email = kOpsEmail,
                                            std::string_view name = kOpsName);

// A Signature element for xmlsec1 to fill.
struct SignatureTemplate {
  std::string c14n = "http://www.w3.org/TR/2001/REC-xml-c14n-20010315";
  std::string method = "http://www.w3.org/2001/04/xmldsig-more#ecdsa-sha256";
  std::string digest = "http://www.w3.org/2001/04/xmlenc#sha256";
  std::string uri = {};
  std::string transforms =  // empty: no Transforms element
      "<Transform Algorithm=\"http://www.w3.org/2000/09/xmldsig#enveloped-signature\"/>";
  std::string key_info = "<X509Data><X509Certificate/></X509Data>";
  std::string object = {};  // after KeyInfo
  [[nodiscard]] std::string text() const;
};

// `document` with `element` before the end of its root.
[[nodiscard]] std::string appended(const std::string& document, std::string_view element);

// What `xmlsec1 --sign` makes of a document that holds a template.
[[nodiscard]] std::string xmlsec1_sign(const std::string& document, const Identity& identity,
                                       const std::string& options = {});
// The base64 of the first PEM block.
[[nodiscard]] std::string pem_body(const std::string& pem);
// endorsed_document() with the template, signed.
[[nodiscard]] std::string xmlsec1_signed(const Identity& identity,
                                         const SignatureTemplate& form = {});
[[nodiscard]] bool xmlsec1_verifies(const std::string& document, const std::string& certificate);

}  // namespace strata::test
