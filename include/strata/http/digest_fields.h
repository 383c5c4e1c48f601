#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "strata/base/digest.h"
#include "strata/base/result.h"

// Repr-Digest, Content-Digest and the wish for them (RFC 9530), and Digest (RFC 3230) which aria2
// verifies.
namespace strata::http {

// "sha-256=:...:, sha-512=:...:"; unknown algorithms are ignored, a malformed dictionary or a value
// of the wrong length is kMalformed. "sha" is SHA-1.
[[nodiscard]] Result<ExpectedDigests> parse_digest_field(std::string_view value);
[[nodiscard]] std::string repr_digest(const DigestSet& set);  // sha-256 and sha-512
// Those asked for, in that order; "" for none.
[[nodiscard]] std::string repr_digest(const DigestSet& set, std::span<const Algorithm> algorithms);
[[nodiscard]] std::string legacy_digest(const DigestSet& set);  // SHA-256=...,SHA-512=...

// Want-Repr-Digest and Want-Content-Digest: what the peer would like to get, best weight first and
// in the field's order among equals. It is a wish (RFC 9530 §4): weights that are not 1 to 10,
// unknown algorithms and a field that is malformed count as not there.
[[nodiscard]] std::vector<Algorithm> parse_want_digest(std::string_view value);

// Merges `b` into `a`; kDigestMismatch when they name different values of one algorithm.
[[nodiscard]] Status merge_expected(ExpectedDigests& a, const ExpectedDigests& b);

}  // namespace strata::http
