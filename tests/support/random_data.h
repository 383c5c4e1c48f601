#pragma once

#include <cstddef>
#include <cstdio>
#include <cstring>
#include <random>
#include <vector>

// Random input for property tests, different in every run; failures name seed().
namespace strata::test {

class RandomData {
 public:
  RandomData() { std::fprintf(stderr, "seed %u\n", seed_); }

  [[nodiscard]] unsigned seed() const { return seed_; }
  [[nodiscard]] std::mt19937_64& engine() { return engine_; }
  // 0 ... limit - 1
  [[nodiscard]] std::size_t below(std::size_t limit) {
    return std::uniform_int_distribution<std::size_t>(0, limit - 1)(engine_);
  }
  // In a heap block of exactly this size, so that AddressSanitizer sees a read past either end.
  [[nodiscard]] std::vector<std::byte> bytes(std::size_t size) {
    std::vector<std::byte> bytes(size);
    for (std::size_t at = 0; at < size; at += 8) {
      const auto word = engine_();
      std::memcpy(&bytes[at], &word, size - at < 8 ? size - at : 8);
    }
    return bytes;
  }

 private:
  const unsigned seed_ = std::random_device()();
  std::mt19937_64 engine_{seed_};
};

}  // namespace strata::test
