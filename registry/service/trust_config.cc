#include "registry/service/trust_config.h"

#include "strata/base/digest.h"
#include "strata/io/file_system.h"

namespace strata::registry {
namespace {

using Mode = TrustRules::Mode;

Error wrong(std::string text) {
  return {Errc::kUsage, std::move(text)};
}

bool is_fingerprint(std::string_view text) {
  return Sha256Digest::from_hex(text).has_value();
}

Result<Mode> mode_of(const std::string& text) {
  if (text == "any") return Mode::kAny;
  if (text == "listed") return Mode::kListed;
  if (text == "ca") return Mode::kCa;
  return wrong("trust: '" + text + "' is neither 'any' nor 'listed' nor 'ca'");
}

Status check_endorsers(const std::vector<std::string>& endorsers, Mode mode) {
  for (const std::string& endorser : endorsers) {
    const bool is_email = metadata::is_valid_email(endorser);
    if (is_email && mode == Mode::kCa) {
      return wrong("trust.endorsers: '" + endorser +
                   "': with mode 'ca' everybody with a chain is trusted, so the list takes "
                   "SHA-256 fingerprints only, of who has none");
    }
    if (is_email || is_fingerprint(endorser)) continue;
    return wrong("trust.endorsers: '" + endorser +
                 "' is neither an e-mail address nor a SHA-256 fingerprint (64 hex digits)");
  }
  return {};
}

Result<TrustRules::Binding> binding_of(const ConfigFile::TextTable& table, bool has_authorities) {
  const auto value = [&table](std::string_view name) {
    const auto found = table.find(name);
    return found == table.end() ? std::string() : found->second;
  };
  TrustRules::Binding binding{value("email"), value("subject"), value("fingerprint")};
  const std::string where = "[[trust.bindings]] of '" + binding.email + "': ";
  if (!metadata::is_valid_email(binding.email)) return wrong(where + "email must be an address");
  if (binding.subject.empty() == binding.fingerprint.empty()) {
    return wrong(where + "it needs one of subject and fingerprint");
  }
  if (!binding.fingerprint.empty() && !is_fingerprint(binding.fingerprint)) {
    return wrong(where + "fingerprint must be a SHA-256 in 64 hex digits");
  }
  if (!binding.subject.empty() && !has_authorities) {
    return wrong(where +
                 "a binding by subject needs trust.ca_file, because a self-signed certificate can "
                 "claim any subject; or bind the fingerprint");
  }
  return binding;
}

Result<std::string> read(const std::string& key, const std::string& path, const Limits& limits) {
  const auto fs = io::make_posix_file_system();
  auto text = io::read_file(*fs, path, limits.trust_file_bytes_max);
  if (!text) return wrong(key + ": " + text.error().detail());
  return text;
}

}  // namespace

TrustSettings read_trust_settings(ConfigFile& file) {
  TrustSettings settings;
  settings.mode = file.text("trust.mode");
  settings.endorsers = file.texts("trust.endorsers");
  settings.ca_file = file.text("trust.ca_file");
  settings.crl_file = file.text("trust.crl_file");
  settings.bindings = file.text_tables("trust.bindings", {"email", "subject", "fingerprint"});
  settings.legacy_uploads = file.boolean("legacy_uploads").value_or(false);
  return settings;
}

Result<TrustRules> make_trust_rules(const TrustSettings& settings, const Limits& limits) {
  TrustRules rules;
  STRATA_TRY(rules.mode, mode_of(settings.mode.value_or("any")));
  rules.endorsers = settings.endorsers;
  rules.legacy_uploads = settings.legacy_uploads;
  if (Status status = check_endorsers(rules.endorsers, rules.mode); !status) return status.error();
  for (const auto& table : settings.bindings) {
    STRATA_TRY(auto binding, binding_of(table, settings.ca_file.has_value()));
    rules.bindings.push_back(std::move(binding));
  }
  if (settings.ca_file) {
    STRATA_TRY(const std::string certificates, read("trust.ca_file", *settings.ca_file, limits));
    std::string lists;
    if (settings.crl_file) {
      STRATA_TRY(lists, read("trust.crl_file", *settings.crl_file, limits));
      if (lists.empty()) return wrong("trust.crl_file: " + *settings.crl_file + " is empty");
    }
    STRATA_TRY(rules.authorities, metadata::Authorities::load(certificates, lists, limits));
  } else if (settings.crl_file) {
    return wrong("trust.crl_file needs trust.ca_file: a list is signed by its CA");
  }
  if (rules.mode == Mode::kCa && !rules.authorities) {
    return wrong("--trust ca needs trust.ca_file: a PEM file with the CA's certificates");
  }
  if (rules.mode == Mode::kListed && rules.endorsers.empty()) {
    return wrong(
        "--trust listed needs a list [trust] endorsers of at least one "
        "e-mail address or SHA-256 fingerprint");
  }
  return rules;
}

}  // namespace strata::registry
