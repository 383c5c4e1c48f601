#pragma once

#include <atomic>
#include <memory>
#include <mutex>
#include <optional>
#include <string>

#include "storage/upload/decode_stage.h"
#include "storage/upload/digest_stage.h"
#include "storage/upload/index_pass.h"
#include "storage/upload/index_stage.h"
#include "storage/upload/ingest.h"
#include "storage/upload/notifier.h"

// The inside of Ingest, shared by its parts; nobody else includes it.
namespace strata::upload {

struct Ingest::State : std::enable_shared_from_this<Ingest::State> {
  State(const Limits& l, IngestPools p, std::unique_ptr<blob::BlobWriter> w, Mode m, UnixMillis c)
      : limits(l),
        pools(p),
        mode(m),
        created(c),
        offset(w->size()),
        writer(std::move(w)),
        writes(p.disk),
        stored(p.digests, digest_kind()) {
    if (mode != Mode::kOnce) writer->keep();
  }

  const Limits& limits;
  IngestPools pools;
  const Mode mode;
  const UnixMillis created;

  // Of the one who submits; others read them for figures only.
  std::atomic<std::uint64_t> offset;
  std::atomic<std::uint64_t> processed{0};
  std::uint64_t unverified_from = 0;  // where unverified bytes begin, if there are any
  bool unverified = false;
  std::optional<codec::Encoding> encoding;
  std::string head;  // the first bytes, until there are enough to tell the encoding

  std::unique_ptr<blob::BlobWriter> writer;  // used by the tasks of `writes` until finish()
  io::SerialQueue writes;
  DigestStage stored;
  std::atomic<std::size_t> blocks_out{0};
  std::atomic<std::size_t> syncs{0};  // running beside the writes
  std::atomic<bool> cancelled{false};
  std::atomic<std::uint64_t> read_back{0};
  Notifier changed;

  mutable std::mutex mutex;
  std::shared_ptr<DecodeStage> decoder;  // shared by whoever calls it at the moment
  std::shared_ptr<IndexStage> index;     // likewise; saw the view from its beginning, or `pass`
  std::unique_ptr<IndexPass> pass;       // reads what the first one did not see
  bool indexing = false;                 // the last stage
  std::uint64_t released = 0;            // believed and in the file
  std::optional<Error> error;            // the first one
  DigestStage::Found stored_found, decoded_found;
  int stages_left = 0;

  [[nodiscard]] DigestStage::Kind digest_kind() const {
    return mode == Mode::kOnce ? DigestStage::Kind::kOnce : DigestStage::Kind::kResumable;
  }
  [[nodiscard]] std::shared_ptr<DecodeStage> current_decoder() const {
    const std::lock_guard lock(mutex);
    return decoder;
  }
  void set_decoder(std::shared_ptr<DecodeStage> stage) {
    const std::lock_guard lock(mutex);
    decoder = std::move(stage);
    if (decoder) decoder->release(released);
  }

  void fail(const Error& first) {
    {
      const std::lock_guard lock(mutex);
      if (!error) error = first;
    }
    changed.notify();
  }
  [[nodiscard]] Status status() const {
    const std::lock_guard lock(mutex);
    if (error) return *error;
    return {};
  }
  // Behind the others comes the index, which needs to know what the bytes are.
  void stage_done() {
    bool next = false;
    {
      const std::lock_guard lock(mutex);
      if (--stages_left == 0 && !indexing) {
        next = indexing = true;
        stages_left = 1;
      }
    }
    if (next) finish_index();
    changed.notify();
  }
  [[nodiscard]] bool all_stages_done() const {
    const std::lock_guard lock(mutex);
    return stages_left == 0;
  }

  // What the decoder calls. Weak: it is part of this state, which must not keep itself alive.
  [[nodiscard]] DecodeStage::Done decoded_callback() {
    return [weak = weak_from_this()](const Result<DigestStage::Found>& found) {
      const auto self = weak.lock();
      if (!self) return;
      if (!found) return self->fail(found.error());
      {
        const std::lock_guard lock(self->mutex);
        self->decoded_found = *found;
      }
      self->stage_done();
    };
  }
  [[nodiscard]] DecodeStage::Read read_callback() {
    return [weak = weak_from_this()](std::uint64_t at, std::shared_ptr<io::Block> block,
                                     std::size_t size, std::function<void(const Status&)> done) {
      const auto self = weak.lock();
      if (!self) return done(Error(Errc::kCancelled, "the upload was closed"));
      self->read_back += size;
      self->read(at, std::move(block), size, std::move(done));
    };
  }

