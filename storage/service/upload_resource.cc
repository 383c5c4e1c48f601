#include <chrono>

#include "storage/service/content_policy.h"
#include "storage/service/image_json.h"
#include "storage/service/image_upload.h"
#include "storage/service/registrar.h"
#include "storage/service/resources.h"
#include "storage/service/responses.h"
#include "storage/service/upload_parameters.h"
#include "storage/service/upload_protocols.h"
#include "storage/upload/ingest.h"
#include "strata/base/text.h"
#include "strata/http/digest_fields.h"

namespace strata::storage {
namespace {

// Counts an upload while it is open.
class OpenUpload {
 public:
  explicit OpenUpload(Services& services) : services_(services) {
    number_ = ++services_.open_uploads;
    services_.counts.uploads_open.add(1);
  }
  ~OpenUpload() {
    --services_.open_uploads;
    services_.counts.uploads_open.add(-1);
    (published_ ? services_.counts.uploads_done : services_.counts.uploads_failed).add();
  }
  OpenUpload(const OpenUpload&) = delete;
  OpenUpload& operator=(const OpenUpload&) = delete;
  [[nodiscard]] std::size_t number() const { return number_; }
  void published() { published_ = true; }

 private:
  Services& services_;
  std::size_t number_;
  bool published_ = false;
};

// Everything that can be refused before the body is read.
Result<UploadParameters> check_request(const http::Request& request, const PathArguments& arguments,
                                       const Services& services) {
  const http::Headers& headers = request.head.headers;
  const Limits& limits = services.config.limits;
  if (headers.get("Content-Range")) {
    return Error(Errc::kPartialPut,
                 "a PUT carries the whole image; resume an upload with POST /v1/uploads");
  }
  const auto coding = headers.joined("Content-Encoding");
  if (coding && !iequals(*coding, "identity")) {
    return Error(Errc::kUnsupportedMedia,
                 "Content-Encoding is not taken: send the bytes that are to be stored");
  }
  STRATA_TRY(UploadParameters parameters, parse_upload_parameters(request.head.query, limits));
  if (parameters.name.empty()) {
    if (const Status status = check_name(arguments[0], limits); !status) return status.error();
    parameters.name = arguments[0];
  }
  for (const std::string_view field : {"Repr-Digest", "Content-Digest"}) {
    const auto value = headers.joined(field);
    if (!value) continue;
    const auto expected = http::parse_digest_field(*value);
    if (!expected) return expected.error().in(field);
    if (const Status status = http::merge_expected(parameters.stored, *expected); !status) {
      return status.error();
    }
  }
  const auto length = request.body.length();
  if (length && *length > limits.stored_bytes_max) {
    return Error(Errc::kTooLarge, "an image has at most " +
                                      std::to_string(limits.stored_bytes_max) + " stored bytes");
  }
  if (length && parameters.stored.bytes && *length != *parameters.stored.bytes) {
    return Error(Errc::kSizeMismatch, "Content-Length is " + std::to_string(*length) +
                                          ", the parameter bytes says " +
                                          std::to_string(*parameters.stored.bytes));
  }
  return parameters;
}

// Reads the body straight from the socket into the blocks of `ingest`.
http::Awaitable<Status> receive(http::RequestBody& body, upload::Ingest& ingest,
                                Services& services) {
  std::uint64_t total = 0;
  for (bool ended = false; !ended;) {
    STRATA_CO_TRY(auto block, co_await ingest.next_block());
    while (!ended && block->size() < io::kBlockBytes) {
      STRATA_CO_TRY(const std::size_t n, co_await body.read_some(block->free_space()));
      block->set_size(block->size() + n);
      ended = n == 0;
      total += n;
      services.counts.upload_bytes.add(n);
      if (total > services.config.limits.stored_bytes_max) {
        co_return Error(Errc::kTooLarge,
                        "an image has at most " +
                            std::to_string(services.config.limits.stored_bytes_max) +
                            " stored bytes");
      }
      if (const Status now = ingest.status(); !now) co_return now;
    }
    if (block->size() > 0) ingest.submit(std::move(block));
  }
  co_return Status();
}

http::Awaitable<http::Response> put_upload(Services& services, http::Request& request,
                                           const Principal& principal,
                                           const PathArguments& arguments) {
  const auto fail = [&](const Error& error) { return problem_response(error, request.id); };
  const auto started = std::chrono::steady_clock::now();
  auto parameters = check_request(request, arguments, services);
  if (!parameters) co_return fail(parameters.error());
  OpenUpload open(services);
  if (open.number() > services.config.limits.open_uploads_per_user) {
    co_return fail(
        Error(Errc::kTooManyRequests, std::to_string(services.config.limits.open_uploads_per_user) +
                                          " uploads are open already"));
  }

  const blob::WriteHints hints{request.body.length()};
  auto writer =
      co_await http::run_on(services.disk, [&] { return services.blob_store.begin(hints); });
  if (!writer) co_return fail(writer.error());
  upload::Ingest ingest(
      services.config.limits,
      {services.disk, services.compute, services.digests, services.blocks, services.decoding},
      std::move(*writer), upload::Ingest::Mode::kOnce, services.clock.now());
  if (const Status status = co_await receive(request.body, ingest, services); !status) {
    co_return fail(status.error());
  }
  auto finished = co_await ingest.finish();
  if (!finished) co_return fail(finished.error());
  if (const Status status = compare(*parameters, finished->properties); !status) {
    co_return fail(status.error());
  }
  const Status allowed = allow_publication(services.policy, finished->properties);
  if (!allowed) co_return fail(allowed.error());

  catalog::Image image =
      make_image(std::move(*parameters), ImageId::generate(services.clock, services.random),
                 principal.id, finished->properties, services.clock);
  auto published = co_await http::run_on(services.disk, [&]() -> Result<std::string> {
    STRATA_TRY(image,
               services.images.publish(std::move(finished->writer), image, finished->properties));
    return describe_image(services, image);
  });
  if (!published) co_return fail(published.error());
  open.published();
  services.counts.upload_seconds.observe(
      std::chrono::duration<double>(std::chrono::steady_clock::now() - started).count());
  if (services.registrar != nullptr) services.registrar->wake();
  http::Response response = json_response(201, std::move(*published));
  response.headers.add("Location", services.public_url + "/v1/images/" + image.id.text());
  co_return response;
}

}  // namespace

void add_upload_routes(Router& router, Services& services) {
  router.add("PUT", "/v1/upload/{}",
             [&services](http::Request& request, const Principal& principal,
                         const PathArguments& arguments) {
               // Clients that can resume say so on any upload (URLSession of Apple does).
               if (ietf::speaks(request.head)) {
                 return ietf::create(services, request, principal, arguments[0]);
               }
               return put_upload(services, request, principal, arguments);
             });
}

}  // namespace strata::storage
