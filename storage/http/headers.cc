#include "strata/http/headers.h"

#include <algorithm>

#include "strata/base/text.h"

namespace strata::http {

void Headers::add(std::string_view name, std::string_view value) {
  fields_.emplace_back(name, value);
}

void Headers::set(std::string_view name, std::string_view value) {
  // The new value takes the place of the first one; copies first, in case `value` is a view of it.
  Field field(name, value);
  const auto first = std::find_if(fields_.begin(), fields_.end(),
                                  [&](const Field& f) { return iequals(f.first, field.first); });
  if (first == fields_.end()) {
    fields_.push_back(std::move(field));
    return;
  }
  *first = std::move(field);
  const auto rest = std::remove_if(first + 1, fields_.end(),
                                   [&](const Field& f) { return iequals(f.first, first->first); });
  fields_.erase(rest, fields_.end());
}

void Headers::remove(std::string_view name) {
  const std::string copy(name);
  std::erase_if(fields_, [&](const Field& f) { return iequals(f.first, copy); });
}

std::optional<std::string_view> Headers::get(std::string_view name) const {
  for (const Field& field : fields_) {
    if (iequals(field.first, name)) return field.second;
  }
  return std::nullopt;
}

std::optional<std::string> Headers::joined(std::string_view name) const {
  std::optional<std::string> all;
  for (const Field& field : fields_) {
    if (!iequals(field.first, name)) continue;
    if (all) {
      *all += ", ";
      *all += field.second;
    } else {
      all = field.second;
    }
  }
  return all;
}

std::size_t Headers::count(std::string_view name) const {
  return static_cast<std::size_t>(std::count_if(
      fields_.begin(), fields_.end(), [&](const Field& f) { return iequals(f.first, name); }));
}

}  // namespace strata::http
