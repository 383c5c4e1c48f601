#include "storage/service/config.h"

#include <CLI/CLI.hpp>
#include <iostream>
#include <optional>

#include "strata/base/config.h"
#include "strata/base/text.h"
#include "strata/base/version.h"
#include "strata/http/url.h"

namespace strata::storage {
namespace {

Status set_listen(std::string_view text, Config& config) {
  const std::size_t colon = text.rfind(':');
  const auto port =
      colon == std::string_view::npos ? std::nullopt : parse_decimal(text.substr(colon + 1));
  if (!port || *port > 65535 || colon == 0) {
    return Error(Errc::kUsage, "listen must be HOST:PORT, for example 127.0.0.1:8080, not '" +
                                   std::string(text) + "'");
  }
  std::string_view host = text.substr(0, colon);
  if (host.size() > 2 && host.front() == '[' && host.back() == ']') {
    host = host.substr(1, host.size() - 2);
  }
  config.host = std::string(host);
  config.port = static_cast<std::uint16_t>(*port);
  return {};
}

Status set_register(std::string_view text, Config& config) {
  if (text == "all") {
    config.register_mode = RegisterMode::kAll;
  } else if (text == "public") {
    config.register_mode = RegisterMode::kPublic;
  } else if (text == "none") {
    config.register_mode = RegisterMode::kNone;
  } else {
    return Error(Errc::kUsage,
                 "register must be all, public or none, not '" + std::string(text) + "'");
  }
  return {};
}

Status set_log(const std::optional<std::string>& level, const std::optional<std::string>& format,
               Config& config) {
  if (level == "debug") config.log_level = log::Level::kDebug;
  if (level == "warn") config.log_level = log::Level::kWarn;
  if (level == "error") config.log_level = log::Level::kError;
  if (level && level != "debug" && level != "info" && level != "warn" && level != "error") {
    return Error(Errc::kUsage, "log.level must be debug, info, warn or error");
  }
  if (format == "json") config.log_format = log::Format::kJson;
  if (format && format != "json" && format != "text") {
    return Error(Errc::kUsage, "log.format must be text or json");
  }
  return {};
}

// Rules between keys, after all sources have been read.
Status check_config(const Config& config) {
  if (!http::is_loopback_host(config.host) && !config.auth_required) {
    return Error(Errc::kUsage,
                 "listening on " + config.host +
                     " without authentication: set auth.required = true, or listen on 127.0.0.1");
  }
  for (const std::string& url : {config.public_url, config.registry_url}) {
    if (url.empty()) continue;
    if (const auto parsed = http::Url::parse(url); !parsed) {
      return Error(Errc::kUsage, "'" + url + "': " + parsed.error().detail());
    }
  }
  if (config.endorser_key.empty() != config.endorser_certificate.empty()) {
    return Error(Errc::kUsage, "endorser key and certificate must be given together");
  }
  return {};
}

void trim_slash(std::string& url) {
  while (!url.empty() && url.back() == '/') url.pop_back();
}

}  // namespace

Status apply_file(const std::string& path, Config& config) {
  STRATA_TRY(ConfigFile file, ConfigFile::load(path));
  const auto assign = [&](std::string_view key, std::string& field) {
    if (auto value = file.text(key)) field = *value;
  };
  const auto listen = file.text("listen");
  const auto mode = file.text("registry.register");
  assign("data", config.data);
  assign("public_url", config.public_url);
  assign("registry.url", config.registry_url);
  assign("policy.file", config.policy_file);
  assign("endorser.key", config.endorser_key);
  assign("endorser.cert", config.endorser_certificate);
  assign("endorser.email", config.endorser_email);
  config.auth_required = file.boolean("auth.required").value_or(config.auth_required);
  config.anonymous_read = file.boolean("auth.anonymous_read").value_or(config.anonymous_read);
  config.cors_origins = file.texts("cors.origins");
  if (const auto threads = file.integer("network_threads")) {
    config.network_threads = static_cast<std::size_t>(*threads);
  }
  const auto level = file.text("log.level");
  const auto format = file.text("log.format");
  file.read_limits(config.limits);
  if (const Status status = file.finish(); !status) return status;
  if (listen) {
    if (const Status status = set_listen(*listen, config); !status) return status.error().in(path);
  }
  if (mode) {
    if (const Status status = set_register(*mode, config); !status) return status.error().in(path);
  }
  return set_log(level, format, config);
}

Result<CommandLine> parse_command_line(int argc, char** argv) {
  CLI::App app("strata-storage: keeps private disk images and serves any byte range of them");
  std::string file, listen, mode;
  bool check_only = false;
  Config given;
  app.add_option("--config", file, "TOML configuration file");
  app.add_flag("--check-config", check_only, "Read the configuration, say what is wrong, exit");
  auto* listen_option = app.add_option("--listen", listen, "HOST:PORT, port 0 picks one");
  auto* data = app.add_option("--data", given.data, "Folder for images and records");
  auto* url =
      app.add_option("--public-url", given.public_url, "URL that clients reach this server by");
  auto* registry = app.add_option("--registry", given.registry_url, "URL of strata-registry");
  auto* mode_option =
      app.add_option("--register", mode, "Which images to register: all, public, none");
  auto* key =
      app.add_option("--endorser-key", given.endorser_key, "PEM private key of the endorser");
  auto* cert = app.add_option("--endorser-cert", given.endorser_certificate, "PEM certificate");
  app.set_version_flag("--version", "strata-storage " + std::string(kVersion));
  try {
    app.parse(argc, argv);
  } catch (const CLI::Success& success) {
    app.exit(success, std::cout, std::cerr);
    return CommandLine{CommandLine::Action::kExit, {}};
  } catch (const CLI::ParseError& error) {
    return Error(Errc::kUsage, error.what());
  }
  CommandLine line;
  Config& config = line.config;
  if (!file.empty()) {
    if (const Status status = apply_file(file, config); !status) return status.error();
  }
  if (*listen_option) {
    if (const Status status = set_listen(listen, config); !status) return status.error();
  }
  if (*mode_option) {
    if (const Status status = set_register(mode, config); !status) return status.error();
  }
  if (*data) config.data = given.data;
  if (*url) config.public_url = given.public_url;
  if (*registry) config.registry_url = given.registry_url;
  if (*key) config.endorser_key = given.endorser_key;
  if (*cert) config.endorser_certificate = given.endorser_certificate;
  trim_slash(config.public_url);
  trim_slash(config.registry_url);
  if (const Status status = check_config(config); !status) return status.error();
  if (check_only) line.action = CommandLine::Action::kCheckConfig;
  return line;
}

}  // namespace strata::storage
