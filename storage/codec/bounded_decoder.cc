#include "storage/codec/bounded_decoder.h"

#include <algorithm>
#include <string>
#include <utility>

namespace strata::codec {
namespace {

class BoundedDecoder final : public Decoder {
 public:
  BoundedDecoder(std::unique_ptr<Decoder> inner, std::uint64_t output_bytes_max)
      : inner_(std::move(inner)), limit_(output_bytes_max) {}

  Result<Step> step(std::span<const std::byte> in, std::span<std::byte> out) override {
    const std::uint64_t left = limit_ - produced_;
    if (out.size() > left) out = out.first(static_cast<std::size_t>(left) + 1);
    STRATA_TRY(const Step step, inner_->step(in, out));
    if (step.produced > left) return limit_error("the decoded size", limit_, "bytes");
    produced_ += step.produced;
    return step;
  }

  Status finish() override { return inner_->finish(); }

 private:
  std::unique_ptr<Decoder> inner_;
  std::uint64_t limit_;
  std::uint64_t produced_ = 0;
};

}  // namespace

std::unique_ptr<Decoder> bound_output(std::unique_ptr<Decoder> inner,
                                      std::uint64_t output_bytes_max) {
  return std::make_unique<BoundedDecoder>(std::move(inner), output_bytes_max);
}

Error limit_error(std::string_view what, std::uint64_t limit, std::string_view unit) {
  return Error(Errc::kDecompressionLimit, std::string(what) + " is over the limit of " +
                                              std::to_string(limit) + " " + std::string(unit));
}

Error corrupt_error(Errc code, std::string_view what, std::uint64_t offset) {
  return Error(code, std::string(what) + " (at decoded offset " + std::to_string(offset) + ")");
}

}  // namespace strata::codec