  // In the queue of the writes: what is read was written before, and a closed writer is not
  // touched.
  void read(std::uint64_t at, std::shared_ptr<io::Block> block, std::size_t size,
            std::function<void(const Status&)> done) {
    if (cancelled) return done(Error(Errc::kCancelled, "the upload was closed"));
    writes.post(
        [self = shared_from_this(), at, block = std::move(block), size, done = std::move(done)] {
          if (self->cancelled || !self->writer) {
            return done(Error(Errc::kCancelled, "the upload was closed"));
          }
          const Status read = self->writer->read_at(at, block->free_space().first(size));
          if (read) block->set_size(size);
          done(read);
        });
  }

  // --- the index (ingest_index.cc)
  [[nodiscard]] std::shared_ptr<IndexStage> make_index();
  [[nodiscard]] std::shared_ptr<IndexStage> current_index() const {
    const std::lock_guard lock(mutex);
    return index;
  }
  void index_head();    // the bytes that were processed before the encoding was known
  void finish_index();  // everything is in the file, and known
  void stop_pass();     // not in a queue: it needs the compute pool, which may go before the disk's
  void close_index();   // in the queue of the writes

  // Finds the encoding as soon as the first bytes are there; `ended`: there will be no more.
  void find_encoding(std::span<const std::byte> more, bool ended) {
    if (encoding) return;
    const auto wanted = std::min(more.size(), codec::kMagicBytes - head.size());
    head.append(reinterpret_cast<const char*>(more.data()), wanted);
    if (head.size() < codec::kMagicBytes && !ended) return;
    set_encoding(codec::detect_encoding(std::as_bytes(std::span(head))));
    if (encoding == codec::Encoding::kIdentity && processed > 0) index_head();
  }
  void set_encoding(codec::Encoding found) {
    encoding = found;
    const auto stage = make_index();
    if (found == codec::Encoding::kIdentity) return;
    set_decoder(std::make_shared<DecodeStage>(
        found, digest_kind(), limits,
        DecodeStage::Pools{pools.compute, pools.digests, pools.blocks, pools.decoding},
        read_callback(), stage, decoded_callback()));
  }
  // Digests and decoder get a block whose bytes are, or will be, at `processed` in the file.
  void process(const std::shared_ptr<io::Block>& block) {
    if (mode == Mode::kKeepOnly) return;
    find_encoding(block->bytes(), false);
    stored.submit(block);
    if (const auto stage = current_decoder()) {
      stage->submit(processed, block);
    } else if (const auto seen = current_index()) {
      seen->update(block, 0);
    }
    processed += block->size();
  }

  void write(std::shared_ptr<io::Block> block, bool believed) {
    offset += block->size();
    writes.post([self = shared_from_this(), block = std::move(block), believed] {
      if (self->cancelled || !self->status()) return;
      if (const Status status = self->writer->append(block->bytes()); !status) {
        return self->fail(status.error());
      }
      if (believed) self->release(self->writer->size());
    });
  }

  void release(std::uint64_t size) {
    const std::lock_guard lock(mutex);
    released = std::max(released, size);
    if (decoder) decoder->release(released);
  }

  // From here on digests and decoder go on where the checkpoint says; what cannot be used is done
  // again from the file. On a disk thread.
  Status restore(const Checkpoint& checkpoint);
  void restore_decoder(const Checkpoint& checkpoint);

  void finish() {
    find_encoding({}, true);
    const auto stage = current_decoder();
    {
      const std::lock_guard lock(mutex);
      stages_left = stage ? 3 : 2;
    }
    if (stage) stage->finish(offset);
    stored.finish([self = shared_from_this()](const DigestStage::Found& found) {
      {
        const std::lock_guard lock(self->mutex);
        self->stored_found = found;
      }
      self->stage_done();
    });
    writes.post([self = shared_from_this()] { self->stage_done(); });
  }

  blob::BlobProperties properties() const {
    const std::lock_guard lock(mutex);
    const bool identity = *encoding == codec::Encoding::kIdentity;
    const DigestStage::Found& decoded = identity ? stored_found : decoded_found;
    return {stored_found.digests, decoded.digests, *encoding, decoded.disk, created};
  }
};

}  // namespace strata::upload
