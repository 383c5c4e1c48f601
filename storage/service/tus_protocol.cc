#include <boost/asio/this_coro.hpp>

#include "storage/service/image_upload.h"
#include "storage/service/responses.h"
#include "storage/service/tus_fields.h"
#include "storage/service/upload_protocols.h"
#include "strata/base/text.h"

namespace strata::storage::tus {
namespace {

constexpr std::string_view kContentType = "application/offset+octet-stream";
constexpr std::string_view kExtensions =
    "creation,creation-with-upload,creation-defer-length,checksum,checksum-trailer,expiration,"
    "termination,concatenation,concatenation-unfinished";

bool has_chunk(const http::Headers& headers) {
  const auto type = headers.get("Content-Type").value_or("");
  return iequals(trim(type.substr(0, type.find(';'))), kContentType);
}

http::Response answer(int status) {
  http::Response response;
  response.status = status;
  response.headers.add("Tus-Resumable", kVersion);
  response.headers.add("Cache-Control", "no-store");
  return response;
}

void add_expiry(http::Response& response, const Services& services,
                const upload::Session& session) {
  const auto view = session.view();
  if (view.state != upload::SessionState::kReceiving) return;
  const auto expires = services.clock.now() + services.uploads->expires_in(session).count();
  response.headers.set("Upload-Expires", format_http_date(expires));
}

// What a creation says, checked before anything is made.
struct Creation {
  upload::Uploads::Creation session;
  bool deferred = false;
};

Result<Creation> check_creation(const http::Request& request, const Principal& principal,
                                const Services& services) {
  const http::Headers& headers = request.head.headers;
  const Limits& limits = services.config.limits;
  Creation creation;
  creation.session.owner = principal.id;
  UploadDescription description;
  description.tus_metadata = headers.joined("Upload-Metadata").value_or("");
  description.tus_concat = headers.joined("Upload-Concat").value_or("");
  if (!description.tus_concat.empty()) {
    STRATA_TRY(const Concat concat,
               parse_concat(description.tus_concat, services.public_url, limits));
    creation.session.kind = concat.is_final ? upload::Kind::kFinal : upload::Kind::kPartial;
    creation.session.parts = concat.parts;
  }
  const auto length = headers.joined("Upload-Length");
  const auto defer = headers.joined("Upload-Defer-Length");
  if (creation.session.kind == upload::Kind::kFinal) {
    if (length || defer) {
      return Error(Errc::kMalformed, "a final upload has no Upload-Length: its parts have one");
    }
  } else if (length.has_value() == defer.has_value()) {
    return Error(Errc::kMalformed, "give either Upload-Length or Upload-Defer-Length: 1");
  } else if (defer && *defer != "1") {
    return Error(Errc::kMalformed, "Upload-Defer-Length can only be 1");
  }
  if (length) {
    STRATA_TRY(creation.session.length, parse_size("Upload-Length", *length));
  }
  STRATA_TRY(const auto metadata, parse_metadata(description.tus_metadata));
  description.parameters = known_parameters(metadata);
  for (const auto& pair : request.head.query) description.parameters.push_back(pair);
  STRATA_TRY(const UploadParameters parameters,
             parse_upload_parameters(description.parameters, limits));
  if (parameters.name.empty()) description.parameters.emplace_back("filename", "unnamed");
  const auto& promised = parameters.stored.bytes;
  if (creation.session.length && promised && *promised != *creation.session.length) {
    return Error(Errc::kSizeMismatch,
                 "Upload-Length is " + std::to_string(*creation.session.length) +
                     ", the parameter bytes says " + std::to_string(*promised));
  }
  creation.session.description = to_text(description);
  return creation;
}

// Which digests the bytes of this request must have, if it says so.
Result<std::optional<digest::Algorithms>> read_checksum(const http::Headers& headers,
                                                        RequestSource& source) {
  const auto checksum = headers.joined("Upload-Checksum");
  if (checksum) {
    STRATA_TRY(const ExpectedDigests expected, parse_checksum(*checksum));
    source.expect(expected);
    return std::optional(algorithms_of(expected));
  }
  const auto trailer = headers.joined("Trailer").value_or("");
  for (const std::string_view name : split(trailer, ',')) {
    if (!iequals(trim(name), "Upload-Checksum")) continue;
    source.expect_trailer([](const http::Headers& trailers) -> Result<ExpectedDigests> {
      const auto value = trailers.joined("Upload-Checksum");
      if (!value) {
        return Error(Errc::kMalformed, "the trailer Upload-Checksum was announced and is missing");
      }
      return parse_checksum(*value);
    });
    return std::optional(digest::Algorithms::kAll);
  }
  return std::optional<digest::Algorithms>();
}

// Appends the request's content and waits for the end when it was the last of the upload.
http::Awaitable<Result<std::uint64_t>> take_chunk(Services& services, http::Request& request,
                                                  const SessionPointer& session,
                                                  upload::Uploads::Append append) {
  RequestSource source(request, services);
  STRATA_CO_TRY(append.verified_by, read_checksum(request.head.headers, source));
  append.bytes = request.body.length();
  std::uint64_t offset = 0;
  {
    const auto executor = co_await boost::asio::this_coro::executor;
    STRATA_CO_TRY(const auto hold, co_await session->hold(source.interrupt(executor)));
    STRATA_CO_TRY(offset, co_await services.uploads->append(hold, append, source));
  }
  const auto view = session->view();
  if (view.record.length == offset && view.record.kind == upload::Kind::kPlain) {
    const Status done = co_await services.uploads->completion(session);
    if (!done) co_return done.error();
  }
  co_return offset;
}

void add_image(http::Response& response, const upload::SessionView& view) {
  if (view.state != upload::SessionState::kComplete || view.record.kind == upload::Kind::kPartial) {
    return;
  }
  response.headers.set("Strata-Image", view.record.image.text());
}

http::Response failed(const Error& error, const http::Request& request, const Services& services,
                      const SessionPointer& session) {
  http::Response response = problem(append_error(error, services), request, services.config.limits);
  if (session) {
    response.headers.set("Upload-Offset", std::to_string(session->view().offset));
  }
  return response;
}

bool is_whole(const std::vector<RandomId>& parts, const Services& services,
              const Principal& principal) {
  for (const RandomId& part : parts) {
    const auto found = services.uploads->find(part.text(), principal.id);
    if (!found || (*found)->view().state != upload::SessionState::kComplete) return false;
  }
  return true;
}

}  // namespace

bool speaks(const http::RequestHead& head) {
  const http::Headers& headers = head.headers;
  return headers.get("Tus-Resumable").has_value() || has_chunk(headers) ||
         headers.get("Upload-Defer-Length").has_value() || headers.get("Upload-Concat").has_value();
}

void add_options(http::Headers& headers, const Limits& limits) {
  headers.set("Tus-Resumable", kVersion);
  headers.set("Tus-Version", kVersion);
  headers.set("Tus-Extension", kExtensions);
  headers.set("Tus-Max-Size", std::to_string(limits.stored_bytes_max));
  headers.set("Tus-Checksum-Algorithm", "sha1,sha256,sha512");
}

http::Response problem(const Error& error, const http::Request& request, const Limits& limits) {
  http::Response response = problem_response(error, request.id);
  response.headers.set("Tus-Resumable", kVersion);
  if (response.status == 412) response.headers.set("Tus-Version", kVersion);
  if (response.status == 413) {
    response.headers.set("Tus-Max-Size", std::to_string(limits.stored_bytes_max));
  }
  return response;
}

http::Awaitable<http::Response> create(Services& services, http::Request& request,
                                       const Principal& principal) {
  const auto fail = [&](const Error& error) { return failed(error, request, services, nullptr); };
  auto creation = check_creation(request, principal, services);
  if (!creation) co_return fail(creation.error());
  const bool final = creation->session.kind == upload::Kind::kFinal;
  const auto parts = creation->session.parts;
  const bool carries = has_chunk(request.head.headers) && request.body.length() != 0;
  if (carries && final) {
    co_return fail(Error(Errc::kForbidden, "a concatenation takes no bytes of its own"));
  }
  const bool empty = creation->session.length == 0u;
  auto session = co_await services.uploads->create(std::move(creation->session));
  if (!session) co_return fail(session.error());
  http::Response response = answer(201);
  response.headers.set("Location", upload_url(services, **session));
  if (carries) {
    const auto offset = co_await take_chunk(services, request, *session, {});
    // Created is created: what went wrong with the bytes can be mended by a PATCH, unless they
    // themselves are wrong.
    if (!offset) {
      response = failed(offset.error(), request, services, *session);
      response.headers.set("Location", upload_url(services, **session));
      co_return response;
    }
    response.headers.set("Upload-Offset", std::to_string(*offset));
  } else if (empty || (final && is_whole(parts, services, principal))) {
    const Status done = co_await services.uploads->completion(*session);
    if (!done) co_return fail(done.error());
  }
  add_expiry(response, services, **session);
  add_image(response, (*session)->view());
  co_return response;
}

http::Awaitable<http::Response> head(Services& services, http::Request& request,
                                     const SessionPointer& session) {
  const auto view = co_await services.uploads->settled(session);
  if (!view) co_return failed(view.error(), request, services, nullptr);
  if (view->state == upload::SessionState::kFailed) {
    co_return problem(Error(Errc::kGone, view->error->detail()), request, services.config.limits);
  }
  http::Response response = answer(200);
  const auto& record = view->record;
  const bool complete = view->state == upload::SessionState::kComplete;
  const auto description = description_from_text(record.description);
  if (record.kind != upload::Kind::kFinal || complete) {
    response.headers.set("Upload-Offset", std::to_string(view->offset));
  }
  if (record.length) {
    response.headers.set("Upload-Length", std::to_string(*record.length));
  } else if (record.kind != upload::Kind::kFinal) {
    response.headers.set("Upload-Defer-Length", "1");
  }
  if (description && !description->tus_metadata.empty()) {
    response.headers.set("Upload-Metadata", description->tus_metadata);
  }
  if (description && !description->tus_concat.empty()) {
    response.headers.set("Upload-Concat", description->tus_concat);
  }
  add_expiry(response, services, *session);
  add_image(response, *view);
  co_return response;
}

http::Awaitable<http::Response> patch(Services& services, http::Request& request,
                                      const SessionPointer& session) {
  const http::Headers& headers = request.head.headers;
  const auto fail = [&](const Error& error) { return failed(error, request, services, session); };
  if (!has_chunk(headers)) {
    co_return fail(
        Error(Errc::kUnsupportedMedia, "Content-Type must be " + std::string(kContentType)));
  }
  const auto offset_text = headers.joined("Upload-Offset");
  if (!offset_text) co_return fail(Error(Errc::kMalformed, "Upload-Offset is missing"));
  upload::Uploads::Append append;
  const auto offset = parse_size("Upload-Offset", *offset_text);
  if (!offset) co_return fail(offset.error());
  append.offset = *offset;
  if (const auto length = headers.joined("Upload-Length")) {
    const auto size = parse_size("Upload-Length", *length);
    if (!size) co_return fail(size.error());
    append.length = *size;
  }
  const auto reached = co_await take_chunk(services, request, session, append);
  if (!reached) co_return fail(reached.error());
  http::Response response = answer(204);
  response.headers.set("Upload-Offset", std::to_string(*reached));
  add_expiry(response, services, *session);
  add_image(response, session->view());
  co_return response;
}

http::Awaitable<http::Response> remove(Services& services, http::Request& request,
                                       const SessionPointer& session) {
  const Status removed = co_await services.uploads->remove(session);
  if (!removed) co_return failed(removed.error(), request, services, nullptr);
  co_return answer(204);
}

}  // namespace strata::storage::tus
