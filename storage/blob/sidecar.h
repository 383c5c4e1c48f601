#pragma once

#include <boost/json/object.hpp>
#include <string>
#include <string_view>

#include "storage/blob/blob_store.h"

// What stands beside a blob's bytes; storage/FORMAT.md specifies it.
namespace strata::blob {

inline constexpr std::uint64_t kSidecarVersion = 1;

[[nodiscard]] std::string to_sidecar(const BlobInfo& info);
// kCorruptData when it is damaged (it has a digest of its own) or of a newer version.
[[nodiscard]] Result<BlobInfo> from_sidecar(std::string_view text);

// The properties alone: also part of the catalogue's records.
[[nodiscard]] boost::json::object properties_to_json(const BlobProperties& properties);
[[nodiscard]] Result<BlobProperties> properties_from_json(const boost::json::object& json);

}  // namespace strata::blob
