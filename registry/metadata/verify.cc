#include <openssl/err.h>
#include <xmlsec/transforms.h>

#include "registry/metadata/certificate_cache.h"
#include "registry/metadata/dsig.h"
#include "registry/metadata/parse.h"
#include "registry/metadata/signature_form.h"
#include "registry/metadata/xmlsec_runtime.h"

namespace strata::metadata {
namespace {

Error untrusted(std::string rule) {
  return Error(Errc::kUntrustedSignature, std::move(rule));
}

// The second wall behind check_signature_form: xmlsec itself knows nothing else.
bool restrict_transforms(xmlSecDSigCtx* context) {
  const xmlSecTransformId c14n[] = {
      xmlSecTransformInclC14NId,   xmlSecTransformInclC14NWithCommentsId,
      xmlSecTransformInclC14N11Id, xmlSecTransformInclC14N11WithCommentsId,
      xmlSecTransformExclC14NId,   xmlSecTransformExclC14NWithCommentsId};
  const xmlSecTransformId reference[] = {xmlSecTransformEnvelopedId, xmlSecTransformSha1Id,
                                         xmlSecTransformSha256Id, xmlSecTransformSha384Id,
                                         xmlSecTransformSha512Id};
  const xmlSecTransformId signature[] = {xmlSecTransformRsaSha1Id,     xmlSecTransformRsaSha256Id,
                                         xmlSecTransformRsaSha384Id,   xmlSecTransformRsaSha512Id,
                                         xmlSecTransformEcdsaSha256Id, xmlSecTransformEcdsaSha384Id,
                                         xmlSecTransformEcdsaSha512Id};
  bool ok = true;
  for (const auto id : c14n) {
    ok = ok && xmlSecDSigCtxEnableReferenceTransform(context, id) >= 0 &&
         xmlSecDSigCtxEnableSignatureTransform(context, id) >= 0;
  }
  for (const auto id : reference) {
    ok = ok && xmlSecDSigCtxEnableReferenceTransform(context, id) >= 0;
  }
  for (const auto id : signature) {
    ok = ok && xmlSecDSigCtxEnableSignatureTransform(context, id) >= 0;
  }
  context->enabledReferenceUris = xmlSecTransformUriTypeEmpty;
  context->flags =
      XMLSEC_DSIG_FLAGS_IGNORE_MANIFESTS | XMLSEC_DSIG_FLAGS_STORE_SIGNEDINFO_REFERENCES;
  return ok;
}

// Core validation. Answers the bytes that were digested: what the signature covers.
Result<std::string> covered_bytes(const SignatureForm& form, EVP_PKEY* key) {
  initialize_xmlsec();
  const DsigPtr context = make_dsig(key);
  if (context == nullptr || !restrict_transforms(context.get())) {
    return untrusted("the certificate's key cannot verify XML signatures");
  }
  const bool ran = xmlSecDSigCtxVerify(context.get(), form.node) >= 0;
  ERR_clear_error();
  if (!ran) return untrusted("the signature cannot be processed");
  if (context->status != xmlSecDSigStatusSucceeded) {
    return untrusted("the signature does not fit the document: one of them was changed");
  }
  if (xmlSecPtrListGetSize(&context->signedInfoReferences) != 1) {
    return untrusted("the signature must have exactly one Reference");
  }
  auto* reference =
      static_cast<xmlSecDSigReferenceCtx*>(xmlSecPtrListGetItem(&context->signedInfoReferences, 0));
  const xmlSecBuffer* digested = xmlSecDSigReferenceCtxGetPreDigestBuffer(reference);
  if (reference->status != xmlSecDSigStatusSucceeded || digested == nullptr) {
    return untrusted("the signature covers nothing");
  }
  return std::string(reinterpret_cast<const char*>(digested->data), digested->size);
}

Status check_certificate(const Certificate& certificate, const SignatureForm& form, Profile profile,
                         const Limits& limits) {
  const auto kind = check_key(certificate.key(), limits);
  if (!kind) return untrusted("the certificate's key: " + kind.error().detail());
  if (*kind != form.kind) {
    return untrusted("the signature algorithm " + std::string(form.algorithm) +
                     " does not fit the certificate's key");
  }
  // The signature of the document does not cover the certificate; its own one does.
  if (certificate.subject == certificate.issuer && !certificate.self_signed) {
    return untrusted("the certificate says that it signed itself, but its signature does not hold");
  }
  if (profile == Profile::kStrict && certificate.weak_digest) {
    return untrusted("the certificate itself is signed with a digest weaker than SHA-256");
  }
  return {};
}

// What is asked of the endorser's identity, beyond the names that must agree under every rule.
struct IdentityRule {
  bool proven = true;                  // else reported only: kLegacy's verify()
  const Bindings* bindings = nullptr;  // null: nobody but the certificate says an e-mail address
};

// The endorser that the document names is the one of the certificate.
Status check_binding(const Certificate& certificate, const Endorsement& endorsement,
                     const IdentityRule& rule) {
  if (certificate.email.empty() && rule.proven && rule.bindings == nullptr) {
    return untrusted(
        "the certificate has no e-mail in its subjectAltName, so that it cannot "
        "speak for " +
        endorsement.email);
  }
  if (!certificate.email.empty() && certificate.email != endorsement.email) {
    return untrusted("slreq:email is not the e-mail of the certificate");
  }
  if (endorsement.subject != certificate.subject) {
    return untrusted("slreq:subject is not the subject of the certificate, " + certificate.subject);
  }
  if (endorsement.issuers.front() != certificate.issuer) {
    return untrusted("slreq:issuer is not the issuer of the certificate, " + certificate.issuer);
  }
  if (rule.proven && endorsement.issuers.size() > 1) {
    return untrusted("slreq:issuer may be there once only: nothing proves a second one");
  }
  if (rule.proven && !certificate.valid_at(endorsement.created)) {
    return untrusted("the certificate is valid from " + format_rfc3339(certificate.not_before) +
                     " to " + format_rfc3339(certificate.not_after) + ", not at " +
                     format_rfc3339(endorsement.created));
  }
  return {};
}

}  // namespace

DsigPtr make_dsig(EVP_PKEY* key) {
  if (EVP_PKEY_up_ref(key) != 1) return nullptr;
  KeyPtr shared(key);
  xmlSecKeyData* data = xmlSecOpenSSLEvpKeyAdopt(shared.get());
  if (data == nullptr) return nullptr;
  (void)shared.release();
  DsigPtr context(xmlSecDSigCtxCreate(nullptr));
  check(context != nullptr, "xmlsec has no memory");
  context->signKey = xmlSecKeyCreate();
  if (context->signKey == nullptr || xmlSecKeySetValue(context->signKey, data) < 0) {
    xmlSecKeyDataDestroy(data);
    return nullptr;
  }
  return context;
}

class Verifier {
 public:
  static Result<VerifiedEntry> run(std::string_view document, Profile profile, const Limits& limits,
                                   const IdentityRule& rule) {
    STRATA_TRY(const XmlDoc doc, parse_xml(document, limits));
    STRATA_TRY(ImageMetadata metadata, read_metadata(doc.get(), profile, limits));
    STRATA_TRY(const SignatureForm form, check_signature_form(doc.get(), profile));
    if (!metadata.endorsement) {
      return Error(Errc::kMalformed, "slreq:endorsement must name created and endorser");
    }
    const auto known = shared_certificate(form.certificate_der);
    if (!known) return untrusted(known.error().detail());
    const std::shared_ptr<const Certificate>& certificate = *known;
    if (auto status = check_certificate(*certificate, form, profile, limits); !status) {
      return status.error();
    }
    STRATA_TRY(const std::string covered, covered_bytes(form, certificate->key()));
    STRATA_TRY(const XmlDoc covered_doc, parse_canonical(covered));
    STRATA_TRY(const ImageMetadata covered_metadata,
               read_metadata(covered_doc.get(), profile, limits));
    // What the signature covers says the same as the document, without its comments and Signature.
    if (covered_metadata != metadata) {
      return untrusted("the signature does not cover every value of the document");
    }
    const Endorsement& endorsement = *metadata.endorsement;
    if (auto status = check_binding(*certificate, endorsement, rule); !status) {
      return status.error();
    }
    VerifiedEntry::Signature signature = describe(*certificate, form, endorsement, profile);
    if (certificate->email.empty() && rule.bindings != nullptr) {
      const Status bound = rule.bindings->require(signature, certificate->der, endorsement);
      if (!bound) return bound.error();
    }
    EntryKey key{metadata.identifier, endorsement.email, endorsement.created};
    return VerifiedEntry(std::move(metadata), std::move(key), std::string(document),
                         std::move(signature), certificate->der);
  }

