#pragma once

#include "storage/service/router.h"
#include "storage/service/services.h"

namespace strata::storage {

// Who makes the request and whether it may be made here at all; looked at before anything else.
//   kWrongHost     without auth.required, a Host that is neither a loopback name nor public_url's
//   kUnauthorized  a credential that is not valid, or none where one is needed
//   kForbidden     an unsafe method sent by a page of another origin
[[nodiscard]] Result<Principal> authenticate(const http::RequestHead& head,
                                             const Services& services);

// Adds the CORS fields for an origin that the configuration lists; nothing for any other.
void add_cors(const http::RequestHead& head, const Config& config, http::Response& response);

// Reads DATA/admin.token, or makes it (0600) at the first start.
[[nodiscard]] Result<std::string> load_admin_token(const std::string& data, Random& random);

}  // namespace strata::storage
