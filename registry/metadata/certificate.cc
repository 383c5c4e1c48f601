#include "registry/metadata/certificate.h"

#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/obj_mac.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include <array>
#include <ctime>
#include <optional>

#include "registry/metadata/distinguished_name.h"
#include "strata/base/text.h"

namespace strata::metadata {
namespace {

struct NamesFree {
  void operator()(GENERAL_NAMES* names) const { GENERAL_NAMES_free(names); }
};

std::string first_email(const X509* certificate) {
  const std::unique_ptr<GENERAL_NAMES, NamesFree> names(static_cast<GENERAL_NAMES*>(
      X509_get_ext_d2i(certificate, NID_subject_alt_name, nullptr, nullptr)));
  if (names == nullptr) return {};
  for (int i = 0; i < sk_GENERAL_NAME_num(names.get()); ++i) {
    const GENERAL_NAME* name = sk_GENERAL_NAME_value(names.get(), i);
    if (name->type != GEN_EMAIL) continue;
    const ASN1_IA5STRING* value = name->d.rfc822Name;
    return std::string(reinterpret_cast<const char*>(ASN1_STRING_get0_data(value)),
                       static_cast<std::size_t>(ASN1_STRING_length(value)));
  }
  return {};
}

std::optional<UnixMillis> to_millis(const ASN1_TIME* time) {
  std::tm parts{};
  if (time == nullptr || ASN1_TIME_to_tm(time, &parts) != 1) return std::nullopt;
  return static_cast<UnixMillis>(timegm(&parts)) * 1000;
}

std::string fingerprint(const X509* certificate) {
  std::array<unsigned char, EVP_MAX_MD_SIZE> digest{};
  unsigned size = 0;
  check(X509_digest(certificate, EVP_sha256(), digest.data(), &size) == 1, "SHA-256 failed");
  return to_hex(std::span(digest).first(size));
}

bool has_weak_digest(X509* certificate) {
  int digest = NID_undef, key = NID_undef;
  if (X509_get_signature_info(certificate, &digest, &key, nullptr, nullptr) != 1) return true;
  switch (digest) {
    case NID_sha256:
    case NID_sha384:
    case NID_sha512:
    case NID_sha3_256:
    case NID_sha3_384:
    case NID_sha3_512:
      return false;
    default:  // EdDSA has no separate digest
      return key != NID_ED25519 && key != NID_ED448;
  }
}

Result<Certificate> describe(X509Ptr x509) {
  Certificate certificate;
  const auto not_before = to_millis(X509_get0_notBefore(x509.get()));
  const auto not_after = to_millis(X509_get0_notAfter(x509.get()));
  if (!not_before || !not_after || X509_get0_pubkey(x509.get()) == nullptr) {
    ERR_clear_error();
    return Error(Errc::kMalformed, "the certificate has no readable dates or key");
  }
  const int size = i2d_X509(x509.get(), nullptr);
  check(size > 0, "a certificate does not encode");
  certificate.der.resize(static_cast<std::size_t>(size));
  unsigned char* out = certificate.der.data();
  i2d_X509(x509.get(), &out);
  certificate.subject = java_name(X509_get_subject_name(x509.get()));
  certificate.issuer = java_name(X509_get_issuer_name(x509.get()));
  certificate.email = first_email(x509.get());
  certificate.fingerprint = fingerprint(x509.get());
  certificate.not_before = *not_before;
  certificate.not_after = *not_after;
  certificate.self_signed = X509_self_signed(x509.get(), 1) == 1;
  certificate.weak_digest = has_weak_digest(x509.get());
  certificate.x509 = std::move(x509);
  ERR_clear_error();
  return certificate;
}

}  // namespace

Result<Certificate> read_certificate(std::span<const std::uint8_t> der) {
  const unsigned char* at = der.data();
  X509Ptr x509(d2i_X509(nullptr, &at, static_cast<long>(der.size())));
  if (x509 == nullptr || at != der.data() + der.size()) {
    ERR_clear_error();
    return Error(Errc::kMalformed, "the certificate is not one X.509 certificate");
  }
  return describe(std::move(x509));
}

Result<Certificate> read_certificate_pem(std::string_view pem) {
  const BioPtr bio(BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size())));
  check(bio != nullptr, "OpenSSL has no memory");
  X509Ptr x509(PEM_read_bio_X509(bio.get(), nullptr, nullptr, nullptr));
  if (x509 == nullptr) {
    ERR_clear_error();
    return Error(Errc::kMalformed, "there is no PEM certificate");
  }
  return describe(std::move(x509));
}

Result<KeyKind> check_key(const EVP_PKEY* key, const Limits& limits) {
  const int bits = EVP_PKEY_get_bits(key);
  switch (EVP_PKEY_get_base_id(key)) {
    case EVP_PKEY_RSA:
      if (bits < static_cast<int>(limits.rsa_key_bits_min) ||
          bits > static_cast<int>(limits.rsa_key_bits_max)) {
        return Error(Errc::kMalformed, "an RSA key must have " +
                                           std::to_string(limits.rsa_key_bits_min) + " to " +
                                           std::to_string(limits.rsa_key_bits_max) +
                                           " bits, this one has " + std::to_string(bits));
      }
      return KeyKind::kRsa;
    case EVP_PKEY_EC: {
      std::array<char, 64> curve{};
      EVP_PKEY_get_group_name(key, curve.data(), curve.size(), nullptr);
      const int nid = OBJ_txt2nid(curve.data());
      if (nid == NID_X9_62_prime256v1 || nid == NID_secp384r1 || nid == NID_secp521r1) {
        return KeyKind::kEc;
      }
      return Error(Errc::kMalformed, "an EC key must be on P-256, P-384 or P-521");
    }
    default:
      return Error(Errc::kMalformed, "a key must be RSA or ECDSA");
  }
}

}  // namespace strata::metadata
