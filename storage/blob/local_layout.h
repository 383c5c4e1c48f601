#pragma once

#include <array>
#include <atomic>
#include <string>
#include <string_view>

#include "strata/base/ids.h"
#include "strata/base/result.h"
#include "strata/io/file_system.h"

// Names below the root of a local blob store; storage/FORMAT.md is the contract.
namespace strata::blob {

inline constexpr std::string_view kSidecarSuffix = ".json";

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
};

// What the store and its writers share.
struct LocalParts {
  io::FileSystem& fs;
  const LocalLayout layout;
  const std::size_t sidecar_bytes_max;
  const std::uint64_t disk_reserve_bytes;
  // By first byte of an id: its directory exists durably, as far as this process knows.
  std::array<std::atomic<bool>, 256> shard_made{};

  [[nodiscard]] Status make_shard(const BlobId& id);
};

}  // namespace strata::blob
