#include "storage/upload/journal.h"

#include <condition_variable>
#include <deque>
#include <future>
#include <mutex>
#include <optional>
#include <thread>
#include <utility>

#include "storage/upload/journal_file.h"
#include "storage/upload/journal_format.h"
#include "strata/base/log.h"

namespace strata::upload {
namespace {

// One write and one sync are for at most about this much; the rest of the queue waits for the next.
constexpr std::size_t kWriteBytes = std::size_t{8} << 20;

struct Append {
  std::string records;  // none for a barrier
  bool puts = false;
  std::optional<Error> refused;  // known before it is written; told in its turn
  Journal::Done done;
};

Append encoded(const std::vector<Journal::Change>& changes, Journal::Done done) {
  Append append{{}, false, {}, std::move(done)};
  std::size_t size = 0;
  for (const auto& change : changes) {
    size += kPutBytes + change.value.size();
    if (change.value.size() <= Journal::kValueBytesMax && size <= Journal::kAppendBytesMax)
      continue;
    append.refused = Error(Errc::kTooLarge, "more than one record of the upload journal may hold");
    return append;
  }
  append.records.reserve(size);
  for (const auto& change : changes) {
    if (change.kind == Journal::Change::Kind::kPut) {
      append.puts = true;
      encode_put(change.session, change.slot, change.value, append.records);
    } else {
      encode_removal(change.session, append.records);
    }
  }
  return append;
}

}  // namespace

struct Journal::State {
  io::FileSystem& fs;
  const Options options;
  JournalFile file;
  std::uint64_t rewrite_above = 0;  // the writing thread's: no rewrite below this size

  mutable std::mutex mutex;
  std::condition_variable wake;
  std::deque<Append> queue;
  std::size_t queued_bytes = 0;
  bool stopping = false;
  bool healthy = false;
  Figures figures;

  std::thread thread;  // last: it uses all of the above

  State(io::FileSystem& file_system, Options o)
      : fs(file_system),
        options(std::move(o)),
        file(file_system, options.directory),
        rewrite_above(options.rewrite_bytes_min) {}

