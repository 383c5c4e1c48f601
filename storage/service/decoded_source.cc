#include "storage/service/decoded_source.h"

#include <algorithm>
#include <array>

namespace strata::storage {

DecodedSource::DecodedSource(std::unique_ptr<StreamPlace> place,
                             std::shared_ptr<const blob::BlobReader> reader,
                             const blob::BlobProperties& properties, const Limits& limits,
                             io::WorkerPool& disk, io::WorkerPool& compute)
    : place_(std::move(place)),
      reader_(std::move(reader)),
      decoded_bytes_(properties.decoded.bytes),
      disk_(disk),
      compute_(compute),
      decoder_(codec::make_decoder(properties.encoding, codec::DecoderLimits::from(limits))) {}

Status DecodedSource::refill() {
  const std::uint64_t left = reader_->size() - read_;
  const auto n = static_cast<std::size_t>(std::min<std::uint64_t>(left, io::kBlockBytes));
  input_.set_size(0);
  if (const Status status = reader_->read_at(read_, input_.free_space().first(n)); !status) {
    return status;
  }
  input_.set_size(n);
  input_used_ = 0;
  read_ += n;
  return {};
}

Result<std::size_t> DecodedSource::decode(std::span<std::byte> out) {
  STRATA_TRY(const auto step, decoder_->step(input_.bytes().subspan(input_used_), out));
  input_used_ += step.consumed;
  return step.produced;
}

// At least one decoded byte, or 0 at the end, when every checksum of the format holds.
http::Awaitable<Result<std::size_t>> DecodedSource::produce(std::span<std::byte> out) {
  for (;;) {
    if (input_used_ == input_.size() && read_ < reader_->size()) {
      const Status status = co_await http::run_on(disk_, [this] { return refill(); });
      if (!status) co_return status.error();
    }
    const auto produced = co_await http::run_on(compute_, [this, out] { return decode(out); });
    if (!produced || *produced > 0) co_return produced;
    if (input_used_ == input_.size() && read_ == reader_->size()) {
      if (const Status status = decoder_->finish(); !status) co_return status.error();
      co_return std::size_t{0};
    }
  }
}

http::Awaitable<Result<std::size_t>> DecodedSource::read_some(std::uint64_t offset,
                                                              std::span<std::byte> out) {
  check(offset == produced_, "a decoded stream is read in order");
  if (ended_) co_return std::size_t{0};
  STRATA_CO_TRY(const std::size_t produced, co_await produce(out));
  produced_ += produced;
  std::size_t beyond = 0;
  if (produced_ == decoded_bytes_ && produced > 0) {
    std::array<std::byte, 64> nothing;
    STRATA_CO_TRY(beyond, co_await produce(nothing));
  }
  ended_ = produced == 0 || produced_ == decoded_bytes_;
  if (beyond > 0 || produced_ > decoded_bytes_ || (ended_ && produced_ != decoded_bytes_)) {
    co_return Error(Errc::kCorruptData, "the decoded view does not have its recorded size");
  }
  co_return produced;
}

}  // namespace strata::storage
