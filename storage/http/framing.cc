#include "storage/http/framing.h"

#include "strata/base/text.h"

namespace strata::http {

Result<Framing> parse_framing(const Headers& headers, int minor_version) {
  const std::size_t lengths = headers.count("Content-Length");
  const auto coding = headers.joined("Transfer-Encoding");
  if (lengths > 1) return Error(Errc::kMalformed, "Content-Length is there more than once");
  if (coding && lengths > 0) {
    return Error(Errc::kMalformed, "Content-Length and Transfer-Encoding together");
  }
  if (coding && minor_version == 0) {
    return Error(Errc::kMalformed, "HTTP/1.0 has no Transfer-Encoding");
  }
  if (coding) {
    if (!iequals(*coding, "chunked")) {
      return Error(Errc::kNotImplemented, "the only transfer coding understood is chunked");
    }
    return Framing{Framing::Kind::kChunked, 0};
  }
  if (lengths == 0) return Framing{};
  const auto length = parse_decimal(*headers.get("Content-Length"));
  if (!length) return Error(Errc::kMalformed, "Content-Length is not a plain decimal number");
  return Framing{Framing::Kind::kLength, *length};
}

bool wants_keep_alive(const Headers& headers, int minor_version) {
  const auto options = headers.joined("Connection");
  bool keep = minor_version >= 1;
  if (!options) return keep;
  for (const std::string_view option : split(*options, ',')) {
    if (iequals(trim(option), "close")) return false;
    if (iequals(trim(option), "keep-alive")) keep = true;
  }
  return keep;
}

}  // namespace strata::http
