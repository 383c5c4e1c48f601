#include "storage/codec/xz_jobs.h"

#include <algorithm>
#include <atomic>
#include <cstring>
#include <deque>
#include <mutex>
#include <utility>

#include "strata/base/limits.h"
#include "strata/base/result.h"

namespace strata::codec {
namespace {

// What is gathered and decoded at a time. Also how long a job keeps its thread (7 ms of xz), as
// uploads share threads fairly.
constexpr std::uint64_t kPieceBytes = kMiB;
// For each thread: one that decodes, and one that is gathered by the time it ends.
constexpr std::size_t kJobsPerThread = 2;
// Small blocks: as many more as keep the threads busy until their user has come round.
constexpr std::uint64_t kSmallBytes = 8 * kMiB;

struct Decoded {
  std::unique_ptr<std::uint8_t[]> bytes;
  std::size_t size = 0;
  std::uint64_t stored = 0;  // bytes of the block that it took, from its beginning
};

}  // namespace

struct XzJobs::Job {
  std::vector<std::uint8_t> header;
  lzma_check check;
  XzBlockSizes sizes;
  std::deque<std::vector<std::uint8_t>> stored;
  std::uint64_t gathered = 0;
  std::optional<ParallelDecoding::Share> share;

  // --- guarded by State::mutex from submit() on
  std::deque<Decoded> pieces;
  std::size_t first_taken = 0;  // of the first piece
  std::uint64_t stored_taken = 0;
  std::optional<lzma_ret> code;
  bool begun = false;

  [[nodiscard]] std::uint64_t memory() const { return sizes.stored + sizes.decoded + sizes.memory; }
};

struct XzJobs::State {
  explicit State(io::WorkerPool& p) : pool(p) {}
  io::WorkerPool& pool;
  std::atomic<bool> cancelled{false};
  std::mutex mutex;
  std::deque<std::shared_ptr<Job>> jobs;   // in order, until all of them was taken
  std::deque<std::shared_ptr<Job>> ready;  // of them, those that nobody decodes yet
  std::size_t runners = 0;
  const Job* awaited = nullptr;  // take() found nothing of it
  std::function<void()> wake;

  [[nodiscard]] std::shared_ptr<Job> next_ready() {
    const std::lock_guard lock(mutex);
    if (ready.empty()) {
      --runners;
      return nullptr;
    }
    auto job = std::move(ready.front());
    ready.pop_front();
    return job;
  }

  // More of a job. The caller of `call` holds no lock: it may end in the destruction of everything.
  void publish(Job& job, Decoded piece, std::optional<lzma_ret> code, bool begun) {
    std::function<void()> call;
    {
      const std::lock_guard lock(mutex);
      if (piece.size > 0) job.pieces.push_back(std::move(piece));
      job.code = code;
      job.begun = begun;
      if (awaited == &job) {
        awaited = nullptr;
        call = wake;
      }
    }
    if (call) call();
  }
};

// Decodes one job after the other, a piece at a time. It keeps its coder for them: the dictionary
// of the next is nearly always as large.
class XzJobs::Runner : public std::enable_shared_from_this<Runner> {
 public:
  explicit Runner(std::shared_ptr<State> state) : state_(std::move(state)) {}

  void post() {
    state_->pool.post([self = shared_from_this()] { self->run(); });
  }

 private:
  void run() {
    if (state_->cancelled || (!job_ && !begin_next())) return;
    decode_piece();
    post();
  }

  bool begin_next() {
    job_ = state_->next_ready();
    if (!job_) return false;
    in_ = {};
    stored_used_ = 0;
    decoded_left_ = job_->sizes.decoded;
    // Its memory was compared with the limit before the job was made.
    begun_ = coder_.begin(job_->header, job_->check, UINT64_MAX);
    return true;
  }

  void decode_piece() {
    Decoded piece;
    lzma_ret code = begun_;
    if (code == LZMA_OK) {
      const auto room = static_cast<std::size_t>(std::min(decoded_left_, kPieceBytes));
      piece.bytes = std::make_unique_for_overwrite<std::uint8_t[]>(room);
      code = fill(piece, room);
    }
    const bool ended = code != LZMA_OK;
    state_->publish(*job_, std::move(piece), ended ? std::optional(code) : std::nullopt,
                    begun_ == LZMA_OK);
    if (ended) job_ = nullptr;
  }

  // LZMA_OK when the piece is full and the block should have more. Behind the last decoded byte
  // that the header spoke of, the check is read, without room for more.
  lzma_ret fill(Decoded& piece, std::size_t room) {
    XzBuffers buffers{.in = in_, .out = {piece.bytes.get(), room}};
    lzma_ret code = LZMA_OK;
    bool idle = false;
    while (code == LZMA_OK && (!buffers.out.empty() || room == decoded_left_)) {
      if (buffers.in.empty()) buffers.in = next_stored();
      const XzBuffers before = buffers;
      code = coder_.decode(buffers);
      const std::size_t used = before.in.size() - buffers.in.size();
      stored_used_ += used;
      const bool moved = used > 0 || buffers.out.size() < before.out.size();
      // Twice nothing, as liblzma counts: it wants more than the header spoke of.
      if (code == LZMA_OK && !moved && std::exchange(idle, true)) code = LZMA_DATA_ERROR;
      if (moved) idle = false;
    }
    in_ = buffers.in;
    piece.size = room - buffers.out.size();
    piece.stored = stored_used_;
    decoded_left_ -= piece.size;
    if (code == LZMA_STREAM_END && stored_used_ != job_->sizes.stored) code = LZMA_DATA_ERROR;
    return code;
  }

