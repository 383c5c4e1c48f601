#include "storage/upload/digest_stage.h"

#include <atomic>
#include <vector>

namespace strata::upload {

struct DigestStage::State {
  struct Part {
    std::unique_ptr<digest::Hasher> hasher;
    DigestSet found;
  };
  std::vector<Part> parts;
  codec::DiskProbe probe;  // fed with the last part
  codec::DiskInfo disk;
  std::atomic<std::size_t> parts_left{0};
  std::function<void(const Found&)> done;

  State() {
    if (digest::all_in_one_pass()) {
      parts.push_back({digest::make_hasher(digest::Algorithms::kAll), {}});
    } else {
      for (const auto algorithms : digest::kSplit) {
        parts.push_back({digest::make_hasher(algorithms), {}});
      }
    }
    parts_left = parts.size();
  }

  void part_finished() {
    if (parts_left.fetch_sub(1, std::memory_order_acq_rel) != 1) return;
    const DigestSet all =
        parts.size() == 1 ? parts[0].found : digest::join(parts[0].found, parts[1].found);
    done({all, disk});
    done = nullptr;
  }
};

DigestStage::DigestStage(io::WorkerPool& compute) : state_(std::make_shared<State>()) {
  for (std::size_t i = 0; i < state_->parts.size(); ++i) queues_.emplace_back(compute);
}

void DigestStage::submit(const std::shared_ptr<const io::Block>& block, bool probe) {
  for (std::size_t i = 0; i < queues_.size(); ++i) {
    const bool probes = probe && i + 1 == queues_.size();
    queues_[i].post([state = state_, block, i, probes] {
      state->parts[i].hasher->update(block->bytes());
      if (probes) state->probe.update(block->bytes());
    });
  }
}

void DigestStage::finish(std::function<void(const Found&)> done) {
  state_->done = std::move(done);
  for (std::size_t i = 0; i < queues_.size(); ++i) {
    queues_[i].post([state = state_, i] {
      State::Part& part = state->parts[i];
      part.found = part.hasher->finish();
      if (i + 1 == state->parts.size()) state->disk = state->probe.finish();
      state->part_finished();
    });
  }
}

}  // namespace strata::upload
