#pragma once

#include <cstdint>
#include <memory>
#include <span>

#include "registry/metadata/certificate.h"

// Certificates that were read before. An endorser signs many documents with one certificate, and
// reading it (OpenSSL 3 looks its decoders up anew, a self-signature is verified) costs nearly half
// of verifying a document. What a certificate says never changes; what it is worth is judged each
// time.
namespace strata::metadata {

// As read_certificate(). Shared with the cache, which keeps the last few hundred; any thread.
[[nodiscard]] Result<std::shared_ptr<const Certificate>> shared_certificate(
    std::span<const std::uint8_t> der);

}  // namespace strata::metadata
