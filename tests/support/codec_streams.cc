#include "tests/support/codec_streams.h"

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <memory>
#include <mutex>
#include <random>
#include <vector>

namespace strata::test {
namespace {

// What a decoder that is waiting() wakes.
class Alarm {
 public:
  void ring() {
    const std::lock_guard lock(mutex_);
    rung_ = true;
    changed_.notify_one();
  }
  void wait() {
    std::unique_lock lock(mutex_);
    check(changed_.wait_for(lock, std::chrono::seconds(60), [this] { return rung_; }),
          "a decoder that waits is never woken");
    rung_ = false;
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  bool rung_ = false;
};

}  // namespace

std::span<const std::byte> bytes_of(std::string_view text) {
  return std::as_bytes(std::span(text));
}

codec::DecoderLimits default_limits() {
  return codec::DecoderLimits::from(Limits{});
}

Pieces pieces_of(std::size_t in, std::size_t out) {
  return {[in] { return in; }, [out] { return out; }};
}

Result<std::string> decode_all(codec::Decoder& decoder, std::string_view input,
                               const Pieces& pieces) {
  std::string decoded;
  std::vector<std::byte> room;
  bool drained = false;  // the last step left room, and nothing of its input
  const auto alarm = std::make_shared<Alarm>();
  decoder.set_wake([alarm] { alarm->ring(); });
  for (;;) {
    const auto in = bytes_of(input.substr(0, pieces.in()));
    room.resize(pieces.out());
    STRATA_TRY(const codec::Decoder::Step step, decoder.step(in, room));
    check(step.consumed <= in.size() && step.produced <= room.size(), "a step beyond its spans");
    const bool idle = step.consumed == 0 && step.produced == 0;
    if (idle && decoder.waiting()) {
      alarm->wait();
      continue;
    }
    check(in.empty() || !idle, "no progress although there was input and room");
    check(!in.empty() || !drained || step.produced == 0,
          "output held back although there was room");
    drained = step.consumed == in.size() && step.produced < room.size() && !decoder.waiting();
    if (in.empty() && step.produced == 0 && !decoder.waiting()) break;
    input.remove_prefix(step.consumed);
    decoded.append(reinterpret_cast<const char*>(room.data()), step.produced);
  }
  if (Status ok = decoder.finish(); !ok) return ok.error();
  return decoded;
}

codec::DiskInfo probe_all(std::string_view stream, std::size_t piece) {
  codec::DiskProbe probe;
  for (; !stream.empty(); stream.remove_prefix(std::min(piece, stream.size()))) {
    probe.update(bytes_of(stream.substr(0, piece)));
  }
  return probe.finish();
}

std::string sample_data(std::size_t bytes, std::uint64_t seed) {
  std::mt19937_64 random(seed);
  std::string data;
  data.reserve(bytes + 4096);
  while (data.size() < bytes) {
    const std::size_t length = 1 + random() % 4096;
    switch (random() % 4) {
      case 0:
        data.append(length, '\0');
        break;
      case 1:
        data.append(length, static_cast<char>(random()));
        break;
      case 2:
        for (std::size_t i = 0; i < length; ++i) data += static_cast<char>(random());
        break;
      default:
        for (std::size_t i = 0; i < length; i += 8) data += "line " + std::to_string(random() % 64);
    }
  }
  data.resize(bytes);
  return data;
}

std::string little_endian(std::uint64_t value, std::size_t bytes) {
  std::string text;
  for (std::size_t i = 0; i < bytes; ++i, value >>= 8) text += static_cast<char>(value & 0xFF);
  return text;
}

std::string big_endian(std::uint64_t value, std::size_t bytes) {
  std::string text = little_endian(value, bytes);
  std::reverse(text.begin(), text.end());
  return text;
}

}  // namespace strata::test
