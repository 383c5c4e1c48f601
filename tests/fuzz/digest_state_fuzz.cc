#include <algorithm>
#include <string_view>

#include "strata/digest/hasher.h"
#include "tests/fuzz/fuzz_target.h"
#include "tests/support/digest_states.h"

// Any bytes as a saved digest state, as they are and with a checksum that fits: refused as corrupt,
// or a hasher that saves the same bytes, goes on and ends.
namespace strata::digest {
namespace {

void restore(std::string_view state) {
  auto hasher = restore_hasher(test::bytes_of(state));
  if (!hasher) {
    check(hasher.error().code() == Errc::kCorruptData, "refused as something else");
    return;
  }
  check((*hasher)->save() == state, "a state that has two forms");
  check(state.size() <= kSavedStateBytesMax, "a state longer than any");
  const std::uint64_t before = (*hasher)->bytes();
  const std::size_t more = std::min<std::uint64_t>(300, kHashedBytesMax - before);
  (*hasher)->update(test::bytes_of(std::string(more, 'x')));
  check((*hasher)->bytes() == before + more, "bytes that are not counted");
  auto again = restore_hasher(test::bytes_of((*hasher)->save()));
  check(again.has_value(), "a state of our own is refused");
  check((*again)->finish() == (*hasher)->finish(), "a saved stream ends as another one");
}

}  // namespace
}  // namespace strata::digest

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace strata;  // NOLINT: the entry point must be global
  const std::string input(reinterpret_cast<const char*>(data), size);
  digest::restore(input);
  digest::restore(test::sealed(input));
  return 0;
}
