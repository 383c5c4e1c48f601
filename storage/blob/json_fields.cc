#include "storage/blob/json_fields.h"

#include <boost/json/parse.hpp>

namespace strata::blob {

Result<std::string> JsonFields::string(std::string_view key) const {
  const auto* value = object_.if_contains(key);
  if (value == nullptr || !value->is_string()) return damaged(key);
  return std::string(value->get_string());
}

Result<std::uint64_t> JsonFields::unsigned_number(std::string_view key) const {
  const auto* value = object_.if_contains(key);
  if (value == nullptr) return damaged(key);
  boost::system::error_code error;
  const auto number = value->to_number<std::uint64_t>(error);
  if (error || value->is_double()) return damaged(key);
  return number;
}

Result<std::int64_t> JsonFields::number(std::string_view key) const {
  const auto* value = object_.if_contains(key);
  if (value == nullptr) return damaged(key);
  boost::system::error_code error;
  const auto number = value->to_number<std::int64_t>(error);
  if (error || value->is_double()) return damaged(key);
  return number;
}

Result<const boost::json::object*> JsonFields::object(std::string_view key) const {
  const auto* value = object_.if_contains(key);
  if (value == nullptr || !value->is_object()) return damaged(key);
  return &value->get_object();
}

Result<const boost::json::array*> JsonFields::array(std::string_view key) const {
  const auto* value = object_.if_contains(key);
  if (value == nullptr || !value->is_array()) return damaged(key);
  return &value->get_array();
}

Status JsonFields::check_version(std::uint64_t newest) const {
  STRATA_TRY(const std::uint64_t version, unsigned_number("version"));
  if (version == 0) return damaged("version");
  if (version <= newest) return {};
  return Error(Errc::kCorruptData, std::string(what_) + " has format version " +
                                       std::to_string(version) + ", this program knows up to " +
                                       std::to_string(newest) + ": it was written by a newer one");
}

Error JsonFields::damaged(std::string_view key) const {
  return {Errc::kCorruptData,
          std::string(what_) + " is damaged: no valid \"" + std::string(key) + "\""};
}

Result<boost::json::object> parse_json_object(std::string_view json, std::string_view what) {
  boost::system::error_code error;
  boost::json::value value = boost::json::parse(json, error);
  if (error || !value.is_object()) {
    return Error(Errc::kCorruptData, std::string(what) + " is damaged: not a JSON object");
  }
  return std::move(value.get_object());
}

}  // namespace strata::blob
