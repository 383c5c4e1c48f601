#pragma once

#include "registry/metadata/certificate.h"
#include "strata/metadata/document.h"

namespace strata::metadata {

struct Endorser::Impl {
  Certificate certificate;
  KeyPtr key;
  KeyKind kind;
};

}  // namespace strata::metadata
