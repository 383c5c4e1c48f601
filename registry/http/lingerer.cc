#include "registry/http/lingerer.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdint>

#include "strata/base/limits.h"
#include "strata/base/result.h"

namespace strata::registry_http {
namespace {

// Enough for an answer to reach the far side of the world and the client to stop.
constexpr std::chrono::seconds kLinger{2};
constexpr std::size_t kDiscardMax = 16 * kMiB;
constexpr std::size_t kPeersMax = 256;

}  // namespace

Lingerer::Lingerer() : wake_(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {
  check(wake_ >= 0, "eventfd");
  thread_ = std::thread([this] { run(); });
}

Lingerer::~Lingerer() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  (void)eventfd_write(wake_, 1);
  thread_.join();
  close(wake_);
}

void Lingerer::take(int descriptor) {
  const int copy = fcntl(descriptor, F_DUPFD_CLOEXEC, 0);
  if (copy < 0) return;
  (void)shutdown(copy, SHUT_WR);
  {
    const std::lock_guard lock(mutex_);
    if (arrived_.size() >= kPeersMax) {
      close(copy);
      return;
    }
    arrived_.push_back({copy, std::chrono::steady_clock::now() + kLinger});
  }
  (void)eventfd_write(wake_, 1);
}

bool Lingerer::finished(Peer& peer, bool readable) {
  std::array<char, 16 * kKiB> scratch;
  while (readable) {
    const ssize_t n = recv(peer.descriptor, scratch.data(), scratch.size(), MSG_DONTWAIT);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) {
      if (errno != EAGAIN && errno != EWOULDBLOCK) return true;
      break;
    }
    if (n == 0) return true;
    peer.discarded += static_cast<std::size_t>(n);
    if (peer.discarded > kDiscardMax) return true;
  }
  return std::chrono::steady_clock::now() >= peer.deadline;
}

void Lingerer::run() {
  std::vector<Peer> peers;
  std::vector<pollfd> polled;
  while (true) {
    {
      const std::lock_guard lock(mutex_);
      if (stopping_) break;
      for (const Peer& peer : arrived_) {
        if (peers.size() < kPeersMax) {
          peers.push_back(peer);
        } else {
          close(peer.descriptor);
        }
      }
      arrived_.clear();
    }
    polled.assign(1, {wake_, POLLIN, 0});
    for (const Peer& peer : peers) polled.push_back({peer.descriptor, POLLIN, 0});
    constexpr int kTickMs = 200;
    (void)poll(polled.data(), polled.size(), peers.empty() ? -1 : kTickMs);
    std::uint64_t ignored = 0;
    (void)eventfd_read(wake_, &ignored);
    std::size_t kept = 0;
    for (std::size_t i = 0; i < peers.size(); ++i) {
      if (finished(peers[i], polled[i + 1].revents != 0)) {
        close(peers[i].descriptor);
      } else {
        peers[kept++] = peers[i];
      }
    }
    peers.resize(kept);
  }
  for (const Peer& peer : peers) close(peer.descriptor);
  for (const Peer& peer : arrived_) close(peer.descriptor);
}

}  // namespace strata::registry_http
