#include "registry/metadata/signature_form.h"

#include <algorithm>
#include <array>
#include <initializer_list>
#include <span>
#include <string>

#include "registry/metadata/vocabulary.h"
#include "strata/base/text.h"

namespace strata::metadata {
namespace {

struct SignatureMethod {
  std::string_view uri, name;
  KeyKind kind;
  bool weak;
};
constexpr std::array<SignatureMethod, 7> kSignatureMethods = {
    {{kRsaSha256, "rsa-sha256", KeyKind::kRsa, false},
     {"http://www.w3.org/2001/04/xmldsig-more#rsa-sha384", "rsa-sha384", KeyKind::kRsa, false},
     {"http://www.w3.org/2001/04/xmldsig-more#rsa-sha512", "rsa-sha512", KeyKind::kRsa, false},
     {kEcdsaSha256, "ecdsa-sha256", KeyKind::kEc, false},
     {"http://www.w3.org/2001/04/xmldsig-more#ecdsa-sha384", "ecdsa-sha384", KeyKind::kEc, false},
     {"http://www.w3.org/2001/04/xmldsig-more#ecdsa-sha512", "ecdsa-sha512", KeyKind::kEc, false},
     {"http://www.w3.org/2000/09/xmldsig#rsa-sha1", "rsa-sha1", KeyKind::kRsa, true}}};

struct Method {
  std::string_view uri;
  bool legacy;  // only under Profile::kLegacy
};
constexpr std::array<Method, 4> kDigestMethods = {
    {{kSha256Digest, false},
     {"http://www.w3.org/2001/04/xmldsig-more#sha384", false},
     {"http://www.w3.org/2001/04/xmlenc#sha512", false},
     {"http://www.w3.org/2000/09/xmldsig#sha1", true}}};
constexpr std::array<Method, 6> kC14nMethods = {
    {{kExclusiveC14n, false},
     {"http://www.w3.org/TR/2001/REC-xml-c14n-20010315", false},
     {"http://www.w3.org/2006/12/xml-c14n11", false},
     {"http://www.w3.org/2001/10/xml-exc-c14n#WithComments", true},
     {"http://www.w3.org/TR/2001/REC-xml-c14n-20010315#WithComments", true},
     {"http://www.w3.org/2006/12/xml-c14n11#WithComments", true}}};

Error untrusted(const xmlNode* node, std::string_view rule) {
  return Error(Errc::kUntrustedSignature, malformed(node, rule).detail());
}

// No attribute but these (without namespace), and Id, which nothing can refer to.
Status check_attributes(const xmlNode* node, std::string_view allowed) {
  for (const xmlAttr* at = node->properties; at != nullptr; at = at->next) {
    if (at->ns == nullptr && (view(at->name) == allowed || view(at->name) == "Id")) continue;
    return untrusted(node, "may not have the attribute " + std::string(view(at->name)));
  }
  return {};
}

// Exactly these children, in this order.
Result<std::vector<xmlNode*>> children_of(const xmlNode* node,
                                          std::initializer_list<std::string_view> names) {
  auto children = structured_children(node);
  if (!children) return untrusted(node, "may hold elements only");
  const bool same = std::equal(
      children->begin(), children->end(), names.begin(), names.end(),
      [](const xmlNode* child, std::string_view name) { return is_element(child, kDsig, name); });
  if (same) return children;
  std::string list;
  for (const std::string_view name : names) list += (list.empty() ? "" : ", ") + std::string(name);
  return untrusted(node, "must hold exactly: " + (list.empty() ? "nothing" : list));
}

// The Algorithm of an element that has no parameters.
Result<std::string> algorithm_of(const xmlNode* node) {
  if (auto status = check_attributes(node, "Algorithm"); !status) return status.error();
  if (auto children = children_of(node, {}); !children) return children.error();
  return attribute(node, "", "Algorithm").value_or("");
}

Status check_method(const xmlNode* node, std::span<const Method> methods, Profile profile,
                    bool& legacy) {
  STRATA_TRY(const std::string uri, algorithm_of(node));
  for (const Method& method : methods) {
    if (uri != method.uri || (method.legacy && profile == Profile::kStrict)) continue;
    legacy = legacy || method.legacy;
    return {};
  }
  return untrusted(node, "names the algorithm " + uri + ", which this profile does not allow");
}

class Form {
 public:
  explicit Form(Profile profile) : profile_(profile) {}

