#include "strata/http/digest_fields.h"

#include <algorithm>
#include <array>
#include <functional>

#include "strata/base/text.h"
#include "strata/http/structured_fields.h"

namespace strata::http {
namespace {

Error malformed(std::string_view why) {
  return {Errc::kMalformed,
          "the digest field is not a dictionary of `name=:base64:` (" + std::string(why) + ")"};
}

// The names of RFC 9530's registry.
std::string_view field_name(Algorithm algorithm) {
  return algorithm == Algorithm::kSha1 ? "sha" : algorithm_name(algorithm);
}

std::optional<Algorithm> algorithm_of(std::string_view key) {
  for (const Algorithm each : {Algorithm::kSha1, Algorithm::kSha256, Algorithm::kSha512}) {
    if (field_name(each) == key) return each;
  }
  return std::nullopt;
}

template <typename D>
Status keep(std::optional<D>& into, const FieldItem& item) {
  if (item.kind != FieldItem::Kind::kBytes) return malformed("a digest must be in colons");
  const auto bytes = from_base64(item.text.substr(1, item.text.size() - 2));
  if (!bytes) return malformed("bad base64");
  D digest;
  if (bytes->size() != digest.bytes.size()) return malformed("a digest of the wrong length");
  std::copy(bytes->begin(), bytes->end(), digest.bytes.begin());
  // RFC 9651 lets the last of two win; two claims about the same bytes are refused instead.
  if (into && *into != digest) return malformed("two values for one algorithm");
  into = digest;
  return {};
}

Status keep_member(ExpectedDigests& digests, const DictionaryMember& member) {
  const auto algorithm = algorithm_of(member.key);
  if (!algorithm) return {};
  switch (*algorithm) {
    case Algorithm::kSha1:
      return keep(digests.sha1, member.value);
    case Algorithm::kSha256:
      return keep(digests.sha256, member.value);
    case Algorithm::kSha512:
      return keep(digests.sha512, member.value);
  }
  return {};
}

template <typename D>
Status merge_one(std::optional<D>& a, const std::optional<D>& b) {
  if (a && b && *a != *b) {
    return Error(Errc::kDigestMismatch, "two different values of " +
                                            std::string(algorithm_name(D::kAlgorithm)) +
                                            " were given: " + a->hex() + " and " + b->hex());
  }
  if (b) a = b;
  return {};
}

std::string base64_of(const DigestSet& set, Algorithm algorithm) {
  switch (algorithm) {
    case Algorithm::kSha1:
      return set.sha1.base64();
    case Algorithm::kSha256:
      return set.sha256.base64();
    case Algorithm::kSha512:
      break;
  }
  return set.sha512.base64();
}

}  // namespace

Result<ExpectedDigests> parse_digest_field(std::string_view value) {
  const auto members = parse_dictionary(value);
  if (!members) return malformed(members.error().detail());
  ExpectedDigests digests;
  for (const DictionaryMember& member : *members) {
    if (auto kept = keep_member(digests, member); !kept) return kept.error();
  }
  return digests;
}

std::vector<Algorithm> parse_want_digest(std::string_view value) {
  struct Wanted {
    Algorithm algorithm;
    std::uint64_t weight;
  };
  constexpr std::uint64_t kWeightMax = 10;
  const auto members = parse_dictionary(value);
  if (!members) return {};
  std::vector<Wanted> wanted;
  for (const DictionaryMember& member : *members) {
    const auto algorithm = algorithm_of(member.key);
    if (!algorithm) continue;
    std::erase_if(wanted, [&](const Wanted& w) { return w.algorithm == *algorithm; });
    const std::uint64_t weight = member.value.unsigned_integer().value_or(0);
    if (weight > 0 && weight <= kWeightMax) wanted.push_back({*algorithm, weight});
  }
  std::ranges::stable_sort(wanted, std::greater{}, &Wanted::weight);
  std::vector<Algorithm> algorithms;
  for (const Wanted& each : wanted) algorithms.push_back(each.algorithm);
  return algorithms;
}

std::string repr_digest(const DigestSet& set) {
  return repr_digest(set, std::array{Algorithm::kSha256, Algorithm::kSha512});
}

std::string repr_digest(const DigestSet& set, std::span<const Algorithm> algorithms) {
  std::string text;
  for (const Algorithm algorithm : algorithms) {
    if (!text.empty()) text += ", ";
    text += field_name(algorithm);
    text += "=:" + base64_of(set, algorithm) + ":";
  }
  return text;
}

std::string legacy_digest(const DigestSet& set) {
  return "SHA-256=" + set.sha256.base64() + ",SHA-512=" + set.sha512.base64();
}

Status merge_expected(ExpectedDigests& a, const ExpectedDigests& b) {
  if (a.bytes && b.bytes && *a.bytes != *b.bytes) {
    return Error(Errc::kSizeMismatch,
                 "two different sizes were given: " + std::to_string(*a.bytes) + " and " +
                     std::to_string(*b.bytes));
  }
  ExpectedDigests merged = a;
  if (b.bytes) merged.bytes = b.bytes;
  if (auto status = merge_one(merged.sha1, b.sha1); !status) return status;
  if (auto status = merge_one(merged.sha256, b.sha256); !status) return status;
  if (auto status = merge_one(merged.sha512, b.sha512); !status) return status;
  a = merged;
  return {};
}

}  // namespace strata::http
