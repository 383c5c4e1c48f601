#include "registry/http/parking.h"

#include <microhttpd.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <array>

#include "strata/base/result.h"

namespace strata::registry_http {
namespace {

constexpr std::uint64_t kEvent = 0;  // numbers of connections begin with 1
// How late a request may be answered whose time is over.
constexpr int kTickMs = 200;

}  // namespace

Parking::Parking(std::size_t connections_max, Gauge& waiting)
    : connections_max_(connections_max),
      waiting_(waiting),
      epoll_(epoll_create1(EPOLL_CLOEXEC)),
      event_(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {
  check(epoll_ >= 0 && event_ >= 0, "epoll and eventfd");
  epoll_event event{};
  event.events = EPOLLIN;
  event.data.u64 = kEvent;
  check(epoll_ctl(epoll_, EPOLL_CTL_ADD, event_, &event) == 0, "epoll_ctl");
  thread_ = std::thread([this] { run(); });
}

Parking::~Parking() {
  close();
  thread_.join();
  ::close(event_);
  ::close(epoll_);
}

std::uint64_t Parking::wakes() const {
  const std::lock_guard lock(mutex_);
  return wakes_;
}

Parking::Outcome Parking::park(MHD_Connection* connection, int descriptor, Ticket& ticket,
                               std::uint64_t wakes, Time until) {
  const std::lock_guard lock(mutex_);
  if (closed_ || parked_.size() >= connections_max_) return Outcome::kRefused;
  if (wakes != wakes_) return Outcome::kMissed;
  // Not EPOLLIN: a request that is sent behind this one waits for its turn.
  epoll_event event{};
  event.events = EPOLLRDHUP | EPOLLONESHOT;
  event.data.u64 = last_number_ + 1;
  if (epoll_ctl(epoll_, EPOLL_CTL_ADD, descriptor, &event) != 0) return Outcome::kRefused;
  ++last_number_;
  // Under the lock, so that whoever takes it out of parked_ finds it suspended. libmicrohttpd's own
  // lock is taken inside ours here and in resume(), and it calls nobody while it holds that.
  MHD_suspend_connection(connection);
  parked_.emplace(last_number_, Parked{connection, descriptor, &ticket, until});
  waiting_.add(1);
  if (parked_.size() == 1) (void)eventfd_write(event_, 1);  // from here on run() watches the time
  return Outcome::kParked;
}

void Parking::wake() {
  {
    const std::lock_guard lock(mutex_);
    ++wakes_;
    if (parked_.empty()) return;
    woken_ = true;
  }
  (void)eventfd_write(event_, 1);
}

void Parking::close() {
  {
    const std::lock_guard lock(mutex_);
    closed_ = true;
    resume_all(true);
  }
  (void)eventfd_write(event_, 1);
}

void Parking::resume(const Parked& parked, bool over) {
  (void)epoll_ctl(epoll_, EPOLL_CTL_DEL, parked.descriptor, nullptr);
  parked.ticket->over = over;
  waiting_.add(-1);
  MHD_resume_connection(parked.connection);  // from here on it may be gone
}

void Parking::resume_all(bool over) {
  for (const auto& [number, parked] : parked_) resume(parked, over);
  parked_.clear();
}

void Parking::resume_expired() {
  const Time now = std::chrono::steady_clock::now();
  for (auto at = parked_.begin(); at != parked_.end();) {
    if (at->second.until <= now) {
      resume(at->second, true);
      at = parked_.erase(at);
    } else {
      ++at;
    }
  }
}

void Parking::run() {
  std::array<epoll_event, 64> events;
  bool anybody = false;
  while (true) {
    const int count =
        epoll_wait(epoll_, events.data(), static_cast<int>(events.size()), anybody ? kTickMs : -1);
    const std::lock_guard lock(mutex_);
    for (int i = 0; i < count; ++i) {
      const std::uint64_t number = events[static_cast<std::size_t>(i)].data.u64;
      if (number == kEvent) {
        std::uint64_t ignored = 0;
        (void)eventfd_read(event_, &ignored);
        continue;
      }
      // The peer has gone, or will send nothing more.
      if (const auto found = parked_.find(number); found != parked_.end()) {
        resume(found->second, true);
        parked_.erase(found);
      }
    }
    if (closed_) return;
    if (woken_) resume_all(false);
    woken_ = false;
    resume_expired();
    anybody = !parked_.empty();
  }
}

}  // namespace strata::registry_http
