#include "storage/service/decoded_source.h"
#include "storage/service/open_images.h"
#include "storage/service/resources.h"
#include "storage/service/responses.h"
#include "storage/service/seekable_source.h"
#include "strata/base/text.h"
#include "strata/http/conditional.h"
#include "strata/http/digest_fields.h"
#include "strata/http/range.h"

namespace strata::storage {
namespace {

enum class View : unsigned char { kStored, kDecoded };

// Blob bytes for the HTTP engine: sendfile where the store has a file, else read on the disk pool.
class BlobSource final : public http::ContentSource {
 public:
  BlobSource(std::shared_ptr<const blob::BlobReader> reader, io::WorkerPool& disk)
      : reader_(std::move(reader)), disk_(disk) {}

  [[nodiscard]] std::optional<Slice> slice(std::uint64_t offset) const override {
    const auto place = reader_->file_slice(offset, reader_->size() - offset);
    if (!place) return std::nullopt;
    return Slice{place->descriptor, place->offset};
  }

  [[nodiscard]] http::Awaitable<Result<std::size_t>> read_some(std::uint64_t offset,
                                                               std::span<std::byte> out) override {
    const std::uint64_t left = reader_->size() - std::min(offset, reader_->size());
    const auto part =
        out.first(static_cast<std::size_t>(std::min<std::uint64_t>(left, out.size())));
    if (part.empty()) co_return std::size_t{0};
    const Status status = co_await http::run_on(
        disk_, [this, offset, part] { return reader_->read_at(offset, part); });
    if (!status) co_return status.error();
    co_return part.size();
  }

