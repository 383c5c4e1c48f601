#pragma once

#include <algorithm>
#include <boost/asio/awaitable.hpp>
#include <cstring>
#include <string_view>
#include <vector>

#include "storage/upload/uploads.h"

namespace strata::test {

// An AppendSource that gives a text, in pieces, as a request does.
class AppendText final : public upload::AppendSource {
 public:
  explicit AppendText(std::string_view text, ExpectedDigests expected = {})
      : rest_(text), expected_(expected) {}

  boost::asio::awaitable<Result<std::size_t>> read_some(std::span<std::byte> out) override {
    const std::size_t n = std::min({out.size(), rest_.size(), kPiece});
    std::memcpy(out.data(), rest_.data(), n);
    rest_.remove_prefix(n);
    co_return n;
  }
  Result<ExpectedDigests> expected() const override { return expected_; }
  boost::asio::awaitable<Status> acknowledged(std::uint64_t offset) override {
    acknowledged_.push_back(offset);
    co_return Status();
  }
  [[nodiscard]] const std::vector<std::uint64_t>& told() const { return acknowledged_; }

 private:
  static constexpr std::size_t kPiece = 100'003;
  std::string_view rest_;
  ExpectedDigests expected_;
  std::vector<std::uint64_t> acknowledged_;
};

}  // namespace strata::test
