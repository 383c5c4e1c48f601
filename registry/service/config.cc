#include "registry/service/config.h"

#include <algorithm>

#include "registry/service/trust_config.h"
#include "strata/base/config.h"
#include "strata/base/text.h"
#include "strata/http/url.h"

namespace strata::registry {
namespace {

constexpr std::int64_t kThreadsMax = 256;

Status read_listen(const std::string& text, Config& config) {
  const std::size_t colon = text.rfind(':');
  const auto port = colon == std::string::npos
                        ? std::nullopt
                        : parse_decimal(std::string_view(text).substr(colon + 1));
  if (!port || *port > 65535 || colon == 0) {
    return Error(Errc::kUsage, "listen: '" + text + "' is not HOST:PORT");
  }
  config.host = text.substr(0, colon);
  if (config.host.starts_with('[') && config.host.ends_with(']')) {
    config.host = config.host.substr(1, config.host.size() - 2);
  }
  config.port = static_cast<std::uint16_t>(*port);
  return {};
}

Status read_public_url(std::string text, Config& config) {
  while (text.ends_with('/')) text.pop_back();
  if (const auto url = http::Url::parse(text); !url) {
    return Error(Errc::kUsage, "public_url: " + url.error().detail());
  }
  config.public_url = std::move(text);
  return {};
}

Status read_log(ConfigFile& file, Config& config) {
  constexpr std::pair<std::string_view, log::Level> kLevels[] = {{"debug", log::Level::kDebug},
                                                                 {"info", log::Level::kInfo},
                                                                 {"warn", log::Level::kWarn},
                                                                 {"error", log::Level::kError}};
  if (const auto level = file.text("log.level")) {
    const auto* found = std::find_if(std::begin(kLevels), std::end(kLevels),
                                     [&](const auto& known) { return known.first == *level; });
    if (found == std::end(kLevels)) {
      return Error(Errc::kUsage, "log.level: one of debug, info, warn, error");
    }
    config.log_level = found->second;
  }
  if (const auto format = file.text("log.format")) {
    if (*format != "text" && *format != "json") {
      return Error(Errc::kUsage, "log.format: 'text' or 'json'");
    }
    config.log_format = *format == "json" ? log::Format::kJson : log::Format::kText;
  }
  return {};
}

Status check_confirmation(const ConfirmationSettings& settings) {
  if (settings.command.empty() && settings.from.empty()) return {};
  if (settings.command.empty() || !settings.command[0].starts_with('/')) {
    return Error(Errc::kUsage,
                 "confirmation.command: a list of an absolute path and its arguments, like "
                 "[\"/usr/sbin/sendmail\", \"-t\", \"-i\"]");
  }
  if (!metadata::is_valid_email(settings.from)) {
    return Error(Errc::kUsage, "confirmation.from: '" + settings.from +
                                   "' is no e-mail address name@host, which the messages need");
  }
  return {};
}

// How others than this machine get here: by the address, or by a proxy that public_url tells of.
// Empty: not at all.
std::string way_in(const Config& config) {
  if (!http::is_loopback_host(config.host)) {
    return "listening on " + config.host + ", which is not a loopback address,";
  }
  const auto url = http::Url::parse(config.public_url);
  if (config.public_url.empty() || (url && http::is_loopback_host(url->host))) return {};
  return "public_url " + config.public_url + ", whose host is not a loopback address,";
}

// Without a CA an e-mail address in the list is what a certificate says of itself.
Status check_listed_addresses(const Config& config, const std::string& way) {
  if (config.trust.mode != TrustRules::Mode::kListed || config.trust.authorities ||
      !config.confirmation.command.empty()) {
    return {};
  }
  for (const std::string& endorser : config.trust.endorsers) {
    if (endorser.find('@') == std::string::npos) continue;
    return Error(Errc::kUsage,
                 "trust.endorsers: '" + endorser +
                     "' is an e-mail address, and anybody can make a certificate with it: " + way +
                     " needs the SHA-256 fingerprint of the certificate instead, or trust.ca_file "
                     "with the CA that issued it, or confirmation.command, which asks by e-mail");
  }
  return {};
}

// Who gets here must not be believed without a reason.
Status check_trust(const Config& config) {
  const std::string way = way_in(config);
  if (way.empty()) return {};
  if (config.trust.mode == TrustRules::Mode::kAny) {
    return Error(Errc::kUsage,
                 way +
                     " needs --trust listed and a list [trust] endorsers, or --trust ca: "
                     "otherwise anybody could publish");
  }
  return check_listed_addresses(config, way);
}

// Values that are right one by one and wrong together.
Status check_together(const Flags& flags, Config& config) {
  const bool asks = !config.confirmation.command.empty();
  if (Status status = check_trust(config); !status) {
    // A start without a file has no place for a list, and whoever says --trust says it now: on a
    // loopback address that is a trial, or a proxy's business, and a warning is enough.
    const bool said = flags.config.empty() || flags.trust.has_value();
    if (!said || !http::is_loopback_host(config.host)) return status;
    config.warnings.push_back(status.error().detail());
  }
  if (!http::is_loopback_host(config.host) && asks && config.public_url.empty()) {
    return Error(Errc::kUsage,
                 "confirmation.command needs public_url: the links in its messages begin with it");
  }
  if (asks && config.threads < 2) {
    return Error(Errc::kUsage,
                 "confirmation.command needs at least 2 threads: one waits for the mail program, "
                 "and with threads = 1 nobody would be answered meanwhile");
  }
  return {};
}

}  // namespace

Result<Config> load_config(const Flags& flags) {
  Config config;
  ConfigFile file = ConfigFile::empty();
  if (!flags.config.empty()) {
    STRATA_TRY(file, ConfigFile::load(flags.config));
  }
  const auto listen = file.text("listen");
  const auto data = file.text("data");
  const auto public_url = file.text("public_url");
  TrustSettings trust = read_trust_settings(file);
  config.confirmation.command = file.texts("confirmation.command");
  config.confirmation.from = file.text("confirmation.from").value_or("");
  if (const auto threads = file.integer("threads", 1)) {
    config.threads = static_cast<std::size_t>(std::min(*threads, kThreadsMax));
  }
  config.policy_file = file.text("policy.file").value_or("");
  file.read_limits(config.limits);
  if (Status status = read_log(file, config); !status) return status.error();
  if (Status status = file.finish(); !status) return status.error();

  if (const auto& value = flags.listen ? flags.listen : listen) {
    if (Status status = read_listen(*value, config); !status) return status.error();
  }
  config.data = flags.data ? *flags.data : data.value_or(config.data);
  if (const auto& value = flags.public_url ? flags.public_url : public_url) {
    if (Status status = read_public_url(*value, config); !status) return status.error();
  }
  if (flags.trust) trust.mode = flags.trust;
  if (flags.confirmation) config.confirmation = *flags.confirmation;
  STRATA_TRY(config.trust, make_trust_rules(trust, config.limits));
  if (Status status = check_confirmation(config.confirmation); !status) return status.error();
  if (Status status = check_together(flags, config); !status) return status.error();
  return config;
}

}  // namespace strata::registry
