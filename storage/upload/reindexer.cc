#include "storage/upload/reindexer.h"

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <deque>
#include <map>
#include <mutex>
#include <optional>
#include <utility>

#include "storage/upload/index_pass.h"
#include "storage/upload/index_stage.h"
#include "strata/base/log.h"

namespace strata::upload {

namespace {

using Clock = std::chrono::steady_clock;
// A disk that is full or fails may be well again; each try is a pass over the blob.
constexpr std::chrono::minutes kTryAgainAfter{1};

Clock::time_point next_try(const Error& error) {
  const bool passing = error.code() == Errc::kNoSpace || error.code() == Errc::kIo ||
                       error.code() == Errc::kUnavailable;
  return passing ? Clock::now() + kTryAgainAfter : Clock::time_point::max();
}

}  // namespace

struct Reindexer::State : std::enable_shared_from_this<Reindexer::State> {
  State(const Limits& l, IngestPools p, blob::BlobStore& s, Made m)
      : limits(l), pools(p), store(s), made(std::move(m)), files(p.disk) {}

  struct Job {
    BlobId id;
    blob::BlobProperties properties;
  };
  // What one job holds; made, used and let go of in `files`.
  struct Work {
    std::shared_ptr<const blob::BlobReader> reader;
    std::shared_ptr<IndexStage> index;
    std::unique_ptr<IndexPass> pass;
  };

  const Limits& limits;
  const IngestPools pools;
  blob::BlobStore& store;
  const Made made;
  io::SerialQueue files;  // every touch of the store

  std::mutex mutex;
  std::condition_variable idle;
  std::deque<Job> jobs;                        // the first one is under way
  std::map<BlobId, Clock::time_point> failed;  // until when it is not tried again
  bool stopped = false;
  std::optional<Work> work;  // of `files` only

  void start_next() {
    files.post([self = shared_from_this()] { self->begin(); });
  }
  void begin();
  void read(std::uint64_t offset, const std::shared_ptr<io::Block>& block, std::size_t size,
            const std::function<void(const Status&)>& done);
  void end(const BlobId& id, const Status& status);
  [[nodiscard]] bool is_stopped() {
    const std::lock_guard lock(mutex);
    return stopped;
  }
};

void Reindexer::State::begin() {
  Job job;
  {
    const std::lock_guard lock(mutex);
    if (jobs.empty()) return;
    job = jobs.front();
  }
  if (is_stopped()) return end(job.id, Error(Errc::kCancelled, "the daemon stops"));
  auto reader = store.open(job.id);
  if (!reader) return end(job.id, reader.error());
  const auto self = shared_from_this();
  work.emplace();
  work->reader = *std::move(reader);
  work->index = std::make_shared<IndexStage>(
      seek_options(job.properties.encoding, limits), pools.compute,
      [self](std::function<void()> task) { self->files.post(std::move(task)); },
      [self, id = job.id](blob::Side side) { return self->store.begin_side(id, side); },
      [self, id = job.id](const Status& status) { self->end(id, status); });
  log::info("index.begun", {{"blob", job.id.text()}});
  work->pass = std::make_unique<IndexPass>(
      IndexPass::Source{.encoding = job.properties.encoding,
                        .stored_bytes = job.properties.stored.bytes,
                        .stored_sha256 = job.properties.stored.sha256,
                        .read =
                            [self](std::uint64_t offset, std::shared_ptr<io::Block> block,
                                   std::size_t size, std::function<void(const Status&)> done) {
                              self->files.post([self, offset, block = std::move(block), size,
                                                done = std::move(done)] {
                                self->read(offset, block, size, done);
                              });
                            }},
      limits, DecodeStage::Pools{pools.compute, pools.digests, pools.blocks, pools.decoding},
      work->index, [self, id = job.id](const Error& error) {
        self->files.post([self, id, error] { self->end(id, error); });
      });
}

void Reindexer::State::read(std::uint64_t offset, const std::shared_ptr<io::Block>& block,
                            std::size_t size, const std::function<void(const Status&)>& done) {
  if (!work || is_stopped()) return done(Error(Errc::kCancelled, "the daemon stops"));
  const Status status = work->reader->read_at(offset, block->free_space().first(size));
  if (status) block->set_size(size);
  done(status);
}

// In `files`. The first word on a job counts: after an error of its stream its files may have one.
void Reindexer::State::end(const BlobId& id, const Status& status) {
  {
    const std::lock_guard lock(mutex);
    if (jobs.empty() || jobs.front().id != id) return;
  }
  if (work) work->index->close();
  work.reset();
  if (status) {
    log::info("index.made", {{"blob", id.text()}});
    if (made) made(id);
  } else {
    log::error("index.failed", {{"blob", id.text()}, {"error", status.error().message()}});
  }
  const std::lock_guard lock(mutex);
  jobs.pop_front();
  if (!status) failed[id] = next_try(status.error());
  if (!jobs.empty()) start_next();
  idle.notify_all();
}

Reindexer::Reindexer(const Limits& limits, IngestPools pools, blob::BlobStore& store, Made made)
    : state_(std::make_shared<State>(limits, pools, store, std::move(made))) {}

Reindexer::~Reindexer() {
  stop();
}

Reindexer::Answer Reindexer::want(const BlobId& id, const blob::BlobProperties& properties) {
  const std::lock_guard lock(state_->mutex);
  const auto failed = state_->failed.find(id);
  if (failed != state_->failed.end() && Clock::now() < failed->second) return Answer::kFailed;
  const bool known =
      std::ranges::any_of(state_->jobs, [&](const auto& job) { return job.id == id; });
  if (known || state_->stopped) return Answer::kUnderWay;
  state_->jobs.push_back({id, properties});
  if (state_->jobs.size() == 1) state_->start_next();
  return Answer::kUnderWay;
}

void Reindexer::stop() {
  {
    const std::lock_guard lock(state_->mutex);
    state_->stopped = true;
  }
  wait();
}

void Reindexer::wait() {
  std::unique_lock lock(state_->mutex);
  state_->idle.wait(lock, [&] { return state_->jobs.empty(); });
}

}  // namespace strata::upload