  Status rewrite();
  void rewrite_if_worth_it();
  void refuse_what_the_disk_has_no_room_for(std::vector<Append>& batch) const;
  Status write(const std::vector<Append>& batch);
  void commit(std::vector<Append> batch);
  void run();
};

// All of `batch` and of what was queued behind it before anyone could know, in this order.
void Journal::State::commit(std::vector<Append> batch) {
  refuse_what_the_disk_has_no_room_for(batch);
  const Status status = write(batch);
  {
    const std::lock_guard lock(mutex);
    healthy = file.appendable();
    if (!status) {
      for (Append& append : queue) batch.push_back(std::move(append));
      queue.clear();
      queued_bytes = 0;
    } else {
      for (const Append& append : batch) {
        if (!append.refused && !append.records.empty()) ++figures.appends;
      }
    }
  }
  for (Append& append : batch) {
    append.done(append.refused ? Status(*append.refused) : status);
    append.done = nullptr;
  }
}

Status Journal::State::write(const std::vector<Append>& batch) {
  if (!file.appendable()) {
    if (auto status = rewrite(); !status) return status;
  }
  std::vector<std::string> groups;
  for (const Append& append : batch) {
    if (!append.refused && !append.records.empty()) groups.push_back(append.records);
  }
  if (groups.empty()) return {};
  auto status = file.append(groups);
  if (!status) {
    log::error("journal.failed", {{"error", status.error().message()}});
    return status;
  }
  const std::lock_guard lock(mutex);
  ++figures.groups;
  return status;
}

void Journal::State::refuse_what_the_disk_has_no_room_for(std::vector<Append>& batch) const {
  if (options.disk_reserve_bytes == 0) return;
  const auto free = fs.free_bytes(options.directory);
  std::uint64_t needed = options.disk_reserve_bytes;
  for (Append& append : batch) {
    if (append.refused || !append.puts) continue;
    if (!free) {
      append.refused = free.error();
    } else if (*free < needed + append.records.size()) {
      append.refused = Error(Errc::kNoSpace, "the disk has " + std::to_string(*free) +
                                                 " bytes free, uploads leave " +
                                                 std::to_string(options.disk_reserve_bytes));
    } else {
      needed += append.records.size();
    }
  }
}

Status Journal::State::rewrite() {
  const std::uint64_t before = file.sizes().file_bytes;
  auto status = file.rewrite();
  const auto sizes = file.sizes();
  const std::lock_guard lock(mutex);
  healthy = file.appendable();
  if (!status) {
    log::error("journal.rewrite_failed", {{"error", status.error().message()}});
    return status;
  }
  ++figures.rewrites;
  log::debug("journal.rewritten", {{"bytes_before", before}, {"bytes", sizes.file_bytes}});
  return {};
}

void Journal::State::rewrite_if_worth_it() {
  const auto sizes = file.sizes();
  if (!file.appendable() || sizes.file_bytes <= rewrite_above) return;
  if (sizes.live_bytes >= sizes.file_bytes / 2) return;
  // After a failure not at every append, but when as much again was written.
  const bool worked = rewrite().has_value();
  rewrite_above = worked ? options.rewrite_bytes_min : sizes.file_bytes + options.rewrite_bytes_min;
}

void Journal::State::run() {
  std::unique_lock lock(mutex);
  while (true) {
    wake.wait(lock, [this] { return stopping || !queue.empty(); });
    if (queue.empty()) return;
    std::vector<Append> batch;
    std::size_t size = 0;
    while (!queue.empty() && size < kWriteBytes) {
      size += queue.front().records.size();
      batch.push_back(std::move(queue.front()));
      queue.pop_front();
    }
    queued_bytes -= size;
    lock.unlock();
    commit(std::move(batch));
    rewrite_if_worth_it();
    lock.lock();
  }
}

Journal::Journal(std::unique_ptr<State> state) : state_(std::move(state)) {
  state_->thread = std::thread([s = state_.get()] { s->run(); });
}

Journal::~Journal() {
  {
    const std::lock_guard lock(state_->mutex);
    state_->stopping = true;
  }
  state_->wake.notify_one();
  state_->thread.join();
}

Result<std::unique_ptr<Journal>> Journal::open(io::FileSystem& fs, Options options) {
  if (auto made = fs.make_directories(options.directory); !made) return made.error();
  auto state = std::make_unique<State>(fs, std::move(options));
  if (auto loaded = state->file.load(); !loaded) return loaded.error();
  (void)state->rewrite();  // logged; not healthy when it failed
  return std::unique_ptr<Journal>(new Journal(std::move(state)));
}

void Journal::append(std::vector<Change> changes, Done done) {
  Append append = encoded(changes, std::move(done));
  changes.clear();
  {
    const std::lock_guard lock(state_->mutex);
    check(!state_->stopping, "an append to a journal that is being destroyed");
    if (state_->queued_bytes + append.records.size() > kQueuedBytesMax) {
      append.records.clear();
      append.refused = Error(Errc::kUnavailable, "the disk does not keep up with the uploads");
    }
    state_->queued_bytes += append.records.size();
    state_->queue.push_back(std::move(append));
  }
  state_->wake.notify_one();
}

Status Journal::append_and_wait(std::vector<Change> changes) {
  std::promise<Status> told;
  append(std::move(changes), [&told](const Status& status) { told.set_value(status); });
  return told.get_future().get();
}

Result<std::string> Journal::read(const RandomId& session, Slot slot) const {
  return state_->file.read(session, slot);
}

std::vector<RandomId> Journal::sessions() const {
  return state_->file.sessions();
}

bool Journal::healthy() const {
  const std::lock_guard lock(state_->mutex);
  return state_->healthy;
}

Status Journal::heal() {
  return healthy() ? Status() : append_and_wait({});
}

Journal::Figures Journal::figures() const {
  const auto sizes = state_->file.sizes();
  const std::lock_guard lock(state_->mutex);
  Figures figures = state_->figures;
  figures.file_bytes = sizes.file_bytes;
  figures.live_bytes = sizes.live_bytes;
  return figures;
}

}  // namespace strata::upload
