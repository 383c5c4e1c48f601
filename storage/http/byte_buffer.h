#pragma once

#include <algorithm>
#include <cstddef>
#include <cstring>
#include <memory>
#include <span>
#include <string_view>

namespace strata::http {

// Bytes that are appended at the end and consumed at the front; growing never fills with zeros.
class ByteBuffer {
 public:
  [[nodiscard]] std::string_view view() const { return {data_.get() + begin_, end_ - begin_}; }
  [[nodiscard]] std::size_t size() const { return end_ - begin_; }
  [[nodiscard]] bool empty() const { return begin_ == end_; }
  [[nodiscard]] std::size_t capacity() const { return capacity_; }

  // Room for at least `n` more bytes; what is written there counts after commit(). Invalidates
  // views.
  [[nodiscard]] std::span<char> reserve(std::size_t n) {
    if (capacity_ - end_ < n) make_room(n);
    return {data_.get() + end_, capacity_ - end_};
  }
  void commit(std::size_t n) { end_ += n; }
  void append(std::string_view text) {
    if (text.empty()) return;
    std::memcpy(reserve(text.size()).data(), text.data(), text.size());
    commit(text.size());
  }
  void consume(std::size_t n) {
    begin_ += n;
    if (begin_ == end_) begin_ = end_ = 0;
  }
  void truncate(std::size_t size) { end_ = begin_ + size; }
  // The `n` bytes from position `at`, to be overwritten.
  [[nodiscard]] std::span<char> part(std::size_t at, std::size_t n) {
    return {data_.get() + begin_ + at, n};
  }
  void clear() { begin_ = end_ = 0; }
  // Gives memory back when it is empty and larger than `keep`: idle connections are many.
  void release(std::size_t keep) {
    if (!empty() || capacity_ <= keep) return;
    data_.reset();
    capacity_ = 0;
  }

 private:
  void make_room(std::size_t n) {
    const std::size_t held = size();
    if (capacity_ - held >= n) {
      std::memmove(data_.get(), data_.get() + begin_, held);
    } else {
      const std::size_t capacity = std::max({held + n, capacity_ * 2, std::size_t{1024}});
      auto grown = std::make_unique_for_overwrite<char[]>(capacity);
      if (held > 0) std::memcpy(grown.get(), data_.get() + begin_, held);
      data_ = std::move(grown);
      capacity_ = capacity;
    }
    begin_ = 0;
    end_ = held;
  }

  std::unique_ptr<char[]> data_;
  std::size_t capacity_ = 0;
  std::size_t begin_ = 0;
  std::size_t end_ = 0;
};

}  // namespace strata::http
