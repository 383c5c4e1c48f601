#include "registry/entries/entry_store.h"

namespace strata::entries {

Standing standing_of(const metadata::ImageMetadata& metadata, UnixMillis now) {
  if (metadata.deprecated) return Standing::kDeprecated;
  return metadata.valid && *metadata.valid <= now ? Standing::kExpired : Standing::kValid;
}

}  // namespace strata::entries
