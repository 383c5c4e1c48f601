#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "storage/digest/algorithms.h"
#include "storage/digest/kernels.h"
#include "strata/digest/hasher.h"

// For tests of saved digest states and of the kernels that continue them.
namespace strata::test {

[[nodiscard]] inline std::span<const std::byte> bytes_of(std::string_view text) {
  return std::as_bytes(std::span(text.data(), text.size()));
}

// 0, 1, 2, ..., 255, 0, ...
[[nodiscard]] inline std::string counting_bytes(std::size_t size) {
  std::string bytes(size, '\0');
  for (std::size_t i = 0; i < size; ++i) bytes[i] = static_cast<char>(i);
  return bytes;
}

// The body of a saved state with a checksum that fits, so that what is behind the checksum is seen.
[[nodiscard]] inline std::string sealed(std::string body) {
  const DigestSet sums = digest::digest_of(body);
  return body.append(reinterpret_cast<const char*>(sums.sha256.bytes.data()), 16);
}

// What a hasher of fewer algorithms finds.
[[nodiscard]] inline DigestSet only(DigestSet all, digest::Algorithms algorithms) {
  if (!has(algorithms, digest::Algorithms::kSha1)) all.sha1 = {};
  if (!has(algorithms, digest::Algorithms::kSha256)) all.sha256 = {};
  if (!has(algorithms, digest::Algorithms::kSha512)) all.sha512 = {};
  return all;
}

struct NamedFunctions {
  std::string name;
  digest::BlockFunctions run;
};

// Every way to put this machine's kernels together for exactly these algorithms.
[[nodiscard]] inline std::vector<NamedFunctions> every_way(digest::Algorithms algorithms) {
  using digest::Algorithms;
  if (algorithms == Algorithms{}) return {{"", {}}};
  // Kernels that take the first algorithm that is missing, and every way to do the rest.
  const auto bits = static_cast<unsigned>(algorithms);
  const auto first = static_cast<Algorithms>(bits & (~bits + 1));
  std::vector<NamedFunctions> ways;
  for (const digest::Kernel& kernel : digest::kernels()) {
    if (!kernel.supported || !has(algorithms, kernel.algorithms) || !has(kernel.algorithms, first))
      continue;
    for (const auto& rest : every_way(digest::without(algorithms, kernel.algorithms))) {
      ways.push_back(
          {"[" + std::string(kernel.name) + "]" + rest.name, digest::merged(kernel.run, rest.run)});
    }
  }
  return ways;
}

}  // namespace strata::test
