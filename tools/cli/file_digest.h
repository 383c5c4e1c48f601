#pragma once

#include <functional>
#include <semaphore>
#include <string>
#include <vector>

#include "strata/base/digest.h"
#include "strata/base/limits.h"
#include "strata/base/metrics.h"
#include "strata/base/result.h"
#include "strata/codec/disk_format.h"
#include "strata/codec/encoding.h"
#include "strata/digest/engine.h"
#include "strata/io/block.h"
#include "strata/io/worker_pool.h"

namespace strata::cli {

// What strata-storage would find out about a file on upload.
struct FileDigest {
  codec::Encoding encoding = codec::Encoding::kIdentity;
  DigestSet stored;
  DigestSet decoded;
  codec::DiskInfo disk;
};

// One pass over each file; the digests run on threads beside the reading and decoding, those of
// several files together.
class FileDigester {
 public:
  // With as many threads as the process may use processors.
  explicit FileDigester(const Limits& limits);

  // "-" = standard input. kNotFound, kIo, kCorrupt*, kDecompressionLimit. Any thread.
  [[nodiscard]] Result<FileDigest> digest(const std::string& path);

  // Several at a time, in bounded memory; `done` gets them in the order of `paths`, on the caller's
  // thread, each as soon as it and those before it are there.
  using Done = std::function<void(const std::string& path, const Result<FileDigest>&)>;
  void digest_all(const std::vector<std::string>& paths, const Done& done);

 private:
  [[nodiscard]] Result<FileDigest> digest(const std::string& path, bool with_others);

  const Limits limits_;
  Metrics metrics_;
  io::BlockPool blocks_;
  io::WorkerPool pool_;
  digest::Engine engine_;
  std::counting_semaphore<> decoders_;  // that may run at a time
};

[[nodiscard]] Result<FileDigest> digest_file(const std::string& path, const Limits& limits);

// Folders replaced by the regular files below them, in order of their names; symbolic links below a
// folder are not followed. `failed` gets a folder that cannot be read.
[[nodiscard]] std::vector<std::string> expand_folders(
    const std::vector<std::string>& paths, const std::function<void(const Error&)>& failed);

}  // namespace strata::cli
