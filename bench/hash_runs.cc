#include "bench/hash_runs.h"

#include <algorithm>
#include <array>
#include <memory>
#include <random>

#include "storage/digest/hash_traits.h"
#include "storage/digest/kernels.h"
#include "storage/digest/stream.h"

namespace strata::bench {
namespace {

using digest::Algorithms;

constexpr std::size_t kPageBytes = 4096;

}  // namespace

DigestSet hash_stream(digest::Hasher& hasher, Data data) {
  for (; !data.empty(); data = data.subspan(std::min(kBlockBytes, data.size()))) {
    hasher.update(data.first(std::min(kBlockBytes, data.size())));
  }
  return hasher.finish();
}

std::vector<DigestSet> hash_together(std::span<const Data> streams) {
  std::vector<std::unique_ptr<digest::Hasher>> hashers;
  std::size_t longest = 0;
  for (const Data stream : streams) {
    hashers.push_back(digest::make_lane_hasher(Algorithms::kAll));
    longest = std::max(longest, stream.size());
  }
  std::vector<digest::Piece> pieces;
  for (std::size_t at = 0; at < longest; at += kBlockBytes) {
    pieces.clear();
    for (std::size_t i = 0; i < streams.size(); ++i) {
      const Data rest = streams[i].subspan(std::min(at, streams[i].size()));
      if (rest.empty()) continue;
      pieces.push_back({hashers[i].get(), rest.first(std::min(kBlockBytes, rest.size()))});
    }
    digest::update_together(pieces);
  }
  std::vector<DigestSet> digests;
  for (const auto& hasher : hashers) digests.push_back(hasher->finish());
  return digests;
}

template <typename State>
std::vector<DigestSet> hash_in_lanes(const digest::LaneKernel<State>& kernel,
                                     std::span<const Data> streams, int times) {
  check(streams.size() == kernel.lanes, "a stream for each lane");
  std::vector<digest::Stream> each(
      streams.size(), digest::Stream(digest::own_functions(digest::HashTraits<State>::kAlgorithm)));
  std::array<State*, digest::kLanesMax> states{};
  std::array<const std::byte*, digest::kLanesMax> data{};
  for (std::size_t i = 0; i < streams.size(); ++i) {
    check(streams[i].size() == kLaneBytes, "lanes are equally long");
    states[i] = &(each[i].state().*digest::HashTraits<State>::kState);
    data[i] = streams[i].data();
  }
  for (int turn = 0; turn < times; ++turn) {
    kernel.run(states.data(), data.data(), kLaneBytes / digest::HashTraits<State>::kBlockBytes);
  }
  std::vector<DigestSet> digests;
  for (auto& stream : each) {
    stream.advance(kLaneBytes * static_cast<std::size_t>(times));
    digests.push_back(stream.finish());
  }
  return digests;
}

template std::vector<DigestSet> hash_in_lanes(const digest::LaneKernel<digest::Sha1State>&,
                                              std::span<const Data>, int);
template std::vector<DigestSet> hash_in_lanes(const digest::LaneKernel<digest::Sha256State>&,
                                              std::span<const Data>, int);
template std::vector<DigestSet> hash_in_lanes(const digest::LaneKernel<digest::Sha512State>&,
                                              std::span<const Data>, int);

std::vector<Data> shares(Data data, std::size_t count) {
  std::size_t size = data.size() / count;
  if (size > kPageBytes) size -= size % kPageBytes;
  std::vector<Data> list;
  for (std::size_t i = 0; i + 1 < count; ++i) list.push_back(data.subspan(i * size, size));
  list.push_back(data.subspan((count - 1) * size));
  return list;
}

RandomBytes::RandomBytes(std::size_t size)
    : words_((size + kPageBytes) / sizeof(std::uint64_t) + 1) {
  std::ranges::generate(words_, std::mt19937_64(1));
  void* start = words_.data();
  std::size_t space = words_.size() * sizeof(std::uint64_t);
  check(std::align(kPageBytes, size, start, space) != nullptr, "there is a page to spare");
  data_ = {static_cast<const std::byte*>(start), size};
}

}  // namespace strata::bench
