#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "registry/metadata/certificate.h"
#include "registry/metadata/xml.h"
#include "strata/metadata/document.h"

namespace strata::metadata {

// The algorithms of XML-DSig that a profile may name (registry/FORMAT.md, "Signature").
inline constexpr const char* kEnveloped = "http://www.w3.org/2000/09/xmldsig#enveloped-signature";
inline constexpr const char* kExclusiveC14n = "http://www.w3.org/2001/10/xml-exc-c14n#";
inline constexpr const char* kSha256Digest = "http://www.w3.org/2001/04/xmlenc#sha256";
inline constexpr const char* kRsaSha256 = "http://www.w3.org/2001/04/xmldsig-more#rsa-sha256";
inline constexpr const char* kEcdsaSha256 = "http://www.w3.org/2001/04/xmldsig-more#ecdsa-sha256";

// A Signature element that has the one form we accept; nothing is verified yet.
struct SignatureForm {
  xmlNode* node = nullptr;
  std::string_view algorithm;  // "ecdsa-sha256"
  KeyKind kind = KeyKind::kEc;
  bool weak = false;  // SHA-1 in signature or digest
  std::vector<std::uint8_t> certificate_der;
};

// xmlsec has no policy of its own, so that this check comes before it: exactly one Signature, the
// last child of the root; one Reference to the whole document; allowed transforms and algorithms;
// one certificate and no other key or Object. kUntrustedSignature, naming the rule.
[[nodiscard]] Result<SignatureForm> check_signature_form(xmlDoc* doc, Profile profile);

}  // namespace strata::metadata
