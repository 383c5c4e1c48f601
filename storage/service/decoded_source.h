#pragma once

#include <atomic>
#include <memory>

#include "storage/blob/blob_store.h"
#include "storage/http/server.h"
#include "strata/base/limits.h"
#include "strata/codec/decoder.h"
#include "strata/io/block.h"

namespace strata::storage {

// One place among limits.decoded_streams_max; counts itself while it lives.
class StreamPlace {
 public:
  explicit StreamPlace(std::atomic<std::size_t>& taken) : taken_(taken), number_(++taken) {}
  ~StreamPlace() { --taken_; }
  StreamPlace(const StreamPlace&) = delete;
  StreamPlace& operator=(const StreamPlace&) = delete;
  [[nodiscard]] std::size_t number() const { return number_; }

 private:
  std::atomic<std::size_t>& taken_;
  const std::size_t number_;
};

// The decoded view of an encoded blob as one sequential stream: stored bytes are read on the disk
// pool, decoded on the compute pool. What the format's own checksums find ends the response
// in mid-body (the connection is cut), as does a stream of another length than was recorded: the
// last bytes are handed out only after the checksums behind them hold.
class DecodedSource final : public http::ContentSource {
 public:
  DecodedSource(std::unique_ptr<StreamPlace> place, std::shared_ptr<const blob::BlobReader> reader,
                const blob::BlobProperties& properties, const Limits& limits, io::WorkerPool& disk,
                io::WorkerPool& compute);
  [[nodiscard]] std::optional<Slice> slice(std::uint64_t) const override { return std::nullopt; }
  [[nodiscard]] http::Awaitable<Result<std::size_t>> read_some(std::uint64_t offset,
                                                               std::span<std::byte> out) override;

 private:
  [[nodiscard]] Result<std::size_t> decode(std::span<std::byte> out);
  [[nodiscard]] http::Awaitable<Result<std::size_t>> produce(std::span<std::byte> out);
  [[nodiscard]] Status refill();

  std::unique_ptr<StreamPlace> place_;
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