  // The one before was used up.
  std::span<const std::uint8_t> next_stored() {
    if (stored_used_ > 0 && !job_->stored.empty()) job_->stored.pop_front();
    if (job_->stored.empty()) return {};
    return job_->stored.front();
  }

  std::shared_ptr<State> state_;
  XzBlock coder_;
  std::shared_ptr<Job> job_;
  lzma_ret begun_ = LZMA_OK;
  std::span<const std::uint8_t> in_;  // of the first piece of job_->stored
  std::uint64_t stored_used_ = 0;
  std::uint64_t decoded_left_ = 0;
};

XzJobs::XzJobs(const ParallelDecoding& where)
    : where_(where), state_(std::make_shared<State>(where.pool())) {}

XzJobs::~XzJobs() {
  state_->cancelled = true;
  const std::lock_guard lock(state_->mutex);
  state_->wake = nullptr;
  state_->ready.clear();
  state_->jobs.clear();
}

void XzJobs::set_wake(std::function<void()> wake) {
  const std::lock_guard lock(state_->mutex);
  state_->wake = std::move(wake);
}

bool XzJobs::suits(const XzBlockSizes& sizes) const {
  // Each for itself first: together they could be too large for a number.
  const std::uint64_t most = std::max({sizes.stored, sizes.decoded, sizes.memory});
  return most <= UINT64_MAX / 4 &&
         where_.suits(sizes.decoded, sizes.stored + sizes.decoded + sizes.memory);
}

bool XzJobs::has_room() const {
  const std::lock_guard lock(state_->mutex);
  if (state_->jobs.size() < kJobsPerThread * where_.pool().threads()) return true;
  std::uint64_t bytes = 0;
  for (const auto& job : state_->jobs) bytes += job->sizes.decoded;
  return bytes < kSmallBytes;
}

bool XzJobs::empty() const {
  const std::lock_guard lock(state_->mutex);
  return state_->jobs.empty();
}

void XzJobs::begin(std::span<const std::uint8_t> header, lzma_check check,
                   const XzBlockSizes& sizes) {
  gathering_ = std::make_unique<Job>();
  gathering_->header.assign(header.begin(), header.end());
  gathering_->check = check;
  gathering_->sizes = sizes;
}

std::size_t XzJobs::gather(std::span<const std::uint8_t> in) {
  Job& job = *gathering_;
  in = in.first(std::min<std::uint64_t>(in.size(), job.sizes.stored - job.gathered));
  for (auto rest = in; !rest.empty();) {
    if (job.stored.empty() || job.stored.back().size() == job.stored.back().capacity()) {
      job.stored.emplace_back().reserve(
          static_cast<std::size_t>(std::min(kPieceBytes, job.sizes.stored - job.gathered)));
    }
    auto& piece = job.stored.back();
    const auto part = rest.first(std::min(rest.size(), piece.capacity() - piece.size()));
    piece.insert(piece.end(), part.begin(), part.end());
    job.gathered += part.size();
    rest = rest.subspan(part.size());
  }
  return in.size();
}

bool XzJobs::gathered() const {
  return gathering_->gathered == gathering_->sizes.stored;
}

const XzBlockSizes& XzJobs::gathering() const {
  return gathering_->sizes;
}

bool XzJobs::submit() {
  const std::uint64_t memory = gathering_->memory();
  auto share = where_.take(memory);
  if (!share && !empty()) return false;
  gathering_->share.emplace(share ? *std::move(share) : where_.take_beyond(memory));
  bool start = false;
  {
    const std::lock_guard lock(state_->mutex);
    state_->jobs.push_back(std::move(gathering_));
    state_->ready.push_back(state_->jobs.back());
    start = state_->runners < where_.pool().threads();
    if (start) ++state_->runners;
  }
  if (start) std::make_shared<Runner>(state_)->post();
  return true;
}

XzJobs::Taken XzJobs::take(std::span<std::uint8_t> out) {
  Taken taken;
  std::unique_lock lock(state_->mutex);
  Job& job = *state_->jobs.front();
  while (!job.pieces.empty() && !out.empty()) {
    Decoded& piece = job.pieces.front();  // which the runner does not touch any more
    lock.unlock();
    const std::size_t count = std::min(out.size(), piece.size - job.first_taken);
    std::memcpy(out.data(), piece.bytes.get() + job.first_taken, count);
    out = out.subspan(count);
    taken.bytes += count;
    job.first_taken += count;
    job.stored_taken = piece.stored;
    lock.lock();
    if (job.first_taken < job.pieces.front().size) continue;
    job.pieces.pop_front();
    job.first_taken = 0;
  }
  taken.stored = job.stored_taken;
  if (job.pieces.empty()) {
    taken.code = job.code;
    taken.begun = job.begun;
  }
  state_->awaited = job.pieces.empty() && !job.code ? &job : nullptr;
  return taken;
}

void XzJobs::pop() {
  const std::lock_guard lock(state_->mutex);
  state_->jobs.front()->share.reset();  // its runner may hold it a moment longer
  state_->jobs.pop_front();
}

}  // namespace strata::codec
