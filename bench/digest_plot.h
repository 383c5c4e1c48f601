#pragma once

#include <string>

#include "bench/digest_ratios.h"

// The table as a picture.
namespace strata::bench {

// A whole SVG 1.1 document on a white ground, without scripts and other files. Left: one stream,
// OpenSSL beside ours, with the limit. Right: all three digests on one thread over the number of
// streams, with both limits. What the table does not have is left out.
[[nodiscard]] std::string to_svg(const DigestRatioTable& table);

}  // namespace strata::bench
