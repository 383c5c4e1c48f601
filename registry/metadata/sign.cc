#include <openssl/err.h>
#include <xmlsec/templates.h>

#include <array>
#include <utility>

#include "registry/metadata/dsig.h"
#include "registry/metadata/endorser.h"
#include "registry/metadata/parse.h"
#include "registry/metadata/signature_form.h"
#include "registry/metadata/vocabulary.h"
#include "registry/metadata/xmlsec_runtime.h"
#include "strata/base/text.h"

namespace strata::metadata {
namespace {

void remove(xmlNode* node) {
  xmlUnlinkNode(node);
  xmlFreeNode(node);
}

// The namespace with a prefix (attributes need one), declared on `node` when it is not in scope.
xmlNs* namespace_for(xmlNode* node, std::string_view uri, const char* prefix) {
  for (const xmlNode* at = node; at != nullptr && at->type == XML_ELEMENT_NODE; at = at->parent) {
    for (xmlNs* ns = at->nsDef; ns != nullptr; ns = ns->next) {
      if (ns->prefix == nullptr || view(ns->href) != uri) continue;
      if (xmlSearchNs(node->doc, node, ns->prefix) == ns) return ns;
    }
  }
  for (std::string name = prefix;; name += '_') {
    xmlNs* ns = xmlNewNs(node, xml_text(std::string(uri).c_str()), xml_text(name.c_str()));
    if (ns != nullptr) return ns;  // else the prefix is taken here by another namespace
  }
}

struct Namespaces {
  xmlNs *rdf, *dcterms, *slreq;
};

void add_text(xmlNode* parent, std::string_view text) {
  xmlAddChild(parent,
              xmlNewDocTextLen(parent->doc, xml_text(text.data()), static_cast<int>(text.size())));
}

xmlNode* new_element(xmlDoc* doc, xmlNs* ns, const char* name) {
  xmlNode* node = xmlNewDocNode(doc, ns, xml_text(name), nullptr);
  check(node != nullptr, "libxml2 has no memory for an element");
  return node;
}

xmlNode* add_element(xmlNode* parent, xmlNs* ns, const char* name, std::string_view indent) {
  add_text(parent, indent);
  return xmlAddChild(parent, new_element(parent->doc, ns, name));
}

xmlNode* new_endorsement(xmlNode* description, const Endorsement& endorsement) {
  const Namespaces ns = {namespace_for(description, kRdf, "rdf"),
                         namespace_for(description, kDcterms, "dcterms"),
                         namespace_for(description, kSlreq, "slreq")};
  const auto resource = [&ns](xmlNode* node) {
    xmlNewNsProp(node, ns.rdf, xml_text("parseType"), xml_text("Resource"));
    return node;
  };
  xmlNode* node = resource(new_element(description->doc, ns.slreq, "endorsement"));
  add_text(add_element(node, ns.dcterms, "created", "\n      "),
           format_rfc3339(endorsement.created));
  xmlNode* endorser = resource(add_element(node, ns.slreq, "endorser", "\n      "));
  add_text(add_element(endorser, ns.slreq, "email", "\n        "), endorsement.email);
  add_text(add_element(endorser, ns.slreq, "subject", "\n        "), endorsement.subject);
  for (const std::string& issuer : endorsement.issuers) {
    add_text(add_element(endorser, ns.slreq, "issuer", "\n        "), issuer);
  }
  add_text(endorser, "\n      ");
  add_text(node, "\n    ");
  return node;
}

// Puts the endorsement in the place of the last one, else behind the last checksum.
Status replace_endorsement(xmlNode* description, const Endorsement& endorsement) {
  std::vector<xmlNode*> old;
  xmlNode* checksum = nullptr;
  for (xmlNode* child : child_elements(description)) {
    if (is_element(child, kSlreq, "endorsement")) old.push_back(child);
    if (is_element(child, kSlreq, "checksum")) checksum = child;
  }
  if (checksum == nullptr) return malformed(description, "must have slreq:checksum");
  xmlNode* node = new_endorsement(description, endorsement);
  if (old.empty()) {
    xmlAddNextSibling(checksum, node);
    xmlAddNextSibling(checksum, xmlNewDocText(description->doc, xml_text("\n    ")));
    return {};
  }
  xmlFreeNode(xmlReplaceNode(old.back(), node));
  old.pop_back();
  for (xmlNode* rest : old) remove(rest);
  return {};
}

Result<xmlNode*> unsigned_description(xmlDoc* doc) {
  xmlNode* root = xmlDocGetRootElement(doc);
  for (xmlNode* child : child_elements(root)) {
    if (!is_element(child, kDsig, "Signature")) continue;
    // With the white space before it, so that signing again changes nothing else.
    if (child->prev != nullptr && xmlIsBlankNode(child->prev) == 1) remove(child->prev);
    remove(child);
  }
  return description_of(doc);
}

void add_certificate(xmlNode* signature, const Certificate& certificate) {
  std::string text = to_base64(certificate.der);
  for (std::size_t at = 64; at < text.size(); at += 65) text.insert(at, 1, '\n');
  xmlNode* info = add_element(signature, signature->ns, "KeyInfo", "");
  xmlNode* data = add_element(info, signature->ns, "X509Data", "\n");
  add_text(add_element(data, signature->ns, "X509Certificate", "\n"), text);
  add_text(data, "\n");
  add_text(info, "\n");
  add_text(signature, "\n");
}

Status add_signature(xmlDoc* doc, const Certificate& certificate, EVP_PKEY* key, KeyKind kind) {
  initialize_xmlsec();
  xmlNode* root = xmlDocGetRootElement(doc);
  const xmlSecTransformId method =
      kind == KeyKind::kRsa ? xmlSecTransformRsaSha256Id : xmlSecTransformEcdsaSha256Id;
  xmlNode* signature = xmlSecTmplSignatureCreate(doc, xmlSecTransformExclC14NId, method, nullptr);
  check(signature != nullptr, "xmlsec has no memory");
  xmlAddChild(root, signature);
  add_text(root, "\n");
  xmlNode* reference = xmlSecTmplSignatureAddReference(signature, xmlSecTransformSha256Id, nullptr,
                                                       xml_text(""), nullptr);
  check(reference != nullptr &&
            xmlSecTmplReferenceAddTransform(reference, xmlSecTransformEnvelopedId) != nullptr &&
            xmlSecTmplReferenceAddTransform(reference, xmlSecTransformExclC14NId) != nullptr,
        "xmlsec has no memory");
  const DsigPtr context = make_dsig(key);
  const bool signed_ok = context != nullptr && xmlSecDSigCtxSign(context.get(), signature) >= 0 &&
                         context->status == xmlSecDSigStatusSucceeded;
  ERR_clear_error();
  if (!signed_ok) return Error(Errc::kInternal, "xmlsec could not sign the document");
  // After signing, and outside of what is signed: xmlsec has nothing to add to it.
  add_certificate(signature, certificate);
  return {};
}

Result<Endorsement> make_endorsement(const Certificate& certificate, UnixMillis created,
                                     std::string_view email) {
  Endorsement endorsement;
  endorsement.created = created - created % 1000;
  endorsement.email = certificate.email.empty() ? std::string(email) : certificate.email;
  if (!is_valid_email(endorsement.email)) {
    return Error(Errc::kMalformed,
                 "an endorsement needs an e-mail address name@host: the "
                 "certificate has none, and none was given");
  }
  if (!certificate.valid_at(endorsement.created)) {
    return Error(Errc::kMalformed, "the certificate is valid from " +
                                       format_rfc3339(certificate.not_before) + " to " +
                                       format_rfc3339(certificate.not_after) + ", not at " +
                                       format_rfc3339(endorsement.created));
  }
  endorsement.subject = certificate.subject;
  endorsement.issuers.push_back(certificate.issuer);
  return endorsement;
}

}  // namespace

Result<std::string> sign(std::string_view document, const Endorser& endorser, UnixMillis created,
                         std::string_view email) {
  const Limits limits;
  const Endorser::Impl& impl = *endorser.impl_;
  STRATA_TRY(const Endorsement endorsement, make_endorsement(impl.certificate, created, email));
  STRATA_TRY(const XmlDoc doc, parse_xml(document, limits));
  STRATA_TRY(xmlNode* const description, unsigned_description(doc.get()));
  if (auto status = replace_endorsement(description, endorsement); !status) return status.error();
  if (auto metadata = read_metadata(doc.get(), Profile::kStrict, limits); !metadata) {
    return metadata.error();
  }
  if (auto status = add_signature(doc.get(), impl.certificate, impl.key.get(), impl.kind);
      !status) {
    return status.error();
  }
  return serialize(doc.get());
}

}  // namespace strata::metadata
