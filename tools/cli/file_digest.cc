#include "tools/cli/file_digest.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <filesystem>
#include <future>
#include <memory>
#include <optional>
#include <semaphore>
#include <system_error>
#include <thread>

#include "strata/codec/decoder.h"
#include "strata/digest/hasher.h"
#include "strata/io/block.h"
#include "strata/io/worker_pool.h"

namespace strata::cli {
namespace {

constexpr int kBlocksInFlight = 4;  // of one view: one is filled, one digested, two wait
// Fills the lanes of each thread; more files would only want more memory: 4 MiB each, and 4 MiB
// with a decoder (limits.h says what that may take) for those that are encoded, one for each
// thread.
constexpr std::size_t kFilesPerThread = 16;
constexpr std::size_t kFilesMax = 64;  // 256 MiB of blocks
// Results that wait for those of a slow file before them, some hundred bytes each.
constexpr std::ptrdiff_t kFilesAheadMax = 1024;

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

// One of a bounded number, while it lives.
class Permit {
 public:
  explicit Permit(std::counting_semaphore<>& permits) : permits_(permits) { permits_.acquire(); }
  ~Permit() { permits_.release(); }
  Permit(const Permit&) = delete;
  Permit& operator=(const Permit&) = delete;

 private:
  std::counting_semaphore<>& permits_;
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

// One view's digests by the engine; blocks wait in bounded number.
class ViewDigest {
 public:
  ViewDigest(const digest::Engine& engine, io::BlockPool& blocks, bool with_others)
      : blocks_(blocks) {
    for (const auto algorithms : digest::engine_parts()) {
      const std::shared_ptr<digest::Hasher> hasher =
          with_others ? digest::make_lane_hasher(algorithms) : digest::make_hasher(algorithms);
      parts_.push_back({hasher, digest::Engine::Queue(engine, hasher)});
    }
  }
  ~ViewDigest() { wait_until_idle(); }
  ViewDigest(const ViewDigest&) = delete;
  ViewDigest& operator=(const ViewDigest&) = delete;

  // An empty block, when one of the bounded number is free.
  [[nodiscard]] std::shared_ptr<io::Block> take() {
    slots_->acquire();
    return blocks_.take([](void* slots) { static_cast<Slots*>(slots)->release(); }, slots_);
  }
  void update(const std::shared_ptr<io::Block>& block) {
    for (Part& part : parts_) part.queue.update(block);
  }
  [[nodiscard]] DigestSet finish() {
    wait_until_idle();
    std::vector<DigestSet> found;
    for (const Part& part : parts_) found.push_back(part.hasher->finish());
    return digest::join(found);
  }

 private:
  using Slots = std::counting_semaphore<kBlocksInFlight>;
  struct Part {
    std::shared_ptr<digest::Hasher> hasher;
    digest::Engine::Queue queue;
  };

  // When every slot is free, every block is back and nothing uses the hashers.
  void wait_until_idle() {
    for (int i = 0; i < kBlocksInFlight; ++i) slots_->acquire();
    slots_->release(kBlocksInFlight);
  }

  std::shared_ptr<Slots> slots_ = std::make_shared<Slots>(kBlocksInFlight);  // shared with blocks
  io::BlockPool& blocks_;
  std::vector<Part> parts_;
};

// The decoded view, fed with stored blocks.
class DecodedView {
 public:
  DecodedView(codec::Encoding encoding, const Limits& limits, const digest::Engine& engine,
              io::BlockPool& blocks, bool with_others)
      : decoder_(codec::make_decoder(encoding, codec::DecoderLimits::from(limits))),
        digest_(engine, blocks, with_others) {}

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

FileDigester::FileDigester(const Limits& limits)
    : limits_(limits),
      blocks_(2 * kBlocksInFlight),
      pool_("digest", io::usable_cpus()),
      engine_(pool_, metrics_),
      decoders_(static_cast<std::ptrdiff_t>(pool_.threads())) {}

Result<FileDigest> FileDigester::digest(const std::string& path) {
  return digest(path, false);
}

Result<FileDigest> FileDigester::digest(const std::string& path, bool with_others) {
  const Descriptor file(path == "-" ? STDIN_FILENO : open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (file.value() < 0) return errno_error(errno, path);
  ViewDigest stored(engine_, blocks_, with_others);
  FileDigest found;
  std::optional<Permit> decoding;
  std::unique_ptr<DecodedView> decoded;
  codec::DiskProbe probe;
  for (bool first = true;; first = false) {
    auto block = stored.take();
    if (const Status status = read_block(file.value(), path, *block); !status)
      return status.error();
    if (first) {
      found.encoding = codec::detect_encoding(block->bytes());
      if (found.encoding != codec::Encoding::kIdentity) {
        decoding.emplace(decoders_);
        decoded =
            std::make_unique<DecodedView>(found.encoding, limits_, engine_, blocks_, with_others);
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

void FileDigester::digest_all(const std::vector<std::string>& paths, const Done& done) {
  if (paths.size() == 1) return done(paths[0], digest(paths[0], false));
  std::vector<std::promise<Result<FileDigest>>> found(paths.size());
  std::atomic<std::size_t> next{0};
  std::counting_semaphore<> ahead(kFilesAheadMax);  // of the one that `done` gets next
  const auto read = [&] {
    for (;;) {
      ahead.acquire();
      const std::size_t at = next++;
      if (at >= paths.size()) return ahead.release();  // for the readers that wait
      found[at].set_value(digest(paths[at], true));
    }
  };
  std::vector<std::jthread> readers;
  const std::size_t at_once =
      std::min({pool_.threads() * kFilesPerThread, kFilesMax, paths.size()});
  try {
    for (std::size_t i = 0; i < at_once; ++i) readers.emplace_back(read);
  } catch (const std::system_error&) {  // no more threads for this user: those that there are do it
    if (readers.empty()) throw;
  }
  for (std::size_t i = 0; i < paths.size(); ++i) {
    done(paths[i], found[i].get_future().get());
    ahead.release();
  }
}

Result<FileDigest> digest_file(const std::string& path, const Limits& limits) {
  return FileDigester(limits).digest(path);
}

namespace {

void expand(const std::filesystem::path& folder, const std::function<void(const Error&)>& failed,
            std::vector<std::string>& files) {
  std::error_code error;
  std::vector<std::filesystem::directory_entry> entries;
  for (auto it = std::filesystem::directory_iterator(folder, error);
       !error && it != std::filesystem::directory_iterator(); it.increment(error)) {
    entries.push_back(*it);
  }
  if (error) failed(errno_error(error.value(), "reading the folder " + folder.string()));
  std::ranges::sort(entries);
  for (const auto& entry : entries) {
    const auto type = entry.symlink_status(error).type();
    if (error) failed(errno_error(error.value(), entry.path().string()));
    if (type == std::filesystem::file_type::directory) expand(entry.path(), failed, files);
    if (type == std::filesystem::file_type::regular) files.push_back(entry.path().string());
  }
}

}  // namespace

std::vector<std::string> expand_folders(const std::vector<std::string>& paths,
                                        const std::function<void(const Error&)>& failed) {
  std::vector<std::string> files;
  for (const std::string& path : paths) {
    std::error_code unknown;  // what it is shows when it is opened
    if (path != "-" && std::filesystem::is_directory(path, unknown)) {
      expand(path, failed, files);
    } else {
      files.push_back(path);
    }
  }
  return files;
}

}  // namespace strata::cli
