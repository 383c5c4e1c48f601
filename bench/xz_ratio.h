#pragma once

#include <cstdio>

namespace strata::bench {

// How much faster xz is decoded on all threads than on one: files of several blocks as `xz -T`
// makes them, both ways in turn in one run, so that a busy machine slows them alike. One line for
// each size of blocks. Takes a minute or two on two cores, a part of it for
// making the files.
void print_xz_ratio(std::FILE* out);

}  // namespace strata::bench
