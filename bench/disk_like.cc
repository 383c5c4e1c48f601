#include "bench/disk_like.h"

#include <array>
#include <random>
#include <span>
#include <string_view>

namespace strata::bench {

std::vector<std::byte> disk_like(std::size_t size) {
  constexpr std::array<std::string_view, 8> kWords = {"package ",
                                                      "usr/share/",
                                                      "\x7f"
                                                      "ELF",
                                                      "lib",
                                                      "version: ",
                                                      "\n",
                                                      "0.1",
                                                      "depends "};
  std::vector<std::byte> bytes;
  bytes.reserve(size + 65'536 + 4096);
  std::mt19937_64 random(1);
  while (bytes.size() < size) {
    const auto kind = random() % 8;
    for (std::size_t end = bytes.size() + 65'536; bytes.size() < end;) {
      if (kind == 0) bytes.insert(bytes.end(), 4096, std::byte{0});
      if (kind == 1) bytes.push_back(static_cast<std::byte>(random()));
      if (kind < 2) continue;
      const auto word = std::as_bytes(std::span(kWords[random() % kWords.size()]));
      bytes.insert(bytes.end(), word.begin(), word.end());
      bytes.push_back(static_cast<std::byte>(random() % 64));
    }
  }
  bytes.resize(size);
  return bytes;
}

}  // namespace strata::bench
