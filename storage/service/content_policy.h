#pragma once

#include "storage/service/services.h"

namespace strata::storage {

// kForbidden when the site's policy bans the content of an image. Asked anew for each request,
// because the policy can change while an image is open.
[[nodiscard]] Status allow_content(const Services& services, const blob::BlobProperties& content);

// The same of bytes that are to become an image, or to be announced. A policy that is broken is
// kUnavailable here: nothing says that these bytes are banned, and what was uploaded must not be
// thrown away because somebody mistyped a key.
[[nodiscard]] Status allow_publication(const policy::PolicyHolder& policy,
                                       const blob::BlobProperties& content);

}  // namespace strata::storage
