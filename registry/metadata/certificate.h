#pragma once

#include <openssl/evp.h>
#include <openssl/x509.h>

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "strata/base/clock.h"
#include "strata/base/limits.h"
#include "strata/base/result.h"

// X.509 certificates and keys, on OpenSSL.
namespace strata::metadata {

struct OpenSslFree {
  void operator()(X509* certificate) const { X509_free(certificate); }
  void operator()(EVP_PKEY* key) const { EVP_PKEY_free(key); }
  void operator()(BIO* bio) const { BIO_free_all(bio); }
};
using X509Ptr = std::unique_ptr<X509, OpenSslFree>;
using KeyPtr = std::unique_ptr<EVP_PKEY, OpenSslFree>;
using BioPtr = std::unique_ptr<BIO, OpenSslFree>;

enum class KeyKind : unsigned char { kRsa, kEc };

// What a certificate says. It says so of itself: nothing here is a chain check.
struct Certificate {
  X509Ptr x509;
  std::vector<std::uint8_t> der;
  std::string subject, issuer;  // java_name()
  std::string email;            // the first rfc822Name of subjectAltName; empty when there is none
  std::string fingerprint;      // SHA-256 of the DER, hex
  UnixMillis not_before = 0;
  UnixMillis not_after = 0;
  bool self_signed = false;  // and the signature holds
  bool weak_digest = false;  // signed over MD5, SHA-1 or something unknown

  [[nodiscard]] EVP_PKEY* key() const { return X509_get0_pubkey(x509.get()); }
  [[nodiscard]] bool valid_at(UnixMillis time) const {
    return not_before <= time && time <= not_after;
  }
};

// One DER certificate and nothing after it. kMalformed.
[[nodiscard]] Result<Certificate> read_certificate(std::span<const std::uint8_t> der);
// The first certificate of a PEM text.
[[nodiscard]] Result<Certificate> read_certificate_pem(std::string_view pem);

// RSA of the allowed sizes, or ECDSA on P-256, P-384 or P-521; anything else is kMalformed.
[[nodiscard]] Result<KeyKind> check_key(const EVP_PKEY* key, const Limits& limits);

}  // namespace strata::metadata
