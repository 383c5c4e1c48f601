#include "storage/upload/index_stage.h"

#include <atomic>
#include <string>
#include <utility>

#include "strata/base/log.h"

namespace strata::upload {
namespace {

// What one task of the indexer has put out, on its way to the disk.
struct Output {
  std::string index;
  std::string copy;
  bool copy_dropped = false;
  [[nodiscard]] bool empty() const { return index.empty() && copy.empty() && !copy_dropped; }
};

class Collector final : public codec::SeekSink {
 public:
  void append_index(std::string bytes) override { output_.index += bytes; }
  void append_copy(std::string bytes) override { output_.copy += bytes; }
  void drop_copy() override {
    output_.copy.clear();
    output_.copy_dropped = true;
  }
  [[nodiscard]] Output take() { return std::exchange(output_, {}); }

 private:
  Output output_;
};

}  // namespace

codec::SeekIndexerOptions seek_options(codec::Encoding encoding, const Limits& limits) {
  return {.encoding = encoding,
          .copy = limits.seek_copy_bytes_max > 0 ? codec::CopyPolicy::kWhenNeeded
                                                 : codec::CopyPolicy::kNever,
          .copy_bytes_max = limits.seek_copy_bytes_max};
}

struct IndexStage::State : std::enable_shared_from_this<IndexStage::State> {
  State(const codec::SeekIndexerOptions& options, io::WorkerPool& compute, Post p, Begin b, Done d)
      : queue(compute),
        indexer(options, collector),
        identity(options.encoding == codec::Encoding::kIdentity),
        post(std::move(p)),
        begin(std::move(b)),
        done(std::move(d)) {}

  io::SerialQueue queue;

  // --- touched by the tasks of `queue` only
  Collector collector;
  codec::SeekIndexer indexer;
  const bool identity;
  std::atomic<bool> no_room_for_copy{false};  // set by posted tasks

  // --- touched by posted tasks only
  Post post;
  Begin begin;
  Done done;
  std::unique_ptr<blob::SideWriter> index;
  std::unique_ptr<blob::SideWriter> copy;
  bool needs_copy = false;  // the tables speak of one

  // `block` is held until the output is written.
  void write(std::shared_ptr<const io::Block> block) {
    Output output = collector.take();
    if (output.empty()) return;
    post([self = shared_from_this(), output = std::move(output), block = std::move(block)] {
      if (!self->done) return;
      if (const Status written = self->append(output); !written) self->end(written);
    });
  }

  Status append(const Output& output) {
    if (output.copy_dropped) copy.reset();
    if (Status ok = append_copy(output.copy); !ok) return ok;
    return append_to(index, blob::Side::kSeekIndex, output.index);
  }

  // A copy is a convenience: without room for it the image is kept, and has no ranges.
  Status append_copy(const std::string& bytes) {
    if (no_room_for_copy) return {};
    const Status status = append_to(copy, blob::Side::kSeekCopy, bytes);
    if (status || status.error().code() != Errc::kNoSpace) return status;
    log::warn("seek_copy.no_room", {{"error", status.error().message()}});
    copy.reset();
    no_room_for_copy = true;
    return {};
  }

  Status append_to(std::unique_ptr<blob::SideWriter>& side, blob::Side kind,
                   const std::string& bytes) {
    if (bytes.empty()) return {};
    if (!side) {
      STRATA_TRY(side, begin(kind));
    }
    return side->append(std::as_bytes(std::span(bytes)));
  }

  // What was put out must be written before the tables are made: they may not speak of a copy that
  // there was no room for.
  void finish(std::uint64_t stored_bytes, const Sha256Digest& sha256) {
    post([self = shared_from_this(), stored_bytes, sha256] {
      self->queue.post([self, stored_bytes, sha256] { self->write_tables(stored_bytes, sha256); });
    });
  }

  void write_tables(std::uint64_t stored_bytes, const Sha256Digest& sha256) {
    if (no_room_for_copy) indexer.give_up_copy();
    const codec::SeekIndex found = indexer.finish(stored_bytes, sha256);
    // An identity image needs an index only for its zeros.
    if (identity && found.zero_runs.empty()) (void)collector.take();
    write(nullptr);
    post([self = shared_from_this(), copied = found.copy_bytes > 0] {
      self->needs_copy = copied;
      if (self->done) self->end(self->commit());
    });
  }

  // The copy first: an index must not speak of one that is not there. If even its end did not fit,
  // there is no index, and it is made again when it is asked for.
  Status commit() {
    if (needs_copy && !copy) return {};
    if (copy) {
      if (Status ok = copy->commit(); !ok) return ok;
    }
    if (index) return index->commit();
    return {};
  }

  void end(const Status& status) {
    copy.reset();
    index.reset();
    const Done callback = std::exchange(done, nullptr);
    callback(status);
  }
};

IndexStage::IndexStage(const codec::SeekIndexerOptions& options, io::WorkerPool& compute, Post post,
                       Begin begin, Done done)
    : state_(std::make_shared<State>(options, compute, std::move(post), std::move(begin),
                                     std::move(done))) {}

IndexStage::~IndexStage() = default;

void IndexStage::place(codec::Decoder::Entry entry) {
  state_->queue.post([state = state_, entry = std::move(entry)]() mutable {
    state->indexer.place(std::move(entry.state), entry.consumed, entry.produced);
  });
}

void IndexStage::update(std::shared_ptr<const io::Block> decoded, std::uint64_t consumed) {
  state_->queue.post([state = state_, decoded = std::move(decoded), consumed] {
    if (state->no_room_for_copy) state->indexer.give_up_copy();
    state->indexer.update(decoded->bytes(), consumed);
    state->write(decoded);
  });
}

void IndexStage::finish(std::uint64_t stored_bytes, const Sha256Digest& stored_sha256) {
  state_->queue.post([state = state_, stored_bytes, stored_sha256] {
    state->finish(stored_bytes, stored_sha256);
  });
}

void IndexStage::close() {
  state_->done = nullptr;
  state_->copy.reset();
  state_->index.reset();
}

}  // namespace strata::upload
