#include "registry/http/watchdog.h"

#include <sys/socket.h>

namespace strata::registry_http {

class Watchdog::Connection {
 public:
  enum class Phase : std::uint8_t { kIdle, kHead, kBody, kBusy };
  explicit Connection(int socket) : descriptor(socket) {}
  void enter(Phase next) {
    phase = next;
    since = std::chrono::steady_clock::now();
    bytes = 0;
  }

  const int descriptor;
  Phase phase = Phase::kIdle;
  Time since = std::chrono::steady_clock::now();  // of the phase, or of the rate window
  std::uint64_t bytes = 0;                        // of the body since then
};

Watchdog::Watchdog(const Limits& limits) : limits_(limits), thread_([this] { run(); }) {}

Watchdog::~Watchdog() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  wake_.notify_all();
  thread_.join();
  for (Connection* connection : connections_) delete connection;
}

Watchdog::Connection* Watchdog::add(int descriptor) {
  auto* connection = new Connection(descriptor);
  const std::lock_guard lock(mutex_);
  connections_.insert(connection);
  return connection;
}

void Watchdog::remove(Connection* connection) {
  {
    const std::lock_guard lock(mutex_);
    connections_.erase(connection);
  }
  delete connection;
}

void Watchdog::idle(Connection& connection) {
  const std::lock_guard lock(mutex_);
  connection.enter(Connection::Phase::kIdle);
}

void Watchdog::head(Connection& connection) {
  const std::lock_guard lock(mutex_);
  connection.enter(Connection::Phase::kHead);
}

void Watchdog::body(Connection& connection, std::uint64_t bytes) {
  const std::lock_guard lock(mutex_);
  if (connection.phase != Connection::Phase::kBody) connection.enter(Connection::Phase::kBody);
  connection.bytes += bytes;
}

void Watchdog::busy(Connection& connection) {
  const std::lock_guard lock(mutex_);
  connection.enter(Connection::Phase::kBusy);
}

bool Watchdog::too_slow(Connection& connection, Time now) const {
  const auto age = now - connection.since;
  switch (connection.phase) {
    case Connection::Phase::kIdle:
      return age > limits_.keep_alive_idle + limits_.header_timeout;
    case Connection::Phase::kHead:
      return age > limits_.header_timeout;
    case Connection::Phase::kBody: {
      if (age < limits_.rate_window) return false;
      const auto seconds = static_cast<std::uint64_t>(limits_.rate_window.count());
      if (connection.bytes < limits_.body_rate_min_bytes_per_s * seconds) return true;
      connection.since = now;
      connection.bytes = 0;
      return false;
    }
    case Connection::Phase::kBusy:
      return false;
  }
  return false;
}

void Watchdog::run() {
  std::unique_lock lock(mutex_);
  constexpr std::chrono::milliseconds kTick{500};
  while (!wake_.wait_for(lock, kTick, [this] { return stopping_; })) {
    const Time now = std::chrono::steady_clock::now();
    for (Connection* connection : connections_) {
      // The engine sees the end of the stream and closes; the descriptor stays its own.
      if (too_slow(*connection, now)) (void)shutdown(connection->descriptor, SHUT_RDWR);
    }
  }
}

}  // namespace strata::registry_http
