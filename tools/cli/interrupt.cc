#include "tools/cli/interrupt.h"

#include <pthread.h>

#include <ctime>

namespace strata::cli {
namespace {

constexpr timespec kSlice{0, 100'000'000};

}  // namespace

Interrupt::Interrupt() {
  sigemptyset(&signals_);
  for (const int number : {SIGINT, SIGTERM}) {
    struct sigaction action {};
    const bool ignored = ::sigaction(number, nullptr, &action) == 0 && action.sa_handler == SIG_IGN;
    if (!ignored) sigaddset(&signals_, number);
  }
  ::pthread_sigmask(SIG_BLOCK, &signals_, &mask_before_);
  thread_ = std::jthread([this](const std::stop_token& end) { wait_for_signal(end); });
}

Interrupt::~Interrupt() {
  thread_.request_stop();
  thread_.join();
  ::pthread_sigmask(SIG_SETMASK, &mask_before_, nullptr);
}

void Interrupt::wait_for_signal(const std::stop_token& end) {
  while (!end.stop_requested()) {
    if (stop_.stop_requested()) {
      ::nanosleep(&kSlice, nullptr);
    } else if (::sigtimedwait(&signals_, nullptr, &kSlice) > 0) {
      stop_.request_stop();
      // The next one finds this thread, and the default action.
      ::pthread_sigmask(SIG_UNBLOCK, &signals_, nullptr);
    }
  }
}

}  // namespace strata::cli
