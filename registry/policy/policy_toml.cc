#include <algorithm>
#include <array>

#include "registry/policy/rules.h"
#include "strata/base/config.h"
#include "strata/base/limits.h"
#include "strata/base/text.h"
#include "strata/io/file_system.h"
#include "strata/metadata/image_metadata.h"

namespace strata::policy {
namespace {

constexpr UnixMillis kHour = 3'600'000;
constexpr std::uint64_t kHoursMax = 100ULL * 366 * 24;  // a century: more is a typing error
constexpr std::int64_t kQuorumMax = 1000;

Error broken(std::string_view key, std::string_view what) {
  return Error(Errc::kMalformed, "policy, " + std::string(key) + ": " + std::string(what));
}

class TomlReader {
 public:
  explicit TomlReader(ConfigFile file) : file_(std::move(file)) {}

  Result<Rules> read() {
    Rules rules;
    for (const auto part : {&TomlReader::read_lists, &TomlReader::read_signers_ca,
                            &TomlReader::read_requirements, &TomlReader::read_quorum}) {
      if (Status status = (this->*part)(rules); !status) return status.error();
    }
    // Last: it knows which keys have been asked for.
    if (Status status = file_.finish(); !status) {
      return Error(Errc::kMalformed, status.error().detail());
    }
    return rules;
  }

 private:
  template <typename T, typename Convert>
  Status read_list(const std::string& key, std::set<T>& target, const Convert& convert) {
    for (const std::string& item : file_.texts(key)) {
      auto value = convert(item);
      if (!value) return broken(key, "\"" + item + "\": " + value.error().detail());
      target.insert(*std::move(value));
    }
    return {};
  }
  template <typename T, typename Convert>
  Status read_pair(const std::string& section, const std::string& what, Lists<T>& lists,
                   const Convert& convert) {
    if (Status status = read_list(section + ".allow" + what, lists.allow, convert); !status) {
      return status;
    }
    return read_list(section + ".deny" + what, lists.deny, convert);
  }

  Status read_lists(Rules& rules);
  Status read_signers_ca(Rules& rules);
  Status read_requirements(Rules& rules);
  Status read_quorum(Rules& rules);

