#pragma once

#include <memory>

#include "storage/digest/kernels.h"
#include "strata/digest/hasher.h"

namespace strata::digest {

// A Hasher on one of our kernels, which must be supported. `rest`, if any, gets the same bytes and
// adds its digests: what the kernel does not do.
[[nodiscard]] std::unique_ptr<Hasher> make_kernel_hasher(const Kernel& kernel,
                                                         std::unique_ptr<Hasher> rest = nullptr);

}  // namespace strata::digest
