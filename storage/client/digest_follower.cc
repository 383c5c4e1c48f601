#include "storage/client/digest_follower.h"

#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>

#include "strata/io/block.h"

namespace strata::client {
namespace {

// Where the data at or behind `position` begins, `end` at most. Whatever the file system cannot
// tell is data. lseek moves the descriptor's offset, which nobody uses: all reads name theirs.
std::uint64_t next_data(const io::File& file, std::uint64_t position, std::uint64_t end) {
  const off_t data = ::lseek(file.descriptor(), static_cast<off_t>(position), SEEK_DATA);
  if (data >= 0) return std::clamp(static_cast<std::uint64_t>(data), position, end);
  // ENXIO: there is none up to the end of the file, which a shorter file has before `end`.
  if (errno != ENXIO) return position;
  const auto size = file.size();
  return size && *size >= end ? end : position;
}

void digest_zeros(digest::Hasher& hasher, std::uint64_t bytes) {
  static constexpr std::array<std::byte, 64 * 1024> kZeros{};
  while (bytes > 0) {
    const auto count = std::min<std::uint64_t>(bytes, kZeros.size());
    hasher.update(std::span(kZeros).first(count));
    bytes -= count;
  }
}

}  // namespace

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
    const std::uint64_t end = std::min(*prefix, position + io::kBlockBytes);
    const std::uint64_t data = next_data(file_, position, end);
    digest_zeros(*hasher, data - position);
    position = data;
    const auto room = static_cast<std::size_t>(end - position);
    STRATA_TRY(const std::size_t count, file_.read_at(position, {block.data(), room}));
    if (count < room) return Error(Errc::kIo, "the file became shorter while it was read");
    hasher->update({block.data(), count});
    position += count;
  }
}

}  // namespace strata::client
