#include <algorithm>
#include <optional>

#include "storage/service/extents.h"
#include "storage/service/open_images.h"
#include "storage/service/resources.h"
#include "storage/service/responses.h"
#include "strata/base/text.h"

namespace strata::storage {
namespace {

struct ExtentQuery {
  std::optional<std::uint64_t> start;
  std::optional<std::uint64_t> length;
  std::optional<std::uint64_t> limit;
};

Result<ExtentQuery> parse_query(const http::RequestHead& head) {
  ExtentQuery query;
  for (const auto& [key, value] : head.query) {
    std::optional<std::uint64_t>* field = key == "start"    ? &query.start
                                          : key == "length" ? &query.length
                                          : key == "limit"  ? &query.limit
                                                            : nullptr;
    if (field == nullptr) return Error(Errc::kMalformed, "unknown parameter '" + key + "'");
    if (*field) return Error(Errc::kMalformed, key + " is given twice");
    *field = parse_decimal(value);
    if (!*field) return Error(Errc::kMalformed, key + " must be a number");
  }
  return query;
}

Result<std::size_t> page_size(const ExtentQuery& query, const Limits& limits) {
  const std::uint64_t size = query.limit.value_or(limits.extents_max);
  if (size == 0 || size > limits.extents_max) {
    return Error(Errc::kMalformed, "limit must be 1 to " + std::to_string(limits.extents_max));
  }
  return static_cast<std::size_t>(size);
}

Result<ExtentWindow> window_of(const ExtentQuery& query, std::uint64_t view_bytes) {
  const std::uint64_t start = query.start.value_or(0);
  if (start > view_bytes) {
    return Error(Errc::kRangeNotSatisfiable,
                 "the decoded view has " + std::to_string(view_bytes) + " bytes");
  }
  const std::uint64_t left = view_bytes - start;
  return ExtentWindow{start, start + std::min(left, query.length.value_or(left))};
}

// Where the zeros of the decoded view are. Without an index nobody knows: then all is data, which
// is always right. Blocks: disk pool.
std::vector<codec::ZeroRun> read_zero_runs(Services& services, const catalog::Image& image) {
  auto index = read_index_of(services.blob_store, image);
  if (!index) return {};
  return std::move(index->zero_runs);
}

struct ExtentPage {
  std::string body;
  std::uint64_t end;  // of its last extent
};

ExtentPage make_page(std::span<const codec::ZeroRun> zero_runs, ExtentWindow window,
                     std::size_t count_max) {
  const auto extents = list_extents(zero_runs, window, count_max);
  const std::uint64_t end =
      extents.empty() ? window.end : extents.back().start + extents.back().length;
  return {extents_json(extents), end};
}

std::string next_link(const std::string& id, const ExtentQuery& query, std::uint64_t next,
                      std::uint64_t end) {
  std::string link = "</v1/images/" + percent_encode(id) +
                     "/extents?start=" + std::to_string(next) +
                     "&length=" + std::to_string(end - next);
  if (query.limit) link += "&limit=" + std::to_string(*query.limit);
  return link + ">; rel=\"next\"";
}

http::Awaitable<http::Response> get_extents(Services& services, http::Request& request,
                                            const Principal& principal,
                                            const PathArguments& arguments) {
  const auto query = parse_query(request.head);
  if (!query) co_return problem_response(query.error(), request.id);
  const auto count_max = page_size(*query, services.config.limits);
  if (!count_max) co_return problem_response(count_max.error(), request.id);
  const auto opened = co_await open_image(services, arguments[0], principal);
  if (!opened) co_return problem_response(opened.error(), request.id);
  const OpenImages::Opened& image = **opened;
  const auto window = window_of(*query, image.image.content.decoded.bytes);
  if (!window) co_return problem_response(window.error(), request.id);

  // A page is megabytes of text: not made on the network thread.
  const ExtentPage page = co_await http::run_on(services.disk, [&] {
    if (image.seek) return make_page(image.seek->index().zero_runs, *window, *count_max);
    return make_page(read_zero_runs(services, image.image), *window, *count_max);
  });
  http::Response response = json_response(200, page.body);
  // Of the bytes that are described; of two answers with it one may know more zeros.
  response.headers.add("ETag", "W/" + decoded_etag(image.image));
  if (page.end < window->end) {
    response.headers.add("Link", next_link(arguments[0], *query, page.end, window->end));
  }
  co_return response;
}

}  // namespace

void add_extents_routes(Router& router, Services& services) {
  router.add("GET", "/v1/images/{}/extents",
             [&services](http::Request& request, const Principal& principal,
                         const PathArguments& arguments) {
               return get_extents(services, request, principal, arguments);
             });
}

}  // namespace strata::storage
