#include "storage/upload/digest_stage.h"

#include <atomic>

namespace strata::upload {

struct DigestStage::State {
  std::unique_ptr<digest::Hasher> sha512 = digest::make_hasher(digest::kSplit[0]);
  std::unique_ptr<digest::Hasher> sha1_sha256 = digest::make_hasher(digest::kSplit[1]);
  codec::DiskProbe probe;
  DigestSet sha512_part, sha1_sha256_part;
  codec::DiskInfo disk;
  std::atomic<int> parts_left{2};
  std::function<void(const Found&)> done;

  void part_finished() {
    if (parts_left.fetch_sub(1, std::memory_order_acq_rel) != 1) return;
    done({digest::join(sha512_part, sha1_sha256_part), disk});
    done = nullptr;
  }
};

DigestStage::DigestStage(io::WorkerPool& compute)
    : state_(std::make_shared<State>()), sha512_queue_(compute), sha1_sha256_queue_(compute) {}

void DigestStage::submit(const std::shared_ptr<const io::Block>& block, bool probe) {
  sha512_queue_.post([state = state_, block] { state->sha512->update(block->bytes()); });
  sha1_sha256_queue_.post([state = state_, block, probe] {
    state->sha1_sha256->update(block->bytes());
    if (probe) state->probe.update(block->bytes());
  });
}

void DigestStage::finish(std::function<void(const Found&)> done) {
  state_->done = std::move(done);
  sha512_queue_.post([state = state_] {
    state->sha512_part = state->sha512->finish();
    state->part_finished();
  });
  sha1_sha256_queue_.post([state = state_] {
    state->sha1_sha256_part = state->sha1_sha256->finish();
    state->disk = state->probe.finish();
    state->part_finished();
  });
}

}  // namespace strata::upload
