#include <array>
#include <fstream>
#include <iterator>
#include <map>
#include <utility>

#include "registry/policy/policy.h"
#include "strata/base/limits.h"
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
      return broken(line_, "there is no list " + key.second + " in [" + section_ + "]");
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

}  // namespace

class PolicyFile {
 public:
  static Result<Policy> parse(std::string_view text) {
    STRATA_TRY(const auto lists, IniReader().read(text));
    for (const auto& [section, list] : kLists) {
      if (lists.contains(Key{section, list})) continue;
      return Error(Errc::kMalformed, "policy: [" + std::string(section) + "] must have the list " +
                                         std::string(list) + ", which may be empty");
    }
    Policy policy;
    const auto fill = [&lists](auto& target, const char* name, const auto& convert) -> Status {
      if (auto status = add(target.white, lists, name, "whitelist", convert); !status) {
        return status;
      }
      return add(target.black, lists, name, "blacklist", convert);
    };
    if (auto status = fill(policy.endorsers_, "endorsers", to_email); !status) {
      return status.error();
    }
    if (auto status = fill(policy.images_, "images", Identifier::parse); !status) {
      return status.error();
    }
    if (auto status = fill(policy.checksums_, "checksums", Sha1Digest::from_hex); !status) {
      return status.error();
    }
    return policy;
  }

 private:
  static Result<std::string> to_email(std::string_view text) {
    if (metadata::is_valid_email(text)) return std::string(text);
    return Error(Errc::kMalformed, "an endorser is an e-mail address name@host");
  }

  template <typename T, typename Convert>
  static Status add(std::set<T>& target, const std::map<Key, Items>& lists,
                    const std::string& section, const std::string& colour, const Convert& convert) {
    for (const std::string& item : lists.at(Key{section, colour + section})) {
      auto value = convert(item);
      if (!value) {
        return Error(Errc::kMalformed, "policy, " + colour + section + ", \"" + item +
                                           "\": " + value.error().detail());
      }
      target.insert(*std::move(value));
    }
    return {};
  }
};

Result<Policy> Policy::parse(std::string_view text) {
  return PolicyFile::parse(text);
}

Policy Policy::load(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  std::string text(Limits().policy_file_bytes_max + 1, '\0');
  if (!file.read(text.data(), static_cast<std::streamsize>(text.size())) && !file.eof()) {
    return deny_all("the policy file cannot be read");
  }
  text.resize(static_cast<std::size_t>(file.gcount()));
  if (text.size() > Limits().policy_file_bytes_max) return deny_all("the policy file is too large");
  auto policy = parse(text);
  return policy ? *std::move(policy) : deny_all(policy.error().detail());
}

}  // namespace strata::policy
