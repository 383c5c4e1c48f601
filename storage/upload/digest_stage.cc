#include "storage/upload/digest_stage.h"

#include <atomic>
#include <vector>

namespace strata::upload {

struct DigestStage::State {
  struct Part {
    std::shared_ptr<digest::Hasher> hasher;
    digest::ResumableHasher* resumable = nullptr;  // the same one, when it can be saved
    DigestSet found;
  };
  std::vector<Part> parts;
  codec::DiskProbe probe;  // fed with the last part
  codec::DiskInfo disk;
  std::atomic<std::size_t> parts_left{0};
  std::function<void(const Found&)> done;

  void add(std::unique_ptr<digest::Hasher> hasher) { parts.push_back({std::move(hasher), {}, {}}); }
  void add(std::unique_ptr<digest::ResumableHasher> hasher) {
    auto* resumable = hasher.get();
    parts.push_back({std::move(hasher), resumable, {}});
  }

  void part_finished() {
    if (parts_left.fetch_sub(1, std::memory_order_acq_rel) != 1) return;
    std::vector<DigestSet> found;
    for (const Part& part : parts) found.push_back(part.found);
    done({digest::join(found), disk});
    done = nullptr;
  }
};

DigestStage::DigestStage(digest::Engine& engine, std::shared_ptr<State> state)
    : state_(std::move(state)) {
  for (const State::Part& part : state_->parts) queues_.emplace_back(engine, part.hasher);
}

DigestStage::DigestStage(digest::Engine& engine, Kind kind)
    : DigestStage(engine, [kind] {
        auto state = std::make_shared<State>();
        const auto add = [&](digest::Algorithms algorithms) {
          if (kind == Kind::kResumable)
            return state->add(digest::make_resumable_hasher(algorithms));
          state->add(digest::make_hasher(algorithms));
        };
        for (const auto algorithms : digest::engine_parts()) add(algorithms);
        return state;
      }()) {}

DigestStage::DigestStage(DigestStage&&) noexcept = default;
DigestStage& DigestStage::operator=(DigestStage&&) noexcept = default;
DigestStage::~DigestStage() = default;

// The states say how the work was split when they were saved; it goes on like that.
Result<DigestStage> DigestStage::restore(digest::Engine& engine, const Saved& saved) {
  const Error wrong(Errc::kCorruptData, "the saved digests of an upload do not fit together");
  auto state = std::make_shared<State>();
  for (const std::string& part : saved.digests) {
    STRATA_TRY(auto hasher, digest::restore_hasher(std::as_bytes(std::span(part))));
    const auto expected = saved.digests.size() == 1 ? digest::Algorithms::kAll
                                                    : digest::kSplit[state->parts.size() % 2];
    if (hasher->bytes() != saved.bytes || hasher->algorithms() != expected) return wrong;
    state->add(std::move(hasher));
  }
  if (state->parts.empty() || state->parts.size() > 2) return wrong;
  STRATA_TRY(state->probe, codec::DiskProbe::restore(std::as_bytes(std::span(saved.probe))));
  if (state->probe.bytes() != saved.bytes) return wrong;
  return DigestStage(engine, std::move(state));
}

void DigestStage::submit(const std::shared_ptr<const io::Block>& block) {
  for (digest::Engine::Queue& queue : queues_) queue.update(block);
  queues_.back().post([state = state_, block] { state->probe.update(block->bytes()); });
}

void DigestStage::save(std::function<void(Saved)> done) {
  struct Saving {
    Saved saved;
    std::atomic<std::size_t> parts_left;
    std::function<void(Saved)> done;
  };
  auto saving = std::make_shared<Saving>();
  saving->saved.digests.resize(queues_.size());
  saving->parts_left = queues_.size();
  saving->done = std::move(done);
  for (std::size_t i = 0; i < queues_.size(); ++i) {
    queues_[i].post([state = state_, saving, i] {
      const State::Part& part = state->parts[i];
      check(part.resumable != nullptr, "save of digests that were made to run once");
      saving->saved.digests[i] = part.resumable->save();
      if (i + 1 == state->parts.size()) {
        saving->saved.bytes = part.resumable->bytes();
        saving->saved.probe = state->probe.save();
      }
      if (saving->parts_left.fetch_sub(1, std::memory_order_acq_rel) == 1) {
        saving->done(std::move(saving->saved));
      }
    });
  }
}

void DigestStage::finish(std::function<void(const Found&)> done) {
  state_->done = std::move(done);
  state_->parts_left = queues_.size();
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
