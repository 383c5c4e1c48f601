#pragma once

#include <string>
#include <string_view>

#include "strata/base/digest.h"
#include "strata/base/result.h"

// Repr-Digest and Content-Digest (RFC 9530), and Digest (RFC 3230) which aria2 verifies.
namespace strata::http {

// "sha-256=:...:, sha-512=:...:"; unknown algorithms are ignored, a malformed dictionary or a value
// of the wrong length is kMalformed. "sha" is SHA-1.
[[nodiscard]] Result<ExpectedDigests> parse_digest_field(std::string_view value);
[[nodiscard]] std::string repr_digest(const DigestSet& set);    // sha-256 and sha-512
[[nodiscard]] std::string legacy_digest(const DigestSet& set);  // SHA-256=...,SHA-512=...

// Merges `b` into `a`; kDigestMismatch when they name different values of one algorithm.
[[nodiscard]] Status merge_expected(ExpectedDigests& a, const ExpectedDigests& b);

}  // namespace strata::http
