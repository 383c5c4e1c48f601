#include "storage/client/digest_follower.h"

#include <algorithm>

#include "strata/io/block.h"

namespace strata::client {

DigestFollower::DigestFollower(const io::File& file, digest::Algorithms algorithms,
                               std::stop_token stop)
    : file_(file), algorithms_(algorithms), stop_(std::move(stop)), thread_([this] { follow(); }) {}

DigestFollower::~DigestFollower() {
  {
    const std::lock_guard lock(mutex_);
    given_up_ = true;
  }
  changed_.notify_all();
  if (thread_.joinable()) thread_.join();
}

void DigestFollower::advance(std::uint64_t prefix) {
  {
    const std::lock_guard lock(mutex_);
    prefix_ = std::max(prefix_, prefix);
  }
  changed_.notify_all();
}

Result<DigestSet> DigestFollower::finish(std::uint64_t size) {
  {
    const std::lock_guard lock(mutex_);
    prefix_ = size;
    complete_ = true;
  }
  changed_.notify_all();
  thread_.join();
  return *outcome_;
}

void DigestFollower::follow() {
  auto outcome = digest_all();
  const std::lock_guard lock(mutex_);
  outcome_ = std::move(outcome);
}

std::optional<std::uint64_t> DigestFollower::wait_beyond(std::uint64_t position) {
  std::unique_lock lock(mutex_);
  const bool ready = changed_.wait(
      lock, stop_, [&] { return given_up_ || complete_ || prefix_ >= position + io::kBlockBytes; });
  if (given_up_ || !ready || stop_.stop_requested()) return std::nullopt;
  return prefix_;
}

Result<DigestSet> DigestFollower::digest_all() {
  const auto hasher = digest::make_hasher(algorithms_);
  io::Block block;
  std::uint64_t position = 0;
  for (;;) {
    const auto prefix = wait_beyond(position);
    if (!prefix) return Error(Errc::kCancelled, "stopped");
    if (position == *prefix) return hasher->finish();
    const auto room =
        static_cast<std::size_t>(std::min<std::uint64_t>(io::kBlockBytes, *prefix - position));
    STRATA_TRY(const std::size_t count, file_.read_at(position, {block.data(), room}));
    if (count < room) return Error(Errc::kIo, "the file became shorter while it was read");
    hasher->update({block.data(), count});
    position += count;
  }
}

}  // namespace strata::client
