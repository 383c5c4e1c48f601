#pragma once

#include <boost/json/object.hpp>
#include <cstdint>
#include <string>
#include <string_view>

#include "strata/base/result.h"

// Strict reading of the JSON records that Strata writes for itself (sidecars, catalogue values).
// What is missing, of the wrong type or out of range is kCorruptData: nobody else writes them.
namespace strata::blob {

class JsonFields {
 public:
  // `what` names the record in messages: "the sidecar". Both must outlive this.
  JsonFields(const boost::json::object& object, std::string_view what)
      : object_(object), what_(what) {}

  [[nodiscard]] Result<std::string> string(std::string_view key) const;
  [[nodiscard]] Result<std::uint64_t> unsigned_number(std::string_view key) const;
  [[nodiscard]] Result<std::int64_t> number(std::string_view key) const;
  [[nodiscard]] Result<const boost::json::object*> object(std::string_view key) const;
  [[nodiscard]] Result<const boost::json::array*> array(std::string_view key) const;
  // "version" is between 1 and `newest`; a newer one is refused with a message that says so.
  [[nodiscard]] Status check_version(std::uint64_t newest) const;
  [[nodiscard]] Error damaged(std::string_view key) const;

 private:
  const boost::json::object& object_;
  std::string_view what_;
};

// A whole record. kCorruptData when it is not one JSON object.
[[nodiscard]] Result<boost::json::object> parse_json_object(std::string_view json,
                                                            std::string_view what);

}  // namespace strata::blob
