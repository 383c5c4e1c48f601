#pragma once

#include <string>

#include "storage/service/config.h"
#include "strata/base/clock.h"
#include "strata/metadata/document.h"

namespace strata::storage {

// The key and certificate that storage signs with: those the configuration names, or
// DATA/endorser/{key,crt}.pem, made at the first start (P-256, self-signed, mode 0600).
[[nodiscard]] Result<metadata::Endorser> load_endorser(const Config& config, const Clock& clock);

}  // namespace strata::storage
