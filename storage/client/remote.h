#pragma once

#include <optional>
#include <string>

#include "storage/client/endpoint.h"
#include "strata/base/digest.h"

namespace strata::client {

// What a server says of a representation before its bytes.
struct Remote {
  std::optional<std::uint64_t> size;
  std::string etag;     // strong; empty: none
  bool ranges = false;  // Accept-Ranges: bytes
};

// Asks with HEAD, and compares size and Repr-Digest with `expected`: kVerification when they
// contradict it, before a byte is fetched. A server that refuses HEAD (403 of a GET-only signed
// URL, 405, 501) leaves everything unknown.
[[nodiscard]] Result<Remote> probe(const Endpoint& endpoint, const ExpectedDigests& expected);

// An error of comparing digests is kVerification here: bytes came to us, not from us.
[[nodiscard]] Status as_verification(Status status);

}  // namespace strata::client
