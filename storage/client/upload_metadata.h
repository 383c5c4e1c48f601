#pragma once

#include <string>

#include "storage/client/push.h"

namespace strata::client {

// The Upload-Metadata of an image: "key base64(value)", comma-separated, in a fixed order, so that
// equal options make equal text. kUsage: what no server would take.
[[nodiscard]] Result<std::string> upload_metadata(const std::string& name,
                                                  const PushOptions& options);

}  // namespace strata::client