 private:
  static VerifiedEntry::Signature describe(const Certificate& certificate,
                                           const SignatureForm& form,
                                           const Endorsement& endorsement, Profile profile) {
    return {.profile = profile,
            .algorithm = std::string(form.algorithm),
            .weak = form.weak || certificate.weak_digest,
            .subject = certificate.subject,
            .issuer = certificate.issuer,
            .fingerprint = certificate.fingerprint,
            .certificate_email = certificate.email,
            .self_signed = certificate.self_signed,
            .certificate_valid_at_created = certificate.valid_at(endorsement.created)};
  }
};

Result<VerifiedEntry> verify(std::string_view document, Profile profile, const Limits& limits) {
  return Verifier::run(document, profile, limits,
                       {.proven = profile == Profile::kStrict, .bindings = nullptr});
}

Result<VerifiedEntry> verify_endorser(std::string_view document, Profile profile,
                                      const Limits& limits, const Bindings& bindings) {
  return Verifier::run(document, profile, limits, {.proven = true, .bindings = &bindings});
}

Result<SigningCertificate> signing_certificate(std::string_view document, const Limits& limits) {
  STRATA_TRY(const XmlDoc doc, parse_xml(document, limits));
  STRATA_TRY(const SignatureForm form, check_signature_form(doc.get(), Profile::kLegacy));
  STRATA_TRY(Certificate certificate, read_certificate(form.certificate_der));
  return SigningCertificate{std::move(certificate.der), std::move(certificate.fingerprint)};
}

}  // namespace strata::metadata
