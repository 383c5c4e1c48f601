#include "strata/digest/hasher.h"

namespace strata::digest {

std::unique_ptr<Hasher> make_hasher(Algorithms algorithms) {
  return make_openssl_hasher(algorithms);
}

std::string_view hasher_description() {
  return "openssl sha-1, sha-256, sha-512";
}

DigestSet digest_of(std::span<const std::byte> data) {
  const auto hasher = make_hasher(Algorithms::kAll);
  hasher->update(data);
  return hasher->finish();
}

DigestSet join(const DigestSet& sha512_part, const DigestSet& sha1_sha256_part) {
  check(sha512_part.bytes == sha1_sha256_part.bytes, "join() of digests of different streams");
  DigestSet joined = sha1_sha256_part;
  joined.sha512 = sha512_part.sha512;
  return joined;
}

}  // namespace strata::digest
