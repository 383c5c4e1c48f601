#include "storage/client/extents.h"

#include <boost/json.hpp>
#include <optional>

#include "storage/client/storage_api.h"

namespace strata::client {
namespace {

namespace json = boost::json;

// Of 65 536 extents each: a TiB whose zero runs are a MiB apart. What a server says beyond that is
// transferred like data.
constexpr int kPagesMax = 32;

std::optional<std::uint64_t> number_of(const json::object& object, std::string_view name) {
  const json::value* value = object.if_contains(name);
  if (value == nullptr) return std::nullopt;
  boost::system::error_code bad;
  const auto number = value->to_number<std::uint64_t>(bad);
  return bad ? std::nullopt : std::optional(number);
}

std::optional<Extent> extent_of(const json::value& value) {
  const json::object* object = value.if_object();
  if (object == nullptr) return std::nullopt;
  const auto start = number_of(*object, "start");
  const auto length = number_of(*object, "length");
  const json::value* zero = object->if_contains("zero");
  if (!start || !length || zero == nullptr || !zero->is_bool()) return std::nullopt;
  if (*length == 0 || *length > UINT64_MAX - *start) return std::nullopt;
  return Extent{*start, *length, zero->get_bool()};
}

// Zero runs go on from one page to the next, so they are joined before short ones are dropped.
DoneRanges without_short_runs(const DoneRanges& zeros, std::uint64_t run_bytes_min) {
  DoneRanges kept;
  for (const auto& [first, end] : zeros.intervals()) {
    if (end - first >= run_bytes_min) kept.add({first, end - first});
  }
  return kept;
}

// False: this page contradicts the ones before it, or the size.
bool add_zeros(const std::vector<Extent>& page, std::uint64_t size, std::uint64_t& position,
               DoneRanges& zeros) {
  for (const Extent& extent : page) {
    const std::uint64_t end = extent.start + extent.length;
    if (extent.start < position || end > size) return false;
    if (extent.zero) zeros.add({extent.start, extent.length});
    position = end;
  }
  return true;
}

}  // namespace

Result<std::vector<Extent>> parse_extents(std::string_view text) {
  const Error malformed(Errc::kMalformed, "the server's list of extents is not understood");
  boost::system::error_code bad;
  const json::value value = json::parse(text, bad);
  const json::object* object = bad ? nullptr : value.if_object();
  const json::value* list = object == nullptr ? nullptr : object->if_contains("extents");
  if (list == nullptr || !list->is_array()) return malformed;
  std::vector<Extent> extents;
  extents.reserve(list->get_array().size());
  for (const json::value& element : list->get_array()) {
    const auto extent = extent_of(element);
    if (!extent) return malformed;
    if (!extents.empty() && extent->start < extents.back().start + extents.back().length) {
      return malformed;
    }
    extents.push_back(*extent);
  }
  return extents;
}

DoneRanges known_zeros(const Endpoint& endpoint, const ImageId& id, std::uint64_t size,
                       std::uint64_t run_bytes_min) {
  StorageApi api(endpoint);
  DoneRanges zeros;
  std::uint64_t position = 0;
  auto page = api.extents(id);
  for (int pages = 1; page; ++pages) {
    if (!add_zeros(page->extents, size, position, zeros)) return {};
    // An empty page with another one behind it would lead nowhere.
    if (!page->next || page->extents.empty() || pages == kPagesMax) break;
    page = api.next_extents(*page->next);
  }
  return without_short_runs(zeros, run_bytes_min);
}

}  // namespace strata::client
