#include "registry/metadata/endorser.h"

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/x509v3.h>

#include <array>

namespace strata::metadata {
namespace {

constexpr UnixMillis kDay = 86'400'000;
constexpr UnixMillis kLifetime = 3652 * kDay;  // ten years
constexpr std::size_t kCommonNameMax = 64;     // X.520 ub-common-name

struct GenerateFree {
  void operator()(X509_EXTENSION* extension) const { X509_EXTENSION_free(extension); }
};

// An encrypted key is refused; OpenSSL would ask on the terminal for the passphrase.
int no_passphrase(char*, int, int, void*) {
  return -1;
}

Error failed(std::string_view what) {
  ERR_clear_error();
  return Error(Errc::kInternal, "OpenSSL could not " + std::string(what));
}

bool add_name(X509_NAME* name, const char* field, std::string_view value) {
  return X509_NAME_add_entry_by_txt(name, field, MBSTRING_UTF8,
                                    reinterpret_cast<const unsigned char*>(value.data()),
                                    static_cast<int>(value.size()), -1, 0) == 1;
}

bool add_extension(X509* certificate, int nid, const std::string& value) {
  X509V3_CTX context;
  X509V3_set_ctx_nodb(&context);
  X509V3_set_ctx(&context, certificate, certificate, nullptr, nullptr, 0);
  const std::unique_ptr<X509_EXTENSION, GenerateFree> extension(
      X509V3_EXT_conf_nid(nullptr, &context, nid, value.c_str()));
  return extension != nullptr && X509_add_ext(certificate, extension.get(), -1) == 1;
}

bool set_serial(X509* certificate) {
  std::array<unsigned char, 16> bytes{};
  if (RAND_bytes(bytes.data(), static_cast<int>(bytes.size())) != 1) return false;
  bytes[0] = static_cast<unsigned char>((bytes[0] & 0x7f) | 0x40);  // positive, fixed length
  ASN1_INTEGER* serial = X509_get_serialNumber(certificate);
  return ASN1_STRING_set(serial, bytes.data(), static_cast<int>(bytes.size())) == 1;
}

bool set_dates(X509* certificate, UnixMillis now) {
  // A day early: registries whose clock is behind ours, and endorsements of the same second.
  return ASN1_TIME_set(X509_getm_notBefore(certificate), (now - kDay) / 1000) != nullptr &&
         ASN1_TIME_set(X509_getm_notAfter(certificate), (now + kLifetime) / 1000) != nullptr;
}

bool fill(X509* certificate, EVP_PKEY* key, std::string_view common_name, std::string_view email,
          UnixMillis now) {
  X509_NAME* name = X509_get_subject_name(certificate);
  return X509_set_version(certificate, X509_VERSION_3) == 1 && set_serial(certificate) &&
         set_dates(certificate, now) && add_name(name, "O", "Strata") &&
         add_name(name, "CN", common_name) && X509_set_issuer_name(certificate, name) == 1 &&
         X509_set_pubkey(certificate, key) == 1 &&
         add_extension(certificate, NID_basic_constraints, "critical,CA:FALSE") &&
         add_extension(certificate, NID_key_usage, "critical,digitalSignature") &&
         add_extension(certificate, NID_subject_alt_name, "email:" + std::string(email)) &&
         X509_sign(certificate, key, EVP_sha256()) > 0;
}

std::string take(BIO* bio) {
  char* data = nullptr;
  const long size = BIO_get_mem_data(bio, &data);
  return std::string(data, static_cast<std::size_t>(size));
}

}  // namespace

Result<Endorser> Endorser::load(std::string_view key_pem, std::string_view cert_pem) {
  auto impl = std::make_unique<Impl>();
  const BioPtr bio(BIO_new_mem_buf(key_pem.data(), static_cast<int>(key_pem.size())));
  check(bio != nullptr, "OpenSSL has no memory");
  impl->key.reset(PEM_read_bio_PrivateKey(bio.get(), nullptr, no_passphrase, nullptr));
  ERR_clear_error();
  if (impl->key == nullptr) {
    return Error(Errc::kMalformed, "there is no PEM private key without a passphrase");
  }
  STRATA_TRY(impl->kind, check_key(impl->key.get(), Limits()));
  STRATA_TRY(impl->certificate, read_certificate_pem(cert_pem));
  if (EVP_PKEY_eq(impl->key.get(), impl->certificate.key()) != 1) {
    ERR_clear_error();
    return Error(Errc::kMalformed, "the private key and the certificate do not belong together");
  }
  const std::string& email = impl->certificate.email;
  if (!email.empty() && !is_valid_email(email)) {
    return Error(Errc::kMalformed, "the certificate's e-mail is not an address name@host");
  }
  return Endorser(std::move(impl));
}

Result<Endorser::Pem> Endorser::generate(std::string_view common_name, std::string_view email,
                                         const Clock& clock) {
  if (!is_valid_email(email)) {
    return Error(Errc::kMalformed, "an endorser needs an e-mail address name@host");
  }
  if (common_name.empty() || common_name.size() > kCommonNameMax) {
    return Error(Errc::kMalformed, "an endorser's name has 1 to 64 bytes");
  }
  const KeyPtr key(EVP_EC_gen("P-256"));
  const X509Ptr certificate(X509_new());
  if (key == nullptr || certificate == nullptr ||
      !fill(certificate.get(), key.get(), common_name, email, clock.now())) {
    return failed("make a certificate");
  }
  const BioPtr key_out(BIO_new(BIO_s_mem())), certificate_out(BIO_new(BIO_s_mem()));
  if (PEM_write_bio_PrivateKey(key_out.get(), key.get(), nullptr, nullptr, 0, nullptr, nullptr) !=
          1 ||
      PEM_write_bio_X509(certificate_out.get(), certificate.get()) != 1) {
    return failed("write a certificate");
  }
  return Pem{take(key_out.get()), take(certificate_out.get())};
}

Endorser::Endorser(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Endorser::Endorser(Endorser&&) noexcept = default;
Endorser& Endorser::operator=(Endorser&&) noexcept = default;
Endorser::~Endorser() = default;
const std::string& Endorser::email() const {
  return impl_->certificate.email;
}
const std::string& Endorser::subject() const {
  return impl_->certificate.subject;
}
const std::string& Endorser::issuer() const {
  return impl_->certificate.issuer;
}
const std::string& Endorser::fingerprint() const {
  return impl_->certificate.fingerprint;
}

}  // namespace strata::metadata
