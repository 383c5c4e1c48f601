#include "storage/digest/kernel_hasher.h"

#include <utility>

#include "storage/digest/algorithms.h"
#include "storage/digest/stream.h"

namespace strata::digest {
namespace {

class KernelHasher final : public Hasher {
 public:
  KernelHasher(const Kernel& kernel, std::unique_ptr<Hasher> rest)
      : algorithms_(kernel.algorithms), stream_(kernel.run), rest_(std::move(rest)) {
    check(kernel.supported, "a digest kernel that this processor does not support");
  }

  void update(std::span<const std::byte> data) override {
    if (rest_) rest_->update(data);
    stream_.update(data);
  }

  DigestSet finish() override {
    const DigestSet ours = stream_.finish();
    if (!rest_) return ours;
    DigestSet set = rest_->finish();
    if (has(algorithms_, Algorithms::kSha1)) set.sha1 = ours.sha1;
    if (has(algorithms_, Algorithms::kSha256)) set.sha256 = ours.sha256;
    if (has(algorithms_, Algorithms::kSha512)) set.sha512 = ours.sha512;
    return set;
  }

  Stream* stream() override { return rest_ ? nullptr : &stream_; }

 private:
  const Algorithms algorithms_;
  Stream stream_;
  std::unique_ptr<Hasher> rest_;
};

}  // namespace

std::unique_ptr<Hasher> make_kernel_hasher(const Kernel& kernel, std::unique_ptr<Hasher> rest) {
  return std::make_unique<KernelHasher>(kernel, std::move(rest));
}

}  // namespace strata::digest
