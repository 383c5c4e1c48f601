#include "storage/digest/resumable_hasher.h"

#include "storage/digest/algorithms.h"
#include "storage/digest/saved_state.h"
#include "storage/digest/stream.h"

namespace strata::digest {
namespace {

class KernelResumableHasher final : public ResumableHasher {
 public:
  KernelResumableHasher(const SavedState& from, const BlockFunctions& run)
      : algorithms_(from.algorithms), stream_(run, from.stream) {}

  void update(std::span<const std::byte> data) override {
    check(!ended_, "update() of a hasher that has finished");
    stream_.update(data);
  }

  DigestSet finish() override {
    check(!ended_, "finish() of a hasher that has finished");
    ended_ = true;
    return stream_.finish();
  }

  [[nodiscard]] Algorithms algorithms() const override { return algorithms_; }
  [[nodiscard]] std::uint64_t bytes() const override { return stream_.state().bytes; }

  [[nodiscard]] std::string save() const override {
    check(!ended_, "save() of a hasher that has finished");
    return encode_state({algorithms_, stream_.state()});
  }

  Stream* stream() override {
    check(!ended_, "stream() of a hasher that has finished");
    return &stream_;
  }

 private:
  const Algorithms algorithms_;
  Stream stream_;
  bool ended_ = false;
};

}  // namespace

std::unique_ptr<ResumableHasher> make_resumable_hasher(Algorithms algorithms,
                                                       const BlockFunctions& run) {
  check(is_valid(algorithms), "a hasher without algorithms, or with unknown ones");
  return std::make_unique<KernelResumableHasher>(SavedState{algorithms, {}}, run);
}

std::unique_ptr<ResumableHasher> make_resumable_hasher(Algorithms algorithms) {
  return make_resumable_hasher(algorithms, own_functions(algorithms));
}

Result<std::unique_ptr<ResumableHasher>> restore_hasher(std::span<const std::byte> saved,
                                                        const BlockFunctions& run) {
  STRATA_TRY(const SavedState state, decode_state(saved));
  return std::unique_ptr<ResumableHasher>(std::make_unique<KernelResumableHasher>(state, run));
}

Result<std::unique_ptr<ResumableHasher>> restore_hasher(std::span<const std::byte> saved) {
  STRATA_TRY(const SavedState state, decode_state(saved));
  return std::unique_ptr<ResumableHasher>(
      std::make_unique<KernelResumableHasher>(state, own_functions(state.algorithms)));
}

}  // namespace strata::digest
