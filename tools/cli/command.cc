#include "tools/cli/command.h"

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iostream>

#include "strata/base/config.h"
#include "strata/base/text.h"
#include "strata/base/version.h"

namespace strata::cli {
namespace {

std::string environment(const char* name) {
  const char* value = std::getenv(name);  // NOLINT(concurrency-mt-unsafe): before any thread
  return value == nullptr ? std::string() : std::string(value);
}

std::string config_path() {
  std::string folder = environment("XDG_CONFIG_HOME");
  if (folder.empty() && !environment("HOME").empty()) folder = environment("HOME") + "/.config";
  return folder.empty() ? std::string() : folder + "/strata/config.toml";
}

std::vector<std::string> split_urls(const std::string& list) {
  std::vector<std::string> urls;
  for (const std::string_view url : split(list, ',')) {
    if (!trim(url).empty()) urls.emplace_back(trim(url));
  }
  return urls;
}

}  // namespace

int exit_code(const Error& error) {
  switch (error.code()) {
    case Errc::kUsage:
    case Errc::kAmbiguous:
      return kUsage;
    case Errc::kNotFound:
      return kNotFound;
    case Errc::kVerification:
    case Errc::kUntrustedSignature:
    case Errc::kDigestMismatch:
    case Errc::kSizeMismatch:
      return kRefused;
    case Errc::kUnreachable:
      return kUnreachable;
    default:
      return kFailed;
  }
}

std::string state_folder() {
  std::string folder = environment("XDG_STATE_HOME");
  // The XDG specification: a relative path is to be ignored.
  if (!folder.starts_with('/')) {
    const std::string home = environment("HOME");
    folder = home.empty() ? std::string() : home + "/.local/state";
  }
  return folder.empty() ? std::string() : folder + "/strata";
}

Result<Endpoints> load_endpoints() {
  Endpoints endpoints;
  const std::string path = config_path();
  if (!path.empty() && std::filesystem::exists(path)) {
    STRATA_TRY(ConfigFile file, ConfigFile::load(path));
    if (auto value = file.text("storage")) endpoints.storage = *value;
    if (auto value = file.text("registry")) endpoints.registries = split_urls(*value);
    if (auto value = file.text("token")) endpoints.token = *value;
    if (auto value = file.text("policy")) endpoints.policy = *value;
    if (const Status status = file.finish(); !status) return status.error();
  }
  if (const auto value = environment("STRATA_STORAGE"); !value.empty()) endpoints.storage = value;
  if (const auto value = environment("STRATA_REGISTRY"); !value.empty()) {
    endpoints.registries = split_urls(value);
  }
  if (const auto value = environment("STRATA_TOKEN"); !value.empty()) endpoints.token = value;
  if (const auto value = environment("STRATA_POLICY"); !value.empty()) endpoints.policy = value;
  return endpoints;
}

namespace {

Result<http::Url> parse_endpoint(const std::string& url) {
  auto parsed = http::Url::parse(url);
  if (!parsed) return Error(Errc::kUsage, url + ": " + parsed.error().detail());
  return parsed;
}

http::ClientOptions client_options() {
  http::ClientOptions options;
  options.user_agent = "strata/" + std::string(kVersion);
  return options;
}

}  // namespace

Result<http::Client> Context::connect_registry(const std::string& url) const {
  STRATA_TRY(auto parsed, parse_endpoint(url));
  return http::Client(std::move(parsed), client_options());
}

Result<client::Endpoint> Context::storage_endpoint() const {
  STRATA_TRY(auto parsed, parse_endpoint(endpoints.storage));
  client::Endpoint endpoint{std::move(parsed), client_options(), {}};
  endpoint.options.bearer_token = endpoints.token;
  return endpoint;
}

Result<std::string> read_small_file(const std::string& path, std::size_t bytes_max) {
  std::ifstream file;
  if (path != "-") {
    file.open(path, std::ios::binary);
    if (!file) return Error(Errc::kNotFound, "cannot read " + path);
  }
  std::istream& in = path == "-" ? std::cin : file;
  std::string text(bytes_max + 1, '\0');
  in.read(text.data(), static_cast<std::streamsize>(text.size()));
  text.resize(static_cast<std::size_t>(in.gcount()));
  if (text.size() > bytes_max) {
    return Error(Errc::kTooLarge, path + " is larger than " + human_bytes(bytes_max));
  }
  return text;
}

Status write_text(const std::string& path, const std::string& text) {
  if (path.empty() || path == "-") {
    std::cout << text << std::flush;
    if (!std::cout) return Error(Errc::kIo, "writing to standard output failed");
    return {};
  }
  std::ofstream out(path, std::ios::binary | std::ios::trunc);
  out << text << std::flush;
  if (!out) return Error(Errc::kIo, "cannot write " + path);
  return {};
}

// Line by line: an answer's text and a file's name come from outside.
void complain(const Error& error) {
  std::string text = "strata: ";
  for (const std::string_view line : split(error.detail(), '\n')) {
    text.append(printable(line)).append("\n");
  }
  std::cerr << text;
}

std::string printable(std::string_view text) {
  if (!is_valid_utf8(text)) return percent_encode(text, " ");
  std::string safe;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const auto c = static_cast<unsigned char>(text[i]);
    // U+0080 to U+009F too: terminals take U+009B for ESC [.
    const bool c1 = c == 0xc2 && static_cast<unsigned char>(text[i + 1]) < 0xa0;
    if (c1) ++i;
    if (c1 || c < 0x20 || c == 0x7f) {
      safe += '?';
    } else {
      safe += text[i];
    }
  }
  return safe;
}

}  // namespace strata::cli
