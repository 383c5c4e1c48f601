#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>

// Words as FIPS 180-4 writes them, most significant byte first. Compilers make one load and one
// byte swap of each loop.
namespace strata::digest {

template <typename Word>
[[nodiscard]] inline Word in_big_endian(Word word) {
  static_assert(sizeof(Word) == 4 || sizeof(Word) == 8);
  if constexpr (std::endian::native == std::endian::big) return word;
  if constexpr (sizeof(Word) == 4) return __builtin_bswap32(word);
  return static_cast<Word>(__builtin_bswap64(word));
}

template <typename Word>
[[nodiscard]] inline Word load_big_endian(const std::byte* from) {
  Word word;
  std::memcpy(&word, from, sizeof word);
  return in_big_endian(word);
}

template <typename Word>
inline void store_big_endian(void* to, Word word) {
  word = in_big_endian(word);
  std::memcpy(to, &word, sizeof word);
}

}  // namespace strata::digest
