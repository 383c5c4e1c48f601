#pragma once

#include "storage/service/router.h"
#include "storage/service/services.h"
#include "storage/service/upload_request.h"
#include "storage/upload/uploads.h"

// The two protocols over one upload session: tus 1.0.0 (tus.io/protocols/resumable-upload) and the
// IETF's resumable uploads (draft-ietf-httpbis-resumable-upload-12, and its earlier versions that
// shipped clients speak). Each function answers one method; which protocol a request speaks is told
// by its fields (speaks_tus, speaks_ietf).
namespace strata::storage {

using SessionPointer = std::shared_ptr<upload::Session>;

namespace tus {
inline constexpr std::string_view kVersion = "1.0.0";

[[nodiscard]] bool speaks(const http::RequestHead& head);
// Every answer of this protocol has Tus-Resumable; OPTIONS and refused versions have more.
void add_options(http::Headers& headers, const Limits& limits);

[[nodiscard]] http::Awaitable<http::Response> create(Services& services, http::Request& request,
                                                     const Principal& principal);
[[nodiscard]] http::Awaitable<http::Response> head(Services& services, http::Request& request,
                                                   const SessionPointer& session);
[[nodiscard]] http::Awaitable<http::Response> patch(Services& services, http::Request& request,
                                                    const SessionPointer& session);
[[nodiscard]] http::Awaitable<http::Response> remove(Services& services, http::Request& request,
                                                     const SessionPointer& session);
// An error as this protocol says it.
[[nodiscard]] http::Response problem(const Error& error, const http::Request& request,
                                     const Limits& limits);
}  // namespace tus

namespace ietf {
[[nodiscard]] bool speaks(const http::RequestHead& head);
void add_options(http::Headers& headers, const Limits& limits);

// `filename`: of a PUT /v1/upload/{filename}; empty for POST /v1/uploads.
[[nodiscard]] http::Awaitable<http::Response> create(Services& services, http::Request& request,
                                                     const Principal& principal,
                                                     const std::string& filename);
[[nodiscard]] http::Awaitable<http::Response> head(Services& services, http::Request& request,
                                                   const SessionPointer& session);
[[nodiscard]] http::Awaitable<http::Response> patch(Services& services, http::Request& request,
                                                    const SessionPointer& session);
[[nodiscard]] http::Awaitable<http::Response> remove(Services& services, http::Request& request,
                                                     const SessionPointer& session);
}  // namespace ietf

// The image JSON of a complete upload.
[[nodiscard]] http::Awaitable<Result<std::string>> image_of_upload(Services& services,
                                                                   const ImageId& image);

}  // namespace strata::storage
