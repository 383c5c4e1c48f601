#include "strata/digest/hasher.h"

#include <algorithm>
#include <string>

#include "storage/digest/kernel_hasher.h"
#include "storage/digest/kernels.h"
#include "storage/digest/lane_kernels.h"

namespace strata::digest {
namespace {

std::string describe() {
  if (const Kernel* all = best_kernel(Algorithms::kAll)) return std::string(all->name);
  if (const Kernel* pair = best_kernel(Algorithms::kSha1Sha256)) {
    return std::string(pair->name) + ", openssl sha-512";  // without AVX2
  }
  return "openssl sha-1, sha-256, sha-512";
}

}  // namespace

std::unique_ptr<Hasher> make_hasher(Algorithms algorithms) {
  const Kernel* own = best_kernel(algorithms);
  if (own != nullptr && own->beats_openssl) return make_kernel_hasher(*own);
  if (algorithms == Algorithms::kAll) {
    if (const Kernel* pair = best_kernel(Algorithms::kSha1Sha256)) {
      return make_kernel_hasher(*pair, make_hasher(Algorithms::kSha512));
    }
  }
  return make_openssl_hasher(algorithms);
}

std::unique_ptr<Hasher> make_lane_hasher(Algorithms algorithms) {
  const auto kernels = sha512_lane_kernels();
  const bool lanes = std::ranges::any_of(kernels, [](const auto& k) { return k.supported; });
  if (lanes) return make_resumable_hasher(algorithms);
  return make_hasher(algorithms);
}

std::string_view hasher_description() {
  static const std::string kDescription = describe();
  return kDescription;
}

bool all_in_one_pass() {
  return best_kernel(Algorithms::kAll) != nullptr;
}

DigestSet digest_of(std::span<const std::byte> data) {
  const auto hasher = make_hasher(Algorithms::kAll);
  hasher->update(data);
  return hasher->finish();
}

std::span<const Algorithms> engine_parts() {
  static constexpr Algorithms kWhole[] = {Algorithms::kAll};
  if (all_in_one_pass()) return kWhole;
  return kSplit;
}

DigestSet join(std::span<const DigestSet> parts) {
  check(!parts.empty() && parts.size() <= std::size(kSplit), "join() of more parts than there are");
  return parts.size() == 1 ? parts.front() : join(parts.front(), parts.back());
}

DigestSet join(const DigestSet& sha512_part, const DigestSet& sha1_sha256_part) {
  check(sha512_part.bytes == sha1_sha256_part.bytes, "join() of digests of different streams");
  DigestSet joined = sha1_sha256_part;
  joined.sha512 = sha512_part.sha512;
  return joined;
}

}  // namespace strata::digest
