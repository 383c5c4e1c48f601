#include <algorithm>
#include <random>
#include <string>
#include <string_view>

#include "strata/codec/disk_format.h"
#include "tests/fuzz/fuzz_target.h"
#include "tests/support/codec_states.h"
#include "tests/support/codec_streams.h"

// Any bytes as a saved state of a decoder or a disk probe, as they are and with a checksum that
// fits: refused as corrupt, or something that saves the same bytes and goes on with any input.
// The first two bytes are the length of the state; what is behind it is the input.
namespace strata::codec {
namespace {

constexpr DecoderLimits kLimits{.output_bytes_max = std::uint64_t{1} << 62,
                                .zstd_window_bytes_max = 8 * kMiB,
                                .xz_memory_bytes_max = 16 * kMiB,
                                .parts_max = std::uint64_t{1} << 62};
constexpr std::size_t kDecodedMax = 4 * kMiB;

// Up to some amount, as hostile input is as long as it likes to be.
void decode_some(Decoder& decoder, std::string_view input, unsigned seed) {
  std::minstd_rand random(seed);
  std::string room(64 * 1024, '\0');
  for (std::size_t decoded = 0; decoded < kDecodedMax;) {
    const std::size_t shift = random() % 17;
    const auto in = test::bytes_of(input.substr(0, 1 + random() % (std::size_t{1} << shift)));
    const auto out = std::as_writable_bytes(std::span(room)).first(1 + random() % room.size());
    const auto step = decoder.step(in, out);
    if (!step) return;
    check(step->consumed <= in.size() && step->produced <= out.size(), "a step beyond its spans");
    check(in.empty() || step->consumed + step->produced > 0, "no progress");
    decoded += step->produced;
    input.remove_prefix(step->consumed);
    if (in.empty() && step->produced == 0) break;
    if (random() % 8 != 0) continue;
    const auto state = decoder.save();
    check(!state || state->size() <= kSavedDecoderBytesMax, "a state longer than any");
  }
  (void)decoder.finish();
}

void restore(std::string_view state, std::string_view input) {
  for (const auto engine : {InflateEngine::kIsal, InflateEngine::kZlib}) {
    auto restored = test::restore_with(engine, state, kLimits);
    if (!restored) {
      const Errc code = restored.error().code();
      check(code == Errc::kCorruptData || code == Errc::kDecompressionLimit, "another error");
      continue;
    }
    const auto again = restored->decoder->save();
    check(!again || *again == state, "a state that has two forms");
    decode_some(*restored->decoder, input, 1 + static_cast<unsigned>(state.size()));
  }
}

void restore_probe(std::string_view state, std::string_view input) {
  auto probe = DiskProbe::restore(test::bytes_of(state));
  if (!probe) {
    check(probe.error().code() == Errc::kCorruptData, "refused as something else");
    return;
  }
  check(probe->save() == state, "a state that has two forms");
  probe->update(test::bytes_of(input));
  check(DiskProbe::restore(test::bytes_of(probe->save())).has_value(), "our own state is refused");
  (void)probe->finish();
}

}  // namespace
}  // namespace strata::codec

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace strata;  // NOLINT: the entry point must be global
  if (size < 2) return 0;
  const std::string_view rest(reinterpret_cast<const char*>(data) + 2, size - 2);
  const std::size_t length = std::min<std::size_t>(rest.size(), 256U * data[0] + data[1]);
  const std::string state(rest.substr(0, length));
  const std::string_view input = rest.substr(length);
  for (const std::string& each : {state, test::sealed(state)}) {
    codec::restore(each, input);
    codec::restore_probe(each, input);
  }
  return 0;
}