  Result<SignatureForm> read(xmlNode* signature) {
    form_.node = signature;
    if (auto status = check_attributes(signature, "Id"); !status) return status.error();
    STRATA_TRY(const auto parts,
               children_of(signature, {"SignedInfo", "SignatureValue", "KeyInfo"}));
    if (auto status = read_signed_info(parts[0]); !status) return status.error();
    if (auto status = check_value(parts[1]); !status) return status.error();
    if (auto status = read_key_info(parts[2]); !status) return status.error();
    return std::move(form_);
  }

 private:
  Status read_signed_info(const xmlNode* node) {
    if (auto status = check_attributes(node, "Id"); !status) return status;
    STRATA_TRY(const auto parts,
               children_of(node, {"CanonicalizationMethod", "SignatureMethod", "Reference"}));
    bool with_comments = false;
    if (auto status = check_method(parts[0], kC14nMethods, profile_, with_comments); !status) {
      return status;
    }
    if (auto status = read_signature_method(parts[1]); !status) return status;
    return read_reference(parts[2]);
  }

  Status read_signature_method(const xmlNode* node) {
    STRATA_TRY(const std::string uri, algorithm_of(node));
    for (const SignatureMethod& method : kSignatureMethods) {
      if (uri != method.uri || (method.weak && profile_ == Profile::kStrict)) continue;
      form_.algorithm = method.name;
      form_.kind = method.kind;
      form_.weak = form_.weak || method.weak;
      return {};
    }
    return untrusted(node, "names the algorithm " + uri + ", which this profile does not allow");
  }

  Status read_reference(const xmlNode* node) {
    if (auto status = check_attributes(node, "URI"); !status) return status;
    if (attribute(node, "", "URI") != "") {
      return untrusted(node, "must have URI=\"\": it must cover the whole document");
    }
    STRATA_TRY(const auto parts, children_of(node, {"Transforms", "DigestMethod", "DigestValue"}));
    if (auto status = read_transforms(parts[0]); !status) return status;
    if (auto status = check_method(parts[1], kDigestMethods, profile_, form_.weak); !status) {
      return status;
    }
    return check_value(parts[2]);
  }

  Status read_transforms(const xmlNode* node) {
    if (auto status = check_attributes(node, "Id"); !status) return status;
    const bool has_c14n = child_elements(node).size() > 1;
    STRATA_TRY(const auto transforms, has_c14n ? children_of(node, {"Transform", "Transform"})
                                               : children_of(node, {"Transform"}));
    STRATA_TRY(const std::string enveloped, algorithm_of(transforms[0]));
    if (enveloped != kEnveloped) {
      return untrusted(transforms[0], "must be the enveloped-signature transform");
    }
    bool with_comments = false;
    if (has_c14n) return check_method(transforms[1], kC14nMethods, profile_, with_comments);
    return {};
  }

  Status check_value(const xmlNode* node) {
    if (auto status = check_attributes(node, "Id"); !status) return status;
    if (!simple_text(node)) return untrusted(node, "may hold text only");
    return {};
  }

  // One certificate gives both the key and the identity (forgeries A and B).
  Status read_key_info(const xmlNode* node) {
    if (auto status = check_attributes(node, "Id"); !status) return status;
    STRATA_TRY(const auto data, children_of(node, {"X509Data"}));
    if (auto status = check_attributes(data[0], "Id"); !status) return status;
    STRATA_TRY(const auto certificate, children_of(data[0], {"X509Certificate"}));
    if (auto status = check_value(certificate[0]); !status) return status;
    STRATA_TRY(std::string text, simple_text(certificate[0]));
    std::erase_if(text, [](char c) { return c == ' ' || c == '\t' || c == '\r' || c == '\n'; });
    const auto der = from_base64(text);
    if (!der || der->empty()) return untrusted(certificate[0], "must be base64");
    form_.certificate_der = *der;
    return {};
  }

  const Profile profile_;
  SignatureForm form_;
};

// Signature elements anywhere in the tree.
std::size_t count_signatures(const xmlNode* node) {
  std::size_t count = is_element(node, kDsig, "Signature") ? 1 : 0;
  for (const xmlNode* child : child_elements(node)) count += count_signatures(child);
  return count;
}

}  // namespace

Result<SignatureForm> check_signature_form(xmlDoc* doc, Profile profile) {
  const xmlNode* root = xmlDocGetRootElement(doc);
  const std::size_t count = count_signatures(root);
  if (count != 1) {
    return Error(Errc::kUntrustedSignature,
                 "a document must have exactly one xmldsig:Signature, "
                 "this one has " +
                     std::to_string(count));
  }
  xmlNode* last = child_elements(root).back();
  if (!is_element(last, kDsig, "Signature")) {
    return Error(Errc::kUntrustedSignature,
                 "the xmldsig:Signature must be the last child of the root");
  }
  return Form(profile).read(last);
}

}  // namespace strata::metadata
