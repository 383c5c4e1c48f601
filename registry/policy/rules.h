#pragma once

#include <cstddef>
#include <optional>
#include <set>
#include <string>
#include <string_view>

#include "strata/base/clock.h"
#include "strata/base/digest.h"
#include "strata/base/ids.h"
#include "strata/base/result.h"
#include "strata/metadata/authorities.h"

// What a policy file says, as a value. Two files say it; registry/FORMAT.md ("Policy file") has
// both forms. In both, a list that is empty does not count, and what is unknown, double or of the
// wrong form makes the file broken, because a typing error must not switch a list off.
namespace strata::policy {

template <typename T>
struct Lists {
  std::set<T> allow, deny;
};

struct Rules {
  Lists<std::string> endorsers;  // e-mail addresses, exact
  Lists<std::string> subjects;   // of certificates, as written into documents, exact
  // signers.ca_file: an allowed subject counts with a chain to one of these. There when
  // `subjects.allow` is not empty.
  std::optional<metadata::Authorities> signers_ca;
  Lists<Sha256Digest> fingerprints;  // of certificates
  Lists<Identifier> images;
  Lists<Sha1Digest> sha1;      // allowed: the decoded bytes; denied: decoded or stored ones
  Lists<Sha256Digest> sha256;  // likewise
  std::set<std::string> status = {"valid"};
  std::set<std::string> encodings;         // of the stored forms; empty: any
  std::set<std::string> formats;           // of the disk; empty: any
  std::optional<UnixMillis> age_max;       // milliseconds since the entry's `created`
  std::size_t quorum = 0;                  // endorsers that must agree; 0: no such rule
  std::set<std::string> quorum_endorsers;  // who counts; empty: everybody
};

enum class Form : unsigned char { kStratusLab, kToml };
// By the name alone, so that no content can be read as the other form: "*.toml" is ours.
[[nodiscard]] Form form_of(std::string_view path);

// kMalformed, naming the list or key, and the item. TOML may name another file, which is read.
[[nodiscard]] Result<Rules> parse_stratuslab(std::string_view text);
[[nodiscard]] Result<Rules> parse_toml(std::string_view text);

// An endorser in a list.
[[nodiscard]] Result<std::string> parse_endorser(std::string_view text);

}  // namespace strata::policy
