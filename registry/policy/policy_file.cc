#include <array>
#include <map>
#include <utility>

#include "registry/policy/rules.h"
#include "strata/base/text.h"

namespace strata::policy {
namespace {

using Key = std::pair<std::string, std::string>;  // section, list
using Items = std::vector<std::string>;

constexpr std::array<std::pair<std::string_view, std::string_view>, 6> kLists = {
    {{"endorsers", "whitelistendorsers"},
     {"endorsers", "blacklistendorsers"},
     {"images", "whitelistimages"},
     {"images", "blacklistimages"},
     {"checksums", "whitelistchecksums"},
     {"checksums", "blacklistchecksums"}}};

bool is_known(const Key& key) {
  for (const auto& [section, list] : kLists) {
    if (key.first == section && key.second == list) return true;
  }
  return false;
}

Error broken(std::size_t line, std::string what) {
  return Error(Errc::kMalformed, "policy, line " + std::to_string(line) + ": " + std::move(what));
}

// StratusLab's policy.cfg: three sections of two lists each
//   [endorsers] whitelistendorsers= blacklistendorsers=   e-mail addresses
//   [images]    whitelistimages=    blacklistimages=      identifiers
//   [checksums] whitelistchecksums= blacklistchecksums=   SHA-1, hex
// one value per line, continuation lines indented; '#' and ';' start a comment line. All six must
// be there.

// The lists of an INI file, as Python's ConfigParser reads them.
class IniReader {
 public:
  Result<std::map<Key, Items>> read(std::string_view text) {
    for (std::string_view line : split(text, '\n')) {
      ++line_;
      if (line.ends_with('\r')) line.remove_suffix(1);
      if (auto status = read_line(line); !status) return status.error();
    }
    return std::move(lists_);
  }

 private:
  Status read_line(std::string_view line) {
    const std::string_view content = trim(line);
    if (content.empty() || content.front() == '#' || content.front() == ';') return {};
    if (line.front() == ' ' || line.front() == '\t') {
      if (list_ == nullptr) return broken(line_, "an indented line must follow a list");
      list_->emplace_back(content);
      return {};
    }
    return content.front() == '[' ? section(content) : option(content);
  }

  Status section(std::string_view content) {
    list_ = nullptr;
    section_ = std::string(content.substr(1, content.size() - 2));
    for (const auto& [known, list] : kLists) {
      if (content.back() == ']' && section_ == known) return {};
    }
    return broken(line_, "there is no section " + std::string(content));
  }

  Status option(std::string_view content) {
    const std::size_t at = content.find_first_of("=:");
    Key key{section_, ascii_lower(trim(content.substr(0, at)))};
    if (at == std::string_view::npos || !is_known(key)) {
      return broken(line_, "there is no list " + key.second + " in [" + section_ +
                               "]; a policy in TOML has a name that ends in .toml");
    }
    const auto [entry, is_new] = lists_.try_emplace(std::move(key));
    if (!is_new) return broken(line_, entry->first.second + " is there twice");
    list_ = &entry->second;
    const std::string_view first = trim(content.substr(at + 1));
    if (!first.empty()) list_->emplace_back(first);
    return {};
  }

  std::map<Key, Items> lists_;
  std::string section_;
  Items* list_ = nullptr;
  std::size_t line_ = 0;
};

template <typename T, typename Convert>
Status fill_list(std::set<T>& target, const std::map<Key, Items>& lists, const std::string& section,
                 const std::string& colour, const Convert& convert) {
  for (const std::string& item : lists.at(Key{section, colour + section})) {
    auto value = convert(item);
    if (!value) {
      return Error(Errc::kMalformed,
                   "policy, " + colour + section + ", \"" + item + "\": " + value.error().detail());
    }
    target.insert(*std::move(value));
  }
  return {};
}

template <typename T, typename Convert>
Status fill(Lists<T>& target, const std::map<Key, Items>& lists, const char* section,
            const Convert& convert) {
  if (auto status = fill_list(target.allow, lists, section, "whitelist", convert); !status) {
    return status;
  }
  return fill_list(target.deny, lists, section, "blacklist", convert);
}

}  // namespace

Result<Rules> parse_stratuslab(std::string_view text) {
  STRATA_TRY(const auto lists, IniReader().read(text));
  for (const auto& [section, list] : kLists) {
    if (lists.contains(Key{section, list})) continue;
    return Error(Errc::kMalformed, "policy: [" + std::string(section) + "] must have the list " +
                                       std::string(list) + ", which may be empty");
  }
  Rules rules;
  if (auto status = fill(rules.endorsers, lists, "endorsers", parse_endorser); !status) {
    return status.error();
  }
  if (auto status = fill(rules.images, lists, "images", Identifier::parse); !status) {
    return status.error();
  }
  if (auto status = fill(rules.sha1, lists, "checksums", Sha1Digest::from_hex); !status) {
    return status.error();
  }
  return rules;
}

}  // namespace strata::policy
