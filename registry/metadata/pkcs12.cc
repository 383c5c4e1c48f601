#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/pkcs12.h>
#include <openssl/provider.h>

#include "registry/metadata/certificate.h"
#include "strata/metadata/document.h"

namespace strata::metadata {
namespace {

struct Pkcs12Free {
  void operator()(PKCS12* p12) const { PKCS12_free(p12); }
  void operator()(OSSL_LIB_CTX* context) const { OSSL_LIB_CTX_free(context); }
  void operator()(OSSL_PROVIDER* provider) const { OSSL_PROVIDER_unload(provider); }
};
using Pkcs12Ptr = std::unique_ptr<PKCS12, Pkcs12Free>;

// Grid certificates are still exported with RC2 and triple DES. Those ciphers are there for this
// file alone: in a context of its own, which nothing that verifies ever sees.
class LegacyContext {
 public:
  LegacyContext() : context_(OSSL_LIB_CTX_new()) {
    check(context_ != nullptr, "OpenSSL has no memory");
    usual_.reset(OSSL_PROVIDER_load(context_.get(), "default"));
    legacy_.reset(OSSL_PROVIDER_load(context_.get(), "legacy"));
    ERR_clear_error();  // one that is not installed: then old files are not read
  }
  [[nodiscard]] OSSL_LIB_CTX* get() const { return context_.get(); }

 private:
  std::unique_ptr<OSSL_LIB_CTX, Pkcs12Free> context_;  // first: the providers go before it
  std::unique_ptr<OSSL_PROVIDER, Pkcs12Free> usual_, legacy_;
};

struct Contents {
  KeyPtr key;
  X509Ptr certificate;
};

Error unreadable() {
  const bool password = ERR_GET_REASON(ERR_peek_last_error()) == PKCS12_R_MAC_VERIFY_FAILURE;
  ERR_clear_error();
  return Error(Errc::kMalformed, password ? "the password of the PKCS#12 file is wrong"
                                          : "the PKCS#12 file cannot be decrypted: the password is "
                                            "wrong, or its cipher is not known here");
}

Result<Contents> open_pkcs12(std::string_view der, const std::string& password,
                             OSSL_LIB_CTX* context) {
  // d2i fills it and keeps its context; on failure it frees it.
  PKCS12* raw = PKCS12_init_ex(NID_pkcs7_data, context, nullptr);
  check(raw != nullptr, "OpenSSL has no memory");
  const auto* at = reinterpret_cast<const unsigned char*>(der.data());
  const Pkcs12Ptr p12(d2i_PKCS12(&raw, &at, static_cast<long>(der.size())));
  if (p12 == nullptr) {
    ERR_clear_error();
    return Error(Errc::kMalformed, "it is no PKCS#12 file");
  }
  EVP_PKEY* key = nullptr;
  X509* certificate = nullptr;
  ERR_clear_error();
  if (PKCS12_parse(p12.get(), password.c_str(), &key, &certificate, nullptr) != 1) {
    return unreadable();
  }
  Contents contents{KeyPtr(key), X509Ptr(certificate)};
  ERR_clear_error();
  if (key == nullptr || certificate == nullptr) {
    return Error(Errc::kMalformed, "the PKCS#12 file must hold a private key and its certificate");
  }
  return contents;
}

// PEM in memory that is wiped afterwards.
class PemText {
 public:
  PemText() : bio_(BIO_new(BIO_s_mem())) { check(bio_ != nullptr, "OpenSSL has no memory"); }
  ~PemText() {
    char* data = nullptr;
    const long size = BIO_get_mem_data(bio_.get(), &data);
    OPENSSL_cleanse(data, static_cast<std::size_t>(size));
  }
  PemText(const PemText&) = delete;
  PemText& operator=(const PemText&) = delete;

  [[nodiscard]] BIO* bio() const { return bio_.get(); }
  [[nodiscard]] std::string_view view() const {
    char* data = nullptr;
    const long size = BIO_get_mem_data(bio_.get(), &data);
    return {data, static_cast<std::size_t>(size)};
  }

 private:
  BioPtr bio_;
};

}  // namespace

// Through PEM, so that a key from there passes the same checks, and lives in the usual context.
Result<Endorser> Endorser::load_pkcs12(std::string_view der, const std::string& password) {
  const LegacyContext context;
  STRATA_TRY(const Contents contents, open_pkcs12(der, password, context.get()));
  const PemText key, certificate;
  const bool written = PEM_write_bio_PrivateKey(key.bio(), contents.key.get(), nullptr, nullptr, 0,
                                                nullptr, nullptr) == 1 &&
                       PEM_write_bio_X509(certificate.bio(), contents.certificate.get()) == 1;
  ERR_clear_error();
  if (!written) return Error(Errc::kMalformed, "the key of the PKCS#12 file cannot be used");
  return load(key.view(), certificate.view());
}

}  // namespace strata::metadata
