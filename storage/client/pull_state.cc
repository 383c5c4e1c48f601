#include "storage/client/pull_state.h"

#include <boost/json.hpp>

namespace strata::client {
namespace {

namespace json = boost::json;

std::optional<std::uint64_t> number_of(const json::value* value) {
  if (value == nullptr) return std::nullopt;
  boost::system::error_code bad;
  const auto number = value->to_number<std::uint64_t>(bad);
  return bad ? std::nullopt : std::optional(number);
}

std::optional<std::string> text_of(const json::value* value) {
  if (value == nullptr || !value->is_string()) return std::nullopt;
  return std::string(value->get_string());
}

bool read_done(const json::value* list, PullState& state) {
  if (list == nullptr || !list->is_array()) return false;
  for (const json::value& element : list->get_array()) {
    const json::array* pair = element.if_array();
    if (pair == nullptr || pair->size() != 2) return false;
    const auto first = number_of(pair->if_contains(0));
    const auto end = number_of(pair->if_contains(1));
    if (!first || !end || *first >= *end || *end > state.size) return false;
    state.done.add({*first, *end - *first});
  }
  return true;
}

}  // namespace

std::string to_json(const PullState& state) {
  json::array done;
  for (const auto& [first, end] : state.done.intervals()) {
    done.push_back(json::array{first, end});
  }
  return json::serialize(json::object{{"version", PullState::kVersion},
                                      {"size", state.size},
                                      {"etag", state.etag},
                                      {"sha256", state.sha256},
                                      {"done", std::move(done)}});
}

Result<PullState> pull_state_from_json(std::string_view text) {
  const Error malformed(Errc::kMalformed, "the state of the interrupted pull is damaged");
  boost::system::error_code bad;
  const json::value value = json::parse(text, bad);
  if (bad || !value.is_object()) return malformed;
  const json::object& object = value.get_object();
  const auto version = number_of(object.if_contains("version"));
  if (!version) return malformed;
  if (*version > PullState::kVersion) {
    return Error(Errc::kUsage,
                 "the interrupted pull was started by a newer strata (state version " +
                     std::to_string(*version) +
                     "); finish it with that, or remove "
                     "the .part and .part.state files");
  }
  const auto size = number_of(object.if_contains("size"));
  const auto etag = text_of(object.if_contains("etag"));
  const auto sha256 = text_of(object.if_contains("sha256"));
  if (!size || !etag || !sha256) return malformed;
  PullState state{*size, *etag, *sha256, {}};
  if (!read_done(object.if_contains("done"), state)) return malformed;
  return state;
}

}  // namespace strata::client
