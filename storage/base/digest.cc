#include "strata/base/digest.h"

namespace strata {

std::string_view algorithm_name(Algorithm algorithm) {
  switch (algorithm) {
    case Algorithm::kSha1:
      return "sha-1";
    case Algorithm::kSha256:
      return "sha-256";
    case Algorithm::kSha512:
      return "sha-512";
  }
  check(false, "no such algorithm");
  return {};
}

std::optional<Algorithm> algorithm_from_name(std::string_view name) {
  for (const Algorithm a : {Algorithm::kSha1, Algorithm::kSha256, Algorithm::kSha512}) {
    if (name == algorithm_name(a)) return a;
  }
  return std::nullopt;
}

namespace {

template <typename D>
Status compare_one(const std::optional<D>& expected, const D& found, std::string_view view) {
  if (!expected || *expected == found) return {};
  return Error(Errc::kDigestMismatch, std::string(algorithm_name(D::kAlgorithm)) + " of the " +
                                          std::string(view) + " bytes is " + found.hex() +
                                          ", expected " + expected->hex());
}

}  // namespace

Status ExpectedDigests::compare(const DigestSet& found, std::string_view view) const {
  if (bytes && *bytes != found.bytes) {
    return Error(Errc::kSizeMismatch, "there are " + std::to_string(found.bytes) + " " +
                                          std::string(view) + " bytes, expected " +
                                          std::to_string(*bytes));
  }
  if (auto status = compare_one(sha1, found.sha1, view); !status) return status;
  if (auto status = compare_one(sha256, found.sha256, view); !status) return status;
  return compare_one(sha512, found.sha512, view);
}

}  // namespace strata
