#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "strata/base/clock.h"
#include "strata/base/limits.h"
#include "strata/base/result.h"

// Certificate authorities whose word a site takes for who an endorser is (RFC 5280). No network:
// certificates and revocation lists come from files, intermediate certificates from the bundle only
// (a document carries its leaf alone).
namespace strata::metadata {

// What the authorities say of one certificate.
struct Verdict {
  enum class Kind : std::uint8_t {
    kChains,   // to an authority, and is not revoked
    kUnknown,  // no chain that holds, or a revocation list that is missing or out of date
    kRevoked,
  };
  Kind kind = Kind::kUnknown;
  std::string reason = {};  // when it does not chain: a sentence for the endorser
  // The verdict is the same for documents created from `from` to `to`, both included. Of kChains
  // these are the dates of the chain: its first certificate to expire does so at `to`.
  UnixMillis from = 0;
  UnixMillis to = 0;
  // And before this time, at which a list runs out or begins to hold.
  UnixMillis recheck = 0;
};

// Immutable; any thread. Copies share the certificates.
class Authorities {
 public:
  // PEM texts: at least one self-signed CA certificate, with any intermediate ones, and CRLs (none
  // when empty). kUsage: no such certificate, one that is no CA's, a CRL that nobody of them
  // signed, or a PEM block of another name, however it is spelt. Text between blocks is a comment.
  [[nodiscard]] static Result<Authorities> load(std::string_view certificates,
                                                std::string_view revocation_lists,
                                                const Limits& limits);

  // `certificate` is one DER certificate. The chain is judged at `created`: its dates held when the
  // endorser signed. Revocation is judged by the lists as they are `now`, whatever `created` says:
  // who holds a stolen key chooses that date. With lists, each CA of the chain must have one, not
  // out of date. Digests below SHA-256 and RSA keys below 2048 bits are refused all along the
  // chain.
  [[nodiscard]] Verdict judge(std::span<const std::uint8_t> certificate, UnixMillis created,
                              UnixMillis now) const;

  [[nodiscard]] std::size_t certificates() const;
  [[nodiscard]] std::size_t revocation_lists() const;

 private:
  struct Impl;
  explicit Authorities(std::shared_ptr<const Impl> impl) : impl_(std::move(impl)) {}
  std::shared_ptr<const Impl> impl_;  // shared by the copies
};

}  // namespace strata::metadata
