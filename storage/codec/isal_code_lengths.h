#pragma once

#include <isa-l/igzip_lib.h>

#include <optional>

#include "storage/codec/deflate_state.h"

namespace strata::codec {

// The code lengths of the block that `state` is in (ISAL_BLOCK_CODED), read from its tables; ISA-L
// keeps nothing else of a block's header. The tables are its own affair, so what is read is checked
// against the one thing that must hold of any such table: that lengths and gaps fill the code space
// (RFC 1951 section 3.2.2). nullopt when they do not: a version with other tables.
[[nodiscard]] std::optional<CodeLengths> code_lengths_of(const inflate_state& state);

}  // namespace strata::codec
