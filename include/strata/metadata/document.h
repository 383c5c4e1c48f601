#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "strata/base/limits.h"
#include "strata/base/result.h"
#include "strata/metadata/image_metadata.h"

// Metadata documents: StratusLab RDF/XML with an enveloped XML-DSig signature. All functions are
// pure apart from the clock they are given, and thread-safe.
namespace strata::metadata {

// The unsigned document in canonical layout (fixed prefixes, element order of the XSD). An empty
// type becomes the kind, or "machine"; without an endorsement its empty element is written,
// which StratusLab's tools and sign() fill. Characters that XML cannot carry become U+FFFD.
[[nodiscard]] std::string build(const ImageMetadata& metadata);

// Parses without DTD, entities or network and checks schema and constraints (the strict rules of
// registry/FORMAT.md); the message names the element and the rule. The endorsement may be missing
// or empty. Says nothing of the signature. kMalformed.
[[nodiscard]] Result<ImageMetadata> parse(std::string_view document, const Limits& limits = {});

// A private key and its certificate.
class Endorser {
 public:
  // PEM. kMalformed when they do not belong together, or the key is weaker than RSA 2048 / P-256.
  [[nodiscard]] static Result<Endorser> load(std::string_view key_pem, std::string_view cert_pem);
  // The same from a PKCS#12 file (DER), also one of the old ciphers; the password may be empty.
  [[nodiscard]] static Result<Endorser> load_pkcs12(std::string_view der,
                                                    const std::string& password);
  // P-256, self-signed, CN=<common_name>,O=Strata, SAN e-mail, valid for ten years.
  struct Pem {
    std::string key, certificate;
  };
  [[nodiscard]] static Result<Pem> generate(std::string_view common_name, std::string_view email,
                                            const Clock& clock);
  Endorser(Endorser&&) noexcept;
  Endorser& operator=(Endorser&&) noexcept;
  ~Endorser();
  [[nodiscard]] const std::string& email() const;    // SAN rfc822Name; empty when there is none
  [[nodiscard]] const std::string& subject() const;  // as written into documents
  [[nodiscard]] const std::string& issuer() const;
  [[nodiscard]] const std::string& fingerprint() const;  // SHA-256 of the certificate, hex

 private:
  friend Result<std::string> sign(std::string_view, const Endorser&, UnixMillis, std::string_view);
  struct Impl;
  explicit Endorser(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

// Replaces endorsement and signature: fills email (the certificate's, else `email`), subject,
// issuer and `created` (whole seconds), and signs with RSA-SHA256 or ECDSA-SHA256. Returns the
// signed document. kMalformed: the document breaks a strict rule, there is no e-mail, or the
// certificate is not valid at `created`.
[[nodiscard]] Result<std::string> sign(std::string_view document, const Endorser& endorser,
                                       UnixMillis created, std::string_view email = {});

enum class Profile : unsigned char {
  kStrict,  // SHA-256 or better, RSA >= 2048 or P-256 or better, e-mail from the certificate's SAN,
            // certificate dates hold at `created`
  kLegacy,  // also RSA-SHA1, C14N with comments, and forms of documents that StratusLab's server
            // took; e-mail, dates and chain reported, not required
};

// A document whose signature, schema and constraints hold under a profile. Only verify() makes one;
// its values come from the nodes that the signature covers.
class VerifiedEntry {
 public:
  [[nodiscard]] const ImageMetadata& metadata() const { return metadata_; }
  [[nodiscard]] const EntryKey& key() const { return key_; }
  [[nodiscard]] const std::string& document() const { return document_; }  // the exact bytes
  struct Signature {
    Profile profile = Profile::kStrict;  // the one that was asked for
    std::string algorithm;               // "ecdsa-sha256", "rsa-sha256", "rsa-sha1", ...
    bool weak = false;                   // legacy algorithms
    std::string subject, issuer;
    std::string fingerprint;        // SHA-256 of the certificate, hex
    std::string certificate_email;  // empty when the certificate carries none
    bool self_signed = false;
    bool certificate_valid_at_created = false;
  };
  [[nodiscard]] const Signature& signature() const { return signature_; }
  // DER of the certificate whose key verified the signature.
  [[nodiscard]] const std::vector<std::uint8_t>& certificate() const { return certificate_; }

 private:
  friend class Verifier;
  VerifiedEntry(ImageMetadata metadata, EntryKey key, std::string document, Signature signature,
                std::vector<std::uint8_t> certificate)
      : metadata_(std::move(metadata)),
        key_(std::move(key)),
        document_(std::move(document)),
        signature_(std::move(signature)),
        certificate_(std::move(certificate)) {}
  ImageMetadata metadata_;
  EntryKey key_;
  std::string document_;
  Signature signature_;
  std::vector<std::uint8_t> certificate_;
};

// kMalformed, kTooLarge: not a document (XML, schema, constraint). kUntrustedSignature: the
// signature or what it binds does not hold; the message names the rule. Under kLegacy a certificate
// without an e-mail passes, as StratusLab's own documents do: certificate_email is empty then, and
// nothing proves the endorser's name.
[[nodiscard]] Result<VerifiedEntry> verify(std::string_view document, Profile profile,
                                           const Limits& limits);

// Who may sign for an e-mail address that the certificate itself does not carry.
class Bindings {
 public:
  virtual ~Bindings() = default;
  // Asked once everything else holds, of the certificate (DER) whose key verified the signature.
  [[nodiscard]] virtual Status require(const VerifiedEntry::Signature& signature,
                                       std::span<const std::uint8_t> certificate,
                                       const Endorsement& endorsement) const = 0;
};

// As verify(), but who the endorser is must be proven under both profiles: kLegacy loosens
// algorithms and the form of documents only. An e-mail address that the certificate does not carry
// is taken from `bindings`; certificate dates hold at `created`; there is one issuer.
[[nodiscard]] Result<VerifiedEntry> verify_endorser(std::string_view document, Profile profile,
                                                    const Limits& limits, const Bindings& bindings);

// The certificate in a document's signature, for a document that was verified before: nothing is
// verified here.
struct SigningCertificate {
  std::vector<std::uint8_t> der;
  std::string fingerprint;  // SHA-256, hex
};
[[nodiscard]] Result<SigningCertificate> signing_certificate(std::string_view document,
                                                             const Limits& limits);

// SHA-256 (hex) over what makes the public key of a DER certificate (the modulus, or curve and
// point): the same for all certificates of one key, however they are made. kMalformed.
[[nodiscard]] Result<std::string> key_fingerprint(std::span<const std::uint8_t> certificate);

}  // namespace strata::metadata
