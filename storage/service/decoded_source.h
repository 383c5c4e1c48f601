#pragma once

#include <memory>

#include "storage/blob/blob_store.h"
#include "storage/http/server.h"
#include "strata/base/limits.h"
#include "strata/codec/decoder.h"
#include "strata/io/block.h"

namespace strata::storage {

// The decoded view of an encoded blob as one sequential stream: stored bytes are read on the disk
// pool, decoded on the compute pool. What the format's own checksums find ends the response
// in mid-body (the connection is cut), as does a stream of another length than was recorded: the
// last bytes are handed out only after the checksums behind them hold.
class DecodedSource final : public http::ContentSource {
 public:
  DecodedSource(std::shared_ptr<const blob::BlobReader> reader,
                const blob::BlobProperties& properties, const Limits& limits, io::WorkerPool& disk,
                io::WorkerPool& compute);
  [[nodiscard]] std::optional<Slice> slice(std::uint64_t) const override { return std::nullopt; }
  [[nodiscard]] http::Awaitable<Result<std::size_t>> read_some(std::uint64_t offset,
                                                               std::span<std::byte> out) override;

 private:
  [[nodiscard]] Result<std::size_t> decode(std::span<std::byte> out);
  [[nodiscard]] http::Awaitable<Result<std::size_t>> produce(std::span<std::byte> out);
  [[nodiscard]] Status refill();

  std::shared_ptr<const blob::BlobReader> reader_;
  const std::uint64_t decoded_bytes_;
  io::WorkerPool& disk_;
  io::WorkerPool& compute_;
  std::unique_ptr<codec::Decoder> decoder_;
  io::Block input_;
  std::size_t input_used_ = 0;
  std::uint64_t read_ = 0;      // stored bytes taken from the reader
  std::uint64_t produced_ = 0;  // decoded bytes handed out
  bool ended_ = false;
};

}  // namespace strata::storage
