#include "storage/client/upload_metadata.h"

#include "strata/base/text.h"

namespace strata::client {
namespace {

Status check_tags(const std::vector<std::string>& tags) {
  for (const std::string& tag : tags) {
    if (tag.empty() || tag.find(',') != std::string::npos) {
      return Error(Errc::kUsage, "a tag is not empty and has no comma: '" + tag + "'");
    }
  }
  return {};
}

Status check_key(const std::string& key) {
  const bool fits = !key.empty() && key.find_first_of(" ,\r\n\t") == std::string::npos;
  if (fits) return {};
  return Error(Errc::kUsage, "a key has no space and no comma: '" + key + "'");
}

}  // namespace

Result<std::string> upload_metadata(const std::string& name, const PushOptions& options) {
  if (name.empty()) return Error(Errc::kUsage, "the image needs a name");
  if (auto status = check_tags(options.tags); !status) return status.error();
  std::string text;
  const auto add = [&](const std::string& key, std::string_view value) {
    text += (text.empty() ? "" : ",") + key;
    const auto* bytes = reinterpret_cast<const std::uint8_t*>(value.data());
    if (!value.empty()) text += " " + to_base64({bytes, value.size()});
  };
  add("filename", name);
  add("visibility", options.is_public ? "public" : "private");
  std::string tags;
  for (const std::string& tag : options.tags) tags += (tags.empty() ? "" : ",") + tag;
  if (!tags.empty()) add("tags", tags);
  for (const auto& [key, value] : options.metadata) {
    if (auto status = check_key(key); !status) return status.error();
    add(key, value);
  }
  const ExpectedDigests& expected = options.expected;
  if (expected.bytes) add("bytes", std::to_string(*expected.bytes));
  if (expected.sha1) add("sha-1", expected.sha1->hex());
  if (expected.sha256) add("sha-256", expected.sha256->hex());
  if (expected.sha512) add("sha-512", expected.sha512->hex());
  return text;
}

}  // namespace strata::client
