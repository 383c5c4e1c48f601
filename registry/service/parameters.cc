#include "registry/service/parameters.h"

#include <algorithm>

#include "strata/base/digest.h"
#include "strata/base/text.h"
#include "strata/metadata/image_metadata.h"

namespace strata::registry {
namespace {

using entries::Field;
using entries::Query;

template <typename E>
struct Choice {
  std::string_view name;
  E value;
};

template <typename E, std::size_t N>
Status choose(const Parameters& parameters, std::string_view key, const Choice<E> (&choices)[N],
              E& out) {
  const auto value = parameters.get(key);
  if (!value) return {};
  std::string names;
  for (const Choice<E>& choice : choices) {
    if (choice.name == *value) {
      out = choice.value;
      return {};
    }
    names += (names.empty() ? "" : ", ") + std::string(choice.name);
  }
  return Error(Errc::kMalformed, std::string(key) + ": one of " + names);
}

}  // namespace

std::optional<std::string> Parameters::get(std::string_view key) const {
  for (const auto& [name, value] : values_) {
    if (name == key && !value.empty()) return value;
  }
  return std::nullopt;
}

Status Parameters::require_known(std::initializer_list<std::string_view> known) const {
  for (const auto& [name, value] : values_) {
    if (std::find(known.begin(), known.end(), name) == known.end()) {
      return Error(Errc::kMalformed, "unknown query key '" + name + "'");
    }
  }
  return {};
}

std::string Parameters::with(std::string_view key, std::string_view value) const {
  std::string query;
  for (const auto& [name, old] : values_) {
    if (name == key || old.empty()) continue;
    query += (query.empty() ? "?" : "&") + percent_encode(name) + "=" + percent_encode(old);
  }
  query += (query.empty() ? "?" : "&") + percent_encode(key) + "=" + percent_encode(value);
  return query;
}

Result<Query> list_query(const Parameters& parameters, const Limits& limits, UnixMillis now) {
  Query query;
  query.now = now;
  query.limit = limits.page_size;
  if (const auto text = parameters.get("limit")) {
    const auto limit = parse_decimal(*text);
    if (!limit || *limit == 0 || *limit > limits.page_size_max) {
      return Error(Errc::kMalformed,
                   "limit: a number from 1 to " + std::to_string(limits.page_size_max));
    }
    query.limit = static_cast<std::size_t>(*limit);
  }
  query.cursor = parameters.get("cursor").value_or("");
  constexpr Choice<Query::Status> kStatus[] = {{"valid", Query::Status::kValid},
                                               {"expired", Query::Status::kExpired},
                                               {"deprecated", Query::Status::kDeprecated},
                                               {"all", Query::Status::kAll}};
  constexpr Choice<Query::Location> kLocation[] = {{"all", Query::Location::kAll},
                                                   {"web", Query::Location::kWeb},
                                                   {"pdisk", Query::Location::kPdisk}};
  constexpr Choice<Query::Order> kSort[] = {{"-created", Query::Order::kNewestFirst},
                                            {"created", Query::Order::kOldestFirst}};
  if (Status status = choose(parameters, "status", kStatus, query.status); !status) {
    return status.error();
  }
  if (Status status = choose(parameters, "location", kLocation, query.location); !status) {
    return status.error();
  }
  if (Status status = choose(parameters, "sort", kSort, query.order); !status) {
    return status.error();
  }
  return query;
}

Status add_filter(Field field, std::string_view name, const std::string& value, Query& query) {
  const auto refuse = [&](const Error& error) { return error.in(name); };
  std::string canonical = value;
  if (field == Field::kIdentifier) {
    const auto identifier = Identifier::parse(value);
    if (!identifier) return refuse(identifier.error());
  } else if (field == Field::kSha1) {
    const auto digest = Sha1Digest::from_hex(value);
    if (!digest) return refuse(digest.error());
    canonical = digest->hex();
  } else if (field == Field::kSha256) {
    const auto digest = Sha256Digest::from_hex(value);
    if (!digest) return refuse(digest.error());
    canonical = digest->hex();
  }
  query.filters.emplace_back(field, std::move(canonical));
  return {};
}

Status add_filters(const Parameters& parameters, Query& query) {
  constexpr Choice<Field> kFilters[] = {
      {"os", Field::kOs},
      {"os_version", Field::kOsVersion},
      {"arch", Field::kArch},
      {"endorser", Field::kEndorser},
      {"kind", Field::kKind},
      {"format", Field::kFormat},
      {"identifier", Field::kIdentifier},
      {"sha1", Field::kSha1},
      {"sha256", Field::kSha256},
      {"tag", Field::kTag},
  };
  query.text = parameters.get("q").value_or("");
  for (const Choice<Field>& filter : kFilters) {
    const auto value = parameters.get(filter.name);
    if (!value) continue;
    if (Status status = add_filter(filter.value, filter.name, *value, query); !status) {
      return status;
    }
  }
  return {};
}

}  // namespace strata::registry
