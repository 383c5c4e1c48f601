#include "storage/digest/lanes.h"

#include <algorithm>
#include <array>

#include "storage/digest/hash_traits.h"

namespace strata::digest {
namespace {

// Bytes of each lane between two algorithms: the data of sixteen lanes is still in the second cache
// when the next algorithm reads it. Fewer cost more calls; 4 to 32 KiB are equally fast.
constexpr std::size_t kPassBytes = std::size_t{8} << 10;

// One algorithm over the next `bytes` of each lane.
template <typename State>
void take_turns(std::span<const LaneInput> lanes, const std::vector<LaneTurn<State>>& turns,
                std::size_t bytes, LaneUse& use) {
  const auto state_of = [](const LaneInput& lane) -> State& {
    return lane.stream->state().*HashTraits<State>::kState;
  };
  const std::size_t blocks = bytes / HashTraits<State>::kBlockBytes;
  for (const LaneTurn<State>& turn : turns) {
    const auto taken = lanes.first(turn.streams);
    lanes = lanes.subspan(turn.streams);
    if (turn.kernel == nullptr) {
      const auto run = single_functions().*HashTraits<State>::kSingle;
      run(state_of(taken[0]), taken[0].data.data(), blocks);
      continue;
    }
    std::array<State, kLanesMax> unused;
    std::array<State*, kLanesMax> states{};
    std::array<const std::byte*, kLanesMax> data{};
    for (std::size_t i = 0; i < turn.kernel->lanes; ++i) {
      const bool used = i < taken.size();
      states[i] = used ? &state_of(taken[i]) : &unused[i];
      data[i] = taken[used ? i : 0].data.data();
    }
    turn.kernel->run(states.data(), data.data(), blocks);
    use.filled_bytes += taken.size() * bytes;
    use.lane_bytes += turn.kernel->lanes * bytes;
  }
}

// `bytes`, whole blocks, of every lane.
void run_plan(std::span<const LaneInput> lanes, const LanePlan& plan, std::size_t bytes,
              LaneUse& use) {
  for (const LaneInput& lane : lanes.first(plan.alone)) {
    lane.stream->run_blocks(lane.data.data(), bytes / kStreamBlockBytes);
  }
  lanes = lanes.subspan(plan.alone);
  take_turns(lanes, plan.sha512, bytes, use);
  for (const LaneInput& lane : lanes.first(plan.paired)) {
    StreamState& state = lane.stream->state();
    single_functions().pair(state.sha1, state.sha256, lane.data.data(), bytes / 64);
  }
  lanes = lanes.subspan(plan.paired);
  take_turns(lanes, plan.sha256, bytes, use);
  take_turns(lanes, plan.sha1, bytes, use);
}

// At most kLanesMax streams, with whole blocks each.
void run_together(std::vector<LaneInput> lanes, const LanePlans& plans, LaneUse& use) {
  const auto left = [](const LaneInput& lane) { return lane.data.size(); };
  while (!lanes.empty()) {
    const std::size_t shortest = left(std::ranges::min(lanes, {}, left));
    const std::size_t bytes = std::min(shortest, kPassBytes);
    run_plan(lanes, plans[lanes.size()], bytes, use);
    for (LaneInput& lane : lanes) {
      lane.stream->advance(bytes);
      lane.data = lane.data.subspan(bytes);
    }
    std::erase_if(lanes, [](const LaneInput& lane) { return lane.data.empty(); });
  }
}

void update_group(std::span<const LaneInput> inputs, const LanePlans& plans, LaneUse& use) {
  std::vector<LaneInput> lanes, tails;
  for (const auto& [stream, data] : inputs) {
    const auto rest = stream->complete_block(data);
    const std::size_t whole = rest.size() / kStreamBlockBytes * kStreamBlockBytes;
    if (whole > 0) lanes.push_back({stream, rest.first(whole)});
    if (whole < rest.size()) tails.push_back({stream, rest.subspan(whole)});
  }
  run_together(std::move(lanes), plans, use);
  for (const auto& [stream, tail] : tails) stream->keep_tail(tail);
}

}  // namespace

LaneUse update_in_lanes(std::span<const LaneInput> inputs, const LanePlans& plans) {
  LaneUse use;
  while (!inputs.empty()) {
    // Full groups first: their lanes are full, and the rest costs what it costs.
    const std::size_t size = std::min(inputs.size(), kLanesMax);
    update_group(inputs.first(size), plans, use);
    inputs = inputs.subspan(size);
  }
  return use;
}

LaneUse update_together(std::span<const Piece> pieces) {
  std::array<std::vector<LaneInput>, 8> by_algorithms;
  for (const Piece& piece : pieces) {
    Stream* const stream = piece.hasher->stream();
    if (stream == nullptr) {
      piece.hasher->update(piece.data);
    } else {
      by_algorithms.at(static_cast<std::size_t>(stream->algorithms()))
          .push_back({stream, piece.data});
    }
  }
  LaneUse use;
  for (std::size_t set = 0; set < by_algorithms.size(); ++set) {
    if (by_algorithms[set].empty()) continue;
    const auto& plans = lane_plans(static_cast<Algorithms>(set));
    const LaneUse part = update_in_lanes(by_algorithms[set], plans);
    use.filled_bytes += part.filled_bytes;
    use.lane_bytes += part.lane_bytes;
  }
  return use;
}

}  // namespace strata::digest
