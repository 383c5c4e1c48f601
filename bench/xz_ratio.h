#pragma once

#include <string>

namespace strata::bench {

// How much faster xz is decoded on all threads than on one: files of several blocks as `xz -T`
// makes them, both ways in turn in one run, so that a busy machine slows them alike. One line for
// each size of blocks. Takes about a minute on two cores, most of it for making the files.
[[nodiscard]] std::string measure_xz_ratio();

}  // namespace strata::bench
