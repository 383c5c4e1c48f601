#include "strata/http/problem.h"

#include <boost/json.hpp>
#include <optional>

#include "strata/base/text.h"

namespace strata::http {
namespace {

// JSON is UTF-8: bytes that are not (echoed from a request) become '?'.
std::string as_utf8(std::string_view text) {
  std::string clean(text);
  if (is_valid_utf8(clean)) return clean;
  for (char& c : clean) {
    if (static_cast<unsigned char>(c) >= 0x80) c = '?';
  }
  return clean;
}

std::string_view last_part(std::string_view uri) {
  const std::size_t cut = uri.find_last_of("/:#");
  return cut == std::string_view::npos ? uri : uri.substr(cut + 1);
}

// The code whose problem type this is: "digest-mismatch", also at the end of a URI.
std::optional<Errc> code_of_type(std::string_view uri) {
  const std::string_view type = last_part(uri);
  if (type == last_part(kMismatchingOffsetType)) return Errc::kOffsetMismatch;
  if (type == last_part(kCompletedUploadType)) return Errc::kGone;
  if (type == last_part(kInconsistentLengthType)) return Errc::kMalformed;
  for (int i = 0; i <= static_cast<int>(Errc::kCancelled); ++i) {
    const auto code = static_cast<Errc>(i);
    // A status of 0 marks what a server never says.
    if (error_info(code).status != 0 && error_info(code).type == type) return code;
  }
  return std::nullopt;
}

Errc code_of_status(int status) {
  if (status == 502 || status == 504) return Errc::kUnavailable;
  for (int i = 0; i <= static_cast<int>(Errc::kCancelled); ++i) {
    const auto code = static_cast<Errc>(i);
    if (error_info(code).status != status) continue;
    // Of the many that share 409 and 422 none is known without a type; the general ones stand in.
    if (status == 409) return Errc::kConflict;
    return code;
  }
  if (status >= 300 && status < 400) return Errc::kNotImplemented;
  return status >= 400 && status < 500 ? Errc::kMalformed : Errc::kInternal;
}

std::string status_detail(int status) {
  const std::string text = "the server answered " + std::to_string(status);
  return status >= 300 && status < 400 ? text + ", a redirect, which is not followed" : text;
}

// The beginning of a body that is no problem document, if it is readable text.
std::string excerpt(std::string_view body) {
  constexpr std::size_t kExcerptBytes = 200;
  std::string text;
  for (const char c : body.substr(0, kExcerptBytes)) {
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) break;
    text += c;
  }
  return as_utf8(text);
}

boost::json::value as_json(const ProblemExtras::Value& value) {
  if (const auto* number = std::get_if<std::uint64_t>(&value)) return *number;
  return boost::json::value(as_utf8(std::get<std::string>(value)));
}

std::string member(const boost::json::object& object, std::string_view name) {
  const auto* value = object.if_contains(name);
  if (value == nullptr || !value->is_string()) return {};
  return std::string(value->get_string());
}

}  // namespace

std::string problem_json(const Error& error, std::string_view request_id,
                         const ProblemExtras& extras) {
  const ErrorInfo& info = error.info();
  boost::json::object problem;
  problem["type"] = extras.type.empty() ? std::string(info.type) : as_utf8(extras.type);
  problem["title"] = info.title;
  problem["status"] = info.status == 0 ? 500 : info.status;
  problem["detail"] = as_utf8(error.detail());
  problem["request_id"] = as_utf8(request_id);
  for (const auto& [name, value] : extras.members) {
    check(!problem.contains(name), "a problem has this member already: " + name);
    problem[name] = as_json(value);
  }
  return boost::json::serialize(problem);
}

Error error_from_response(int status, std::string_view content_type, std::string_view body) {
  const std::string_view media = trim(content_type.substr(0, content_type.find(';')));
  if (!iequals(media, kProblemType) && !iequals(media, "application/json")) {
    const bool text = iequals(media, "text/plain") && !excerpt(body).empty();
    return {code_of_status(status), status_detail(status) + (text ? ": " + excerpt(body) : "")};
  }
  boost::system::error_code bad;
  const boost::json::value document = boost::json::parse(body, bad);
  if (bad || !document.is_object()) return {code_of_status(status), status_detail(status)};
  const auto& problem = document.get_object();
  std::string detail = member(problem, "detail");
  if (detail.empty()) detail = member(problem, "title");
  if (detail.empty()) detail = status_detail(status);
  return {code_of_type(member(problem, "type")).value_or(code_of_status(status)),
          std::move(detail)};
}

}  // namespace strata::http
