#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "storage/blob/blob_store.h"
#include "strata/base/ids.h"
#include "strata/base/result.h"
#include "strata/io/file_system.h"

// Names below the root of a local blob store; storage/FORMAT.md is the contract.
namespace strata::blob {

inline constexpr std::string_view kSidecarSuffix = ".json";
// Behind the name of a side that is not whole. It exists in staging only.
inline constexpr std::string_view kUnfinishedSuffix = ".new";

[[nodiscard]] constexpr std::string_view side_suffix(Side side) {
  return side == Side::kSeekIndex ? ".index" : ".copy";
}

struct LocalLayout {
  std::string root;

  [[nodiscard]] std::string format() const { return root + "/format"; }
  [[nodiscard]] std::string staging() const { return root + "/staging"; }
  [[nodiscard]] std::string blobs() const { return root + "/blobs"; }
  // 256 of them, so that no directory grows without end.
  [[nodiscard]] std::string shard(const BlobId& id) const {
    return blobs() + "/" + id.text().substr(0, 2);
  }
  [[nodiscard]] std::string staged_bytes(const BlobId& id) const {
    return staging() + "/" + id.text();
  }
  [[nodiscard]] std::string staged_sidecar(const BlobId& id) const {
    return staged_bytes(id).append(kSidecarSuffix);
  }
  [[nodiscard]] std::string bytes(const BlobId& id) const { return shard(id) + "/" + id.text(); }
  [[nodiscard]] std::string sidecar(const BlobId& id) const {
    return bytes(id).append(kSidecarSuffix);
  }
  [[nodiscard]] std::string side(const BlobId& id, Side side) const {
    return bytes(id).append(side_suffix(side));
  }
  // Of a blob that is not published: whole, and on its way there.
  [[nodiscard]] std::string staged_side(const BlobId& id, Side side) const {
    return staged_bytes(id).append(side_suffix(side));
  }
  [[nodiscard]] std::string unfinished_side(const BlobId& id, Side side) const {
    return staged_side(id, side).append(kUnfinishedSuffix);
  }
  // Of a published blob: a name of its own for each writer.
  [[nodiscard]] std::string unfinished_side(const BlobId& id, Side side,
                                            std::uint64_t number) const {
    return staged_side(id, side)
        .append(".")
        .append(std::to_string(number))
        .append(kUnfinishedSuffix);
  }
  // Everything of a blob but its sidecar.
  [[nodiscard]] std::vector<std::string> contents(const BlobId& id) const {
    std::vector<std::string> paths = {bytes(id)};
    for (const Side kind : kSides) paths.push_back(side(id, kind));
    return paths;
  }
};

// What the store and its writers share.
struct LocalParts {
  io::FileSystem& fs;
  const LocalLayout layout;
  const std::size_t sidecar_bytes_max;
  const std::uint64_t disk_reserve_bytes;
  // By first byte of an id: its directory exists durably, as far as this process knows.
  std::array<std::atomic<bool>, 256> shard_made{};
  std::atomic<std::uint64_t> sides_begun = 0;  // of published blobs, by this process

  [[nodiscard]] Status make_shard(const BlobId& id);
  // kNoSpace when `bytes` more would not leave the reserve free.
  [[nodiscard]] Status require_free(std::uint64_t bytes) const;
};

}  // namespace strata::blob