 private:
  std::shared_ptr<const blob::BlobReader> reader_;  // shared by the ranges of one response
  io::WorkerPool& disk_;
};

// The representation that a request is about.
struct Representation {
  DigestSet digests;
  std::string etag;
  std::string file_name;
  UnixMillis last_modified;
  bool seekable;
  bool seekable_soon = false;  // its index is being made
};

// The decoded view's name: without the suffix of its encoding.
std::string decoded_name(const catalog::Image& image) {
  const std::string_view suffix = codec::encoding_suffix(image.content.encoding);
  if (!suffix.empty() && image.name.size() > suffix.size() && image.name.ends_with(suffix)) {
    return image.name.substr(0, image.name.size() - suffix.size());
  }
  return image.name;
}

// Whether the view is the blob's bytes as they are.
bool is_blob(const catalog::Image& image, View view) {
  return view == View::kStored || image.content.encoding == codec::Encoding::kIdentity;
}

Representation represent(const OpenImages::Opened& opened, View view) {
  const catalog::Image& image = opened.image;
  if (view == View::kStored) {
    const DigestSet& stored = image.content.stored;
    return {stored, "\"sha256:" + stored.sha256.hex() + "\"", image.name, image.created, true};
  }
  return {image.content.decoded,
          decoded_etag(image),
          decoded_name(image),
          image.created,
          is_blob(image, view) || opened.seek != nullptr,
          opened.index_under_way};
}

// RFC 6266: an ASCII form and the exact UTF-8 one. Always an attachment: nothing that users upload
// is shown as a page of this origin.
std::string disposition(const std::string& name) {
  std::string ascii;
  for (const char c : name) {
    const bool plain = c >= 0x20 && c < 0x7f && c != '"' && c != '\\' && c != '%';
    ascii += plain ? c : '_';
  }
  return "attachment; filename=\"" + ascii + "\"; filename*=UTF-8''" + percent_encode(name);
}

void add_representation_fields(http::Response& response, const Representation& representation) {
  http::Headers& headers = response.headers;
  headers.add("ETag", representation.etag);
  headers.add("Last-Modified", format_http_date(representation.last_modified));
  headers.add("Cache-Control", "private, immutable, no-transform");
  if (representation.seekable) headers.add("Accept-Ranges", "bytes");
  headers.add("Repr-Digest", http::repr_digest(representation.digests));
  headers.add("Digest", http::legacy_digest(representation.digests));
  headers.add("Content-Disposition", disposition(representation.file_name));
  headers.add("X-Content-Type-Options", "nosniff");
}

constexpr std::string_view kContentType = "application/octet-stream";

http::Response whole(const Representation& representation) {
  http::Response response;
  add_representation_fields(response, representation);
  response.headers.add("Content-Type", kContentType);
  response.content_length = representation.digests.bytes;
  if (representation.digests.bytes > 0) {
    response.parts.push_back({"", {0, representation.digests.bytes}});
  }
  return response;
}

http::Response partial(const Representation& representation,
                       const std::vector<http::ByteRange>& ranges, Random& random) {
  const std::uint64_t size = representation.digests.bytes;
  http::Response response;
  response.status = 206;
  add_representation_fields(response, representation);
  if (ranges.size() == 1) {
    response.headers.add("Content-Type", kContentType);
    response.headers.add("Content-Range", http::content_range(ranges[0], size));
    response.content_length = ranges[0].length;
    response.parts.push_back({"", ranges[0]});
    return response;
  }
  const auto layout =
      http::layout_multipart(ranges, size, kContentType, RandomId::generate(random).text());
  response.headers.add("Content-Type", layout.content_type);
  response.content_length = layout.length;
  for (std::size_t i = 0; i < ranges.size(); ++i) {
    response.parts.push_back({layout.heads[i], ranges[i]});
  }
  response.parts.push_back({layout.tail, {0, 0}});
  return response;
}

http::Response unsatisfiable(const Representation& representation, const std::string& request_id) {
  http::Response response = problem_response(
      Error(Errc::kRangeNotSatisfiable,
            "the representation has " + std::to_string(representation.digests.bytes) +
                " bytes, and at most a few overlapping ranges are answered at once"),
      request_id);
  response.headers.add("Content-Range",
                       http::unsatisfied_content_range(representation.digests.bytes));
  return response;
}

// Preconditions, then Range: what to answer, without its source.
http::Response plan(const http::Request& request, const Representation& representation,
                    const Services& services) {
  const http::Headers& headers = request.head.headers;
  const http::Validators validators{representation.etag, representation.last_modified};
  switch (http::evaluate_preconditions(headers, validators)) {
    case http::Precondition::kNotModified: {
      http::Response response;
      response.status = 304;
      add_representation_fields(response, representation);
      return response;
    }
    case http::Precondition::kFailed:
      return problem_response(
          Error(Errc::kPreconditionFailed, "the ETag is " + representation.etag), request.id);
    case http::Precondition::kProceed:
      break;
  }
  const auto range = headers.get("Range");
  const bool acts = range && headers.count("Range") == 1 && request.head.method == "GET" &&
                    http::if_range_holds(headers, validators);
  if (!acts) return whole(representation);
  const auto decision =
      http::decide_ranges(*range, representation.digests.bytes, services.config.limits);
  if (decision.kind == http::RangeDecision::Kind::kWhole) return whole(representation);
  if (representation.seekable_soon) {
    return problem_response(
        Error(Errc::kUnavailable, "the seek index of this view is being made: ask again"),
        request.id);
  }
  if (!representation.seekable) {
    return problem_response(Error(Errc::kNotSeekable,
                                  "this view is decoded as a stream: get the whole, or a range of "
                                  "the stored bytes at .../content"),
                            request.id);
  }
  if (decision.kind == http::RangeDecision::Kind::kUnsatisfiable) {
    return unsatisfiable(representation, request.id);
  }
  return partial(representation, decision.ranges, services.random);
}

std::shared_ptr<http::ContentSource> seekable_source(Services& services,
                                                     const OpenImages::Opened& opened,
                                                     const http::Response& response) {
  std::vector<http::ByteRange> ranges;
  for (const http::ContentPart& part : response.parts) {
    if (part.range.length > 0) ranges.push_back(part.range);
  }
  const Limits& limits = services.config.limits;
  auto place = std::make_unique<StreamPlace>(services.seekable_streams);
  if (place->number() > limits.decoded_streams_max) place.reset();
  return std::make_shared<SeekableSource>(
      opened.seek, std::move(ranges), services.view_blocks,
      SeekableSource::Options{.ahead_max = limits.read_ahead_blocks, .place = std::move(place)});
}

// Null when as many streams as are allowed are being sent already.
std::shared_ptr<http::ContentSource> stream_source(Services& services,
                                                   const OpenImages::Opened& opened) {
  const Limits& limits = services.config.limits;
  auto place = std::make_unique<StreamPlace>(services.decoded_streams);
  if (place->number() > limits.decoded_streams_max) return nullptr;
  return std::make_shared<DecodedSource>(std::move(place), opened.reader, opened.image.content,
                                         limits, services.disk, services.compute);
}

std::shared_ptr<http::ContentSource> make_source(Services& services,
                                                 const OpenImages::Opened& opened, View view,
                                                 const http::Response& response) {
  if (is_blob(opened.image, view)) {
    return std::make_shared<BlobSource>(opened.reader, services.disk);
  }
  if (opened.seek) return seekable_source(services, opened, response);
  return stream_source(services, opened);
}

http::Awaitable<http::Response> get_view(Services& services, http::Request& request,
                                         const Principal& principal, const PathArguments& arguments,
                                         View view) {
  const auto found = co_await open_image(services, arguments[0], principal);
  if (!found) co_return problem_response(found.error(), request.id);
  const OpenImages::Opened& opened = **found;
  const Representation representation = represent(opened, view);
  http::Response response = plan(request, representation, services);
  if (response.parts.empty() || request.head.method == "HEAD") co_return response;
  response.source = make_source(services, opened, view, response);
  if (!response.source) {
    co_return problem_response(
        Error(Errc::kUnavailable, "as many decoded views as are allowed are being sent already"),
        request.id);
  }
  co_return response;
}

}  // namespace

// The two views of one image must never share an ETag, even where their bytes agree.
std::string decoded_etag(const catalog::Image& image) {
  return "\"decoded-sha256:" + image.content.decoded.sha256.hex() + "\"";
}

void add_content_routes(Router& router, Services& services) {
  const auto add = [&](std::string_view pattern, View view) {
    router.add("GET", pattern,
               [&services, view](http::Request& request, const Principal& principal,
                                 const PathArguments& arguments) {
                 return get_view(services, request, principal, arguments, view);
               });
  };
  add("/v1/images/{}/content", View::kStored);
  add("/v1/images/{}/decoded", View::kDecoded);
}

}  // namespace strata::storage
