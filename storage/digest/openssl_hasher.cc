#include <openssl/evp.h>

#include <array>
#include <memory>

#include "storage/digest/algorithms.h"
#include "strata/digest/hasher.h"

namespace strata::digest {
namespace {

// A failure here means that OpenSSL has no SHA-1/2 at all (a FIPS-only configuration without them,
// or no memory for a few hundred bytes): there is no digest service without it.
void require(int ok, std::string_view call) {
  check(ok == 1, call);
}

const EVP_MD* fetch(const char* name) {
  // Never freed: fetched once, used until the process ends.
  const EVP_MD* md = EVP_MD_fetch(nullptr, name, nullptr);
  check(md != nullptr, "OpenSSL offers no SHA-1, SHA-256 or SHA-512");
  return md;
}

// EVP_sha256() and its like look the implementation up again at each init; a fetched one does not.
const EVP_MD* implementation(Algorithm algorithm) {
  static const std::array<const EVP_MD*, 3> kFetched = {fetch("SHA1"), fetch("SHA256"),
                                                        fetch("SHA512")};
  return kFetched[static_cast<std::size_t>(algorithm)];
}

class Context {
 public:
  explicit Context(Algorithm algorithm) : context_(EVP_MD_CTX_new()) {
    check(context_ != nullptr, "EVP_MD_CTX_new");
    require(EVP_DigestInit_ex2(context_.get(), implementation(algorithm), nullptr),
            "EVP_DigestInit_ex2");
  }
  void update(std::span<const std::byte> data) {
    require(EVP_DigestUpdate(context_.get(), data.data(), data.size()), "EVP_DigestUpdate");
  }
  template <Algorithm A>
  void finish(Digest<A>& out) {
    unsigned size = 0;
    require(EVP_DigestFinal_ex(context_.get(), out.bytes.data(), &size), "EVP_DigestFinal_ex");
    check(size == out.bytes.size(), "digest size");
  }

 private:
  struct Free {
    void operator()(EVP_MD_CTX* context) const { EVP_MD_CTX_free(context); }
  };
  std::unique_ptr<EVP_MD_CTX, Free> context_;
};

class OpensslHasher final : public Hasher {
 public:
  explicit OpensslHasher(Algorithms algorithms) {
    if (has(algorithms, Algorithms::kSha1)) sha1_.emplace(Algorithm::kSha1);
    if (has(algorithms, Algorithms::kSha256)) sha256_.emplace(Algorithm::kSha256);
    if (has(algorithms, Algorithms::kSha512)) sha512_.emplace(Algorithm::kSha512);
  }

  void update(std::span<const std::byte> data) override {
    bytes_ += data.size();
    if (sha1_) sha1_->update(data);
    if (sha256_) sha256_->update(data);
    if (sha512_) sha512_->update(data);
  }

  DigestSet finish() override {
    DigestSet set;
    set.bytes = bytes_;
    if (sha1_) sha1_->finish(set.sha1);
    if (sha256_) sha256_->finish(set.sha256);
    if (sha512_) sha512_->finish(set.sha512);
    return set;
  }

 private:
  std::uint64_t bytes_ = 0;
  std::optional<Context> sha1_;
  std::optional<Context> sha256_;
  std::optional<Context> sha512_;
};

}  // namespace

std::unique_ptr<Hasher> make_openssl_hasher(Algorithms algorithms) {
  return std::make_unique<OpensslHasher>(algorithms);
}

}  // namespace strata::digest
