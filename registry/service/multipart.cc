#include "registry/service/multipart.h"

#include <optional>
#include <string>

#include "strata/base/text.h"

namespace strata::registry {
namespace {

constexpr std::size_t kBoundaryMax = 70;  // RFC 2046 §5.1.1

std::optional<std::string> boundary_of(std::string_view content_type) {
  for (const std::string_view part : split(content_type, ';')) {
    const std::string_view parameter = trim(part);
    constexpr std::string_view kName = "boundary=";
    if (parameter.size() <= kName.size() || !iequals(parameter.substr(0, kName.size()), kName)) {
      continue;
    }
    std::string_view value = parameter.substr(kName.size());
    if (value.size() >= 2 && value.front() == '"' && value.back() == '"') {
      value = value.substr(1, value.size() - 2);
    }
    if (value.empty() || value.size() > kBoundaryMax) return std::nullopt;
    return std::string(value);
  }
  return std::nullopt;
}

bool names_a_file(std::string_view head) {
  for (std::string_view line : split(head, '\n')) {
    if (line.ends_with('\r')) line.remove_suffix(1);
    constexpr std::string_view kName = "content-disposition:";
    if (line.size() < kName.size() || !iequals(line.substr(0, kName.size()), kName)) continue;
    const std::string lower = ascii_lower(line);
    return lower.find("filename=") != std::string::npos ||
           lower.find("filename*=") != std::string::npos;
  }
  return false;
}

}  // namespace

Result<std::string_view> first_file(std::string_view content_type, std::string_view body) {
  const auto boundary = boundary_of(content_type);
  if (!boundary) return Error(Errc::kMalformed, "multipart: the Content-Type has no boundary");
  const std::string opening = "--" + *boundary;
  const std::string delimiter = "\r\n" + opening;
  // The first delimiter may stand at the very beginning, without the line break.
  std::size_t at = 0;
  if (body.starts_with(opening)) {
    at = opening.size();
  } else {
    at = body.find(delimiter);
    if (at == std::string_view::npos) return Error(Errc::kMalformed, "multipart: no parts");
    at += delimiter.size();
  }
  while (!body.substr(at).starts_with("--")) {
    const std::size_t head_end = body.find("\r\n\r\n", at);
    const std::size_t end =
        head_end == std::string_view::npos ? head_end : body.find(delimiter, head_end + 2);
    if (end == std::string_view::npos) {
      return Error(Errc::kMalformed, "multipart: a part does not end");
    }
    if (names_a_file(body.substr(at, head_end - at))) {
      const std::size_t begin = head_end + 4;
      return end < begin ? std::string_view() : body.substr(begin, end - begin);
    }
    at = end + delimiter.size();
  }
  return Error(Errc::kMalformed, "multipart: no part has a file name");
}

}  // namespace strata::registry
