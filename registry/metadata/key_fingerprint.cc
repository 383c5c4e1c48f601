#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/err.h>

#include <array>

#include "registry/metadata/certificate_cache.h"
#include "strata/base/text.h"
#include "strata/metadata/document.h"

namespace strata::metadata {
namespace {

// A number of the key, or nothing where it has none of this name.
std::string number_of(const EVP_PKEY* key, const char* name) {
  BIGNUM* number = nullptr;
  if (EVP_PKEY_get_bn_param(key, name, &number) != 1) return {};
  std::string bytes(static_cast<std::size_t>(BN_num_bytes(number)), '\0');
  BN_bn2bin(number, reinterpret_cast<unsigned char*>(bytes.data()));
  BN_free(number);
  return to_hex(std::span(reinterpret_cast<const std::uint8_t*>(bytes.data()), bytes.size()));
}

// One key can be written in several ways (points compressed or not, with parameters or without),
// and who knows the factors of an RSA modulus has a private key for each exponent. So: what makes
// the key, not its encoding.
std::string identity_of(const EVP_PKEY* key) {
  switch (EVP_PKEY_get_base_id(key)) {
    case EVP_PKEY_RSA:
      return "rsa " + number_of(key, OSSL_PKEY_PARAM_RSA_N);
    case EVP_PKEY_EC: {
      std::array<char, 64> curve{};
      EVP_PKEY_get_group_name(key, curve.data(), curve.size(), nullptr);
      return "ec " + std::string(curve.data()) + " " + number_of(key, OSSL_PKEY_PARAM_EC_PUB_X) +
             " " + number_of(key, OSSL_PKEY_PARAM_EC_PUB_Y);
    }
    default:
      return {};
  }
}

}  // namespace

Result<std::string> key_fingerprint(std::span<const std::uint8_t> certificate) {
  STRATA_TRY(const auto read, shared_certificate(certificate));
  const std::string identity = identity_of(read->key());
  ERR_clear_error();
  if (identity.empty()) return Error(Errc::kMalformed, "a key must be RSA or ECDSA");
  std::array<unsigned char, EVP_MAX_MD_SIZE> digest{};
  unsigned size = 0;
  check(EVP_Digest(identity.data(), identity.size(), digest.data(), &size, EVP_sha256(), nullptr) ==
            1,
        "SHA-256 failed");
  return to_hex(std::span(digest).first(size));
}

}  // namespace strata::metadata
