#pragma once

#include <memory>

#include "storage/upload/decode_stage.h"
#include "storage/upload/index_stage.h"

namespace strata::upload {

// Makes the index of bytes that are all in a file: of an upload that an earlier process had decoded
// a part of, or of a blob whose index is missing, damaged or of another version. Reads them,
// decodes and indexes, in bounded memory, sharing the pools with uploads.
class IndexPass {
 public:
  struct Source {
    codec::Encoding encoding;
    std::uint64_t stored_bytes;
    Sha256Digest stored_sha256;
    DecodeStage::Read read;
  };
  // What the stream itself is wrong with; the files' errors are IndexStage's to report.
  using Fail = std::function<void(const Error&)>;

  // Starts at once. `index` is new; its Done says when all is durable.
  IndexPass(const Source& source, const Limits& limits, DecodeStage::Pools pools,
            std::shared_ptr<IndexStage> index, Fail fail);

 private:
  std::unique_ptr<DecodeStage> decoder_;
};

}  // namespace strata::upload