  ConfigFile file_;
};

Result<std::string> parse_subject(std::string_view text) {
  if (!text.empty()) return std::string(text);
  return Error(Errc::kMalformed, "a subject is the text of slreq:subject, like CN=Ops,O=Example");
}

template <std::size_t N>
auto one_of(const std::array<std::string_view, N>& names) {
  return [&names](std::string_view text) -> Result<std::string> {
    if (std::find(names.begin(), names.end(), text) != names.end()) return std::string(text);
    std::string all;
    for (const std::string_view name : names) all += (all.empty() ? "" : ", ") + std::string(name);
    return Error(Errc::kMalformed, "one of " + all);
  };
}

Result<std::string> parse_format(std::string_view text) {
  const bool good = !text.empty() && std::all_of(text.begin(), text.end(), [](unsigned char c) {
    return c > ' ' && c < 0x7f;
  });
  if (good) return ascii_lower(text);
  return Error(Errc::kMalformed, "a format is a word like raw or qcow2");
}

// "90d", "36h", "2w".
Result<UnixMillis> parse_age(std::string_view text) {
  constexpr std::pair<char, std::uint64_t> kUnits[] = {{'h', 1}, {'d', 24}, {'w', 7 * 24}};
  for (const auto& [unit, hours] : kUnits) {
    if (text.empty() || text.back() != unit) continue;
    const auto count = parse_decimal(text.substr(0, text.size() - 1));
    if (!count || *count == 0 || *count > kHoursMax / hours) break;
    return static_cast<UnixMillis>(*count * hours) * kHour;
  }
  return broken("require.max_age",
                "\"" + std::string(text) + "\" is not a time like \"36h\", \"90d\" or \"4w\"");
}

Status TomlReader::read_lists(Rules& rules) {
  if (Status status = read_pair("endorsers", "", rules.endorsers, parse_endorser); !status) {
    return status;
  }
  if (Status status = read_pair("signers", "_subjects", rules.subjects, parse_subject); !status) {
    return status;
  }
  if (Status status =
          read_pair("signers", "_fingerprints", rules.fingerprints, Sha256Digest::from_hex);
      !status) {
    return status;
  }
  if (Status status = read_pair("images", "", rules.images, Identifier::parse); !status) {
    return status;
  }
  if (Status status = read_pair("checksums", "_sha1", rules.sha1, Sha1Digest::from_hex); !status) {
    return status;
  }
  return read_pair("checksums", "_sha256", rules.sha256, Sha256Digest::from_hex);
}

// A CA's word on subjects: without it a list of them would allow whoever writes one into a
// certificate.
Status TomlReader::read_signers_ca(Rules& rules) {
  const auto path = file_.text("signers.ca_file");
  if (!path) {
    if (rules.subjects.allow.empty()) return {};
    return broken("signers.allow_subjects",
                  "needs signers.ca_file, a PEM file of the CA whose certificates may have these "
                  "subjects: anybody can make a self-signed certificate with any subject; or list "
                  "signers.allow_fingerprints");
  }
  if (rules.subjects.allow.empty()) {
    return broken("signers.ca_file", "without signers.allow_subjects it allows and denies nothing");
  }
  // Relative to whatever folder a command is called in, it would be anybody's CA.
  if (!path->starts_with('/')) return broken("signers.ca_file", "must be an absolute path");
  const Limits limits;
  const auto fs = io::make_posix_file_system();
  const auto pem = io::read_file(*fs, *path, limits.trust_file_bytes_max);
  if (!pem) return broken("signers.ca_file", *path + ": " + pem.error().detail());
  auto authorities = metadata::Authorities::load(*pem, {}, limits);
  if (!authorities) {
    // It is worded for the registry's own key.
    std::string_view why = authorities.error().detail();
    constexpr std::string_view kKey = "trust.ca_file: ";
    if (why.starts_with(kKey)) why.remove_prefix(kKey.size());
    return broken("signers.ca_file", *path + ": " + std::string(why));
  }
  rules.signers_ca = *std::move(authorities);
  return {};
}

Status TomlReader::read_requirements(Rules& rules) {
  static constexpr std::array<std::string_view, 3> kStatus = {"valid", "expired", "deprecated"};
  static constexpr std::array<std::string_view, 5> kEncodings = {"identity", "gzip", "xz", "zstd",
                                                                 "bzip2"};
  std::set<std::string> status;
  if (Status read = read_list("require.status", status, one_of(kStatus)); !read) return read;
  if (!status.empty()) rules.status = std::move(status);
  if (Status read = read_list("require.encodings", rules.encodings, one_of(kEncodings)); !read) {
    return read;
  }
  if (Status read = read_list("require.formats", rules.formats, parse_format); !read) return read;
  if (const auto age = file_.text("require.max_age")) {
    auto parsed = parse_age(*age);
    if (!parsed) return parsed.error();
    rules.age_max = *parsed;
  }
  return {};
}

Status TomlReader::read_quorum(Rules& rules) {
  const auto count = file_.integer("quorum.count", 1);
  if (Status status = read_list("quorum.endorsers", rules.quorum_endorsers, parse_endorser);
      !status) {
    return status;
  }
  if (!count) {
    if (rules.quorum_endorsers.empty()) return {};
    return broken("quorum.endorsers", "needs quorum.count, how many of them must agree");
  }
  if (*count > kQuorumMax) {
    return broken("quorum.count", "at most " + std::to_string(kQuorumMax));
  }
  rules.quorum = static_cast<std::size_t>(*count);
  const std::size_t members = rules.quorum_endorsers.size();
  if (members != 0 && rules.quorum > members) {
    return broken("quorum.count", std::to_string(rules.quorum) + " of " + std::to_string(members) +
                                      " endorsers can never agree");
  }
  return {};
}

}  // namespace

Form form_of(std::string_view path) {
  return path.ends_with(".toml") ? Form::kToml : Form::kStratusLab;
}

Result<std::string> parse_endorser(std::string_view text) {
  if (metadata::is_valid_email(text)) return std::string(text);
  return Error(Errc::kMalformed, "an endorser is an e-mail address name@host");
}

Result<Rules> parse_toml(std::string_view text) {
  auto file = ConfigFile::parse(text, "policy");
  if (!file) return Error(Errc::kMalformed, file.error().detail());
  return TomlReader(*std::move(file)).read();
}

}  // namespace strata::policy
