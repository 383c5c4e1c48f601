#pragma once

#include "storage/service/router.h"
#include "storage/service/services.h"

// The resources of the HTTP contract, one file each. Every function adds its routes; the services
// must outlive the router.
namespace strata::storage {

void add_upload_routes(Router& router, Services& services);        // PUT /v1/upload/{filename}
void add_uploads_routes(Router& router, Services& services);       // /v1/uploads[/{token}]
void add_image_routes(Router& router, Services& services);         // /v1/images, /v1/images/{id}
void add_content_routes(Router& router, Services& services);       // .../content and .../decoded
void add_extents_routes(Router& router, Services& services);       // .../extents
void add_registration_routes(Router& router, Services& services);  // .../metadata, .../registration
void add_health_routes(Router& router, Services& services);        // /healthz /readyz /metrics ...

// The ETag of an image's decoded view, quoted.
[[nodiscard]] std::string decoded_etag(const catalog::Image& image);

// The image of a path argument, if the principal may see it: a foreign private image is kNotFound.
// Blocks: disk pool.
[[nodiscard]] Result<catalog::Image> find_visible_image(Services& services,
                                                        const Principal& principal,
                                                        const std::string& id);

}  // namespace strata::storage
