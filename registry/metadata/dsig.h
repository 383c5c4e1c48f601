#pragma once

#include <xmlsec/crypto.h>
#include <xmlsec/keys.h>
#include <xmlsec/openssl/evp.h>
#include <xmlsec/xmldsig.h>

#include <memory>

#include "registry/metadata/certificate.h"

namespace strata::metadata {

struct DsigFree {
  void operator()(xmlSecDSigCtx* context) const { xmlSecDSigCtxDestroy(context); }
};
using DsigPtr = std::unique_ptr<xmlSecDSigCtx, DsigFree>;

// A context without a key manager that uses this key and no other: xmlsec then never looks into
// KeyInfo. The key is shared with its owner. Null when xmlsec refuses the key.
[[nodiscard]] DsigPtr make_dsig(EVP_PKEY* key);

}  // namespace strata::metadata
