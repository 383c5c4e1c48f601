#pragma once

#include "storage/service/services.h"

namespace strata::storage {

// kForbidden when the site's policy bans the content of an image. Asked anew for each request,
// because the policy can change while an image is open.
[[nodiscard]] Status allow_content(const Services& services, const blob::BlobProperties& content);

}  // namespace strata::storage
