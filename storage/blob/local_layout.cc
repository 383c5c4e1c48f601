#include "storage/blob/local_layout.h"

#include "strata/base/text.h"

namespace strata::blob {

// The first use of a shard in this process makes it, or makes sure of it: an earlier process may
// have created it and then failed to sync.
Status LocalParts::make_shard(const BlobId& id) {
  std::array<std::uint8_t, 1> first{};
  check(from_hex(id.text().substr(0, 2), first), "an id is hex");
  std::atomic<bool>& made = shard_made[first[0]];
  if (made) return {};
  if (auto created = fs.make_directories(layout.shard(id)); !created) return created;
  made = true;
  return {};
}

Status LocalParts::require_free(std::uint64_t bytes) const {
  STRATA_TRY(const std::uint64_t free, fs.free_bytes(layout.root));
  if (free >= disk_reserve_bytes && bytes <= free - disk_reserve_bytes) return {};
  return Error(Errc::kNoSpace, std::to_string(bytes) + " bytes are to be stored, " +
                                   std::to_string(free) + " are free, of which " +
                                   std::to_string(disk_reserve_bytes) + " are kept free");
}

}  // namespace strata::blob
