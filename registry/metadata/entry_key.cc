#include <algorithm>

#include "strata/base/text.h"
#include "strata/metadata/image_metadata.h"

namespace strata::metadata {
namespace {

constexpr std::size_t kEmailBytesMax = 254;  // RFC 5321 §4.5.3.1.3, less the angle brackets

bool is_alphanumeric(char c) {
  return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
}

bool all_of(std::string_view text, std::string_view extra) {
  return !text.empty() && std::all_of(text.begin(), text.end(), [extra](char c) {
    return is_alphanumeric(c) || extra.find(c) != std::string_view::npos;
  });
}

}  // namespace

bool is_valid_email(std::string_view email) {
  const std::size_t at = email.find('@');
  return at != std::string_view::npos && email.size() <= kEmailBytesMax &&
         email.find("..") == std::string_view::npos && all_of(email.substr(0, at), "._%+-") &&
         all_of(email.substr(at + 1), ".-");
}

Result<EntryKey> EntryKey::parse(std::string_view identifier, std::string_view endorser,
                                 std::string_view created) {
  EntryKey key;
  STRATA_TRY(key.identifier, Identifier::parse(identifier));
  if (!is_valid_email(endorser)) {
    return Error(Errc::kMalformed, "an endorser is an e-mail address name@host");
  }
  const auto time = parse_rfc3339(created);
  if (!time || *time < 0) {
    return Error(Errc::kMalformed,
                 "the time of an endorsement is a date YYYY-MM-DDThh:mm:ssZ from 1970 on");
  }
  key.endorser = std::string(endorser);
  key.created = *time;
  return key;
}

std::string EntryKey::path() const {
  return "/metadata/" + identifier.text() + "/" + percent_encode(endorser, "@") + "/" +
         format_rfc3339(created);
}

}  // namespace strata::metadata
