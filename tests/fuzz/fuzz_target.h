#pragma once

#include <cstddef>
#include <cstdint>

// What libFuzzer calls; the plain tests of this folder call it with a corpus of their own.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);
