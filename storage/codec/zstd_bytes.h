#pragma once

#include <zstd.h>

#include <cstddef>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

// Single zstd frames in memory: the states of a seek index, the frames of a seekable copy.
namespace strata::codec {

// Level 1: on states and on disk images it is within a tenth of level 3's size at twice its speed.
class ZstdCompressor {
 public:
  ZstdCompressor();
  // One frame, which says its decoded size.
  [[nodiscard]] std::string compress(std::span<const std::byte> data);

 private:
  struct Free {
    void operator()(ZSTD_CCtx* context) const { ::ZSTD_freeCCtx(context); }
  };
  std::unique_ptr<ZSTD_CCtx, Free> context_;
};

// The bytes of exactly one frame that says its decoded size; nullopt when it is damaged, or says
// more than `bytes_max`.
[[nodiscard]] std::optional<std::vector<std::byte>> decompress(std::span<const std::byte> frame,
                                                               std::size_t bytes_max);

}  // namespace strata::codec
