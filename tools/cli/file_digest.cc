#include "tools/cli/file_digest.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <memory>
#include <semaphore>

#include "strata/codec/decoder.h"
#include "strata/digest/hasher.h"
#include "strata/io/block.h"
#include "strata/io/worker_pool.h"

namespace strata::cli {
namespace {

constexpr int kBlocksInFlight = 6;

class Descriptor {
 public:
  explicit Descriptor(int value) : value_(value) {}
  ~Descriptor() {
    if (value_ > STDIN_FILENO) close(value_);
  }
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  [[nodiscard]] int value() const { return value_; }

 private:
  int value_;
};

Status read_block(int descriptor, const std::string& path, io::Block& block) {
  while (block.size() < io::kBlockBytes) {
    const auto space = block.free_space();
    const ssize_t n = read(descriptor, space.data(), space.size());
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return errno_error(errno, "reading " + path);
    if (n == 0) break;
    block.set_size(block.size() + static_cast<std::size_t>(n));
  }
  return {};
}

// One view's digests, split over two threads; blocks wait in bounded number.
class ViewDigest {
 public:
  explicit ViewDigest(io::WorkerPool& pool) : sha512_queue_(pool), sha1_sha256_queue_(pool) {}
  ~ViewDigest() { wait_until_idle(); }

  // An empty block, when one of the bounded number is free.
  [[nodiscard]] std::shared_ptr<io::Block> take() {
    slots_.acquire();
    return pool_.take([](void* slots) { static_cast<Slots*>(slots)->release(); },
                      std::shared_ptr<void>(&slots_, [](void*) {}));
  }
  void update(const std::shared_ptr<io::Block>& block) {
    sha512_queue_.post([this, block] { sha512_->update(block->bytes()); });
    sha1_sha256_queue_.post([this, block] { sha1_sha256_->update(block->bytes()); });
  }
  [[nodiscard]] DigestSet finish() {
    wait_until_idle();
    return digest::join(sha512_->finish(), sha1_sha256_->finish());
  }

 private:
  using Slots = std::counting_semaphore<kBlocksInFlight>;

  // When every slot is free, every block is back and no task uses the hashers.
  void wait_until_idle() {
    for (int i = 0; i < kBlocksInFlight; ++i) slots_.acquire();
    slots_.release(kBlocksInFlight);
  }

  Slots slots_{kBlocksInFlight};
  io::BlockPool pool_{kBlocksInFlight};
  std::unique_ptr<digest::Hasher> sha512_ = digest::make_hasher(digest::kSplit[0]);
  std::unique_ptr<digest::Hasher> sha1_sha256_ = digest::make_hasher(digest::kSplit[1]);
  io::SerialQueue sha512_queue_;
  io::SerialQueue sha1_sha256_queue_;
};

// The decoded view, fed with stored blocks.
class DecodedView {
 public:
  DecodedView(codec::Encoding encoding, const Limits& limits, io::WorkerPool& pool)
      : decoder_(codec::make_decoder(encoding, codec::DecoderLimits::from(limits))),
        digest_(pool) {}

  [[nodiscard]] Status update(std::span<const std::byte> in) {
    for (bool pending = true; pending || !in.empty();) {
      if (!out_) out_ = digest_.take();
      STRATA_TRY(const auto step, decoder_->step(in, out_->free_space()));
      in = in.subspan(step.consumed);
      out_->set_size(out_->size() + step.produced);
      pending = out_->size() == io::kBlockBytes;
      if (pending) flush();
    }
    return {};
  }
  [[nodiscard]] Status finish(FileDigest& file) {
    if (const Status status = decoder_->finish(); !status) return status;
    if (out_) flush();
    file.decoded = digest_.finish();
    file.disk = probe_.finish();
    return {};
  }

 private:
  void flush() {
    probe_.update(out_->bytes());
    digest_.update(out_);
    out_ = nullptr;
  }
  std::unique_ptr<codec::Decoder> decoder_;
  ViewDigest digest_;
  std::shared_ptr<io::Block> out_;
  codec::DiskProbe probe_;
};

}  // namespace

Result<FileDigest> digest_file(const std::string& path, const Limits& limits) {
  const Descriptor file(path == "-" ? STDIN_FILENO : open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (file.value() < 0) return errno_error(errno, path);
  io::WorkerPool pool("digest", io::usable_cpus());
  ViewDigest stored(pool);
  FileDigest found;
  std::unique_ptr<DecodedView> decoded;
  codec::DiskProbe probe;
  for (bool first = true;; first = false) {
    auto block = stored.take();
    if (const Status status = read_block(file.value(), path, *block); !status)
      return status.error();
    if (first) {
      found.encoding = codec::detect_encoding(block->bytes());
      if (found.encoding != codec::Encoding::kIdentity) {
        decoded = std::make_unique<DecodedView>(found.encoding, limits, pool);
      }
    }
    if (block->size() == 0) break;
    stored.update(block);
    if (!decoded) {
      probe.update(block->bytes());
    } else if (const Status status = decoded->update(block->bytes()); !status) {
      return status.error().in(path);
    }
  }
  found.stored = stored.finish();
  if (!decoded) {
    found.decoded = found.stored;
    found.disk = probe.finish();
    return found;
  }
  if (const Status status = decoded->finish(found); !status) return status.error().in(path);
  return found;
}

}  // namespace strata::cli
