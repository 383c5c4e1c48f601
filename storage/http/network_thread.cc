#include "storage/http/network_thread.h"

#include <pthread.h>
#include <signal.h>

#include <boost/asio/post.hpp>

#include "storage/http/connection.h"
#include "strata/base/text.h"

namespace strata::http {
namespace {

constexpr std::chrono::milliseconds kTick{100};
constexpr std::size_t kIdBytes = 16;

}  // namespace

NetworkThread::NetworkThread() : work_(context_.get_executor()), tick_(context_) {}

NetworkThread::~NetworkThread() {
  finish();
}

void NetworkThread::start(std::size_t number) {
  thread_ = std::thread([this] {
    // sendfile(2) has no MSG_NOSIGNAL: a client that closes must not end the process.
    sigset_t broken_pipe;
    sigemptyset(&broken_pipe);
    sigaddset(&broken_pipe, SIGPIPE);
    pthread_sigmask(SIG_BLOCK, &broken_pipe, nullptr);
    context_.run();
  });
  pthread_setname_np(thread_.native_handle(), ("http-" + std::to_string(number)).c_str());
}

void NetworkThread::finish() {
  boost::asio::post(context_, [this] { tick_.cancel(); });  // not armed again: nobody is left
  work_.reset();
  if (thread_.joinable()) thread_.join();
}

void NetworkThread::add(Connection& connection) {
  connections_.insert(&connection);
  if (!ticking_) arm_tick();
}

void NetworkThread::remove(Connection& connection) {
  connections_.erase(&connection);
}

// Ticks only while there are connections: an idle server does not wake up.
void NetworkThread::arm_tick() {
  ticking_ = true;
  tick_.expires_after(kTick);
  tick_.async_wait([this](const boost::system::error_code&) {
    const auto now = std::chrono::steady_clock::now();
    for (Connection* connection : connections_) connection->check_deadline(now);
    ticking_ = false;
    if (!connections_.empty()) arm_tick();
  });
}

std::string_view NetworkThread::date() {
  const std::time_t now = std::time(nullptr);
  if (now != date_second_) {
    date_second_ = now;
    date_ = format_http_date(static_cast<UnixMillis>(now) * 1000);
  }
  return date_;
}

std::string NetworkThread::new_request_id() {
  if (random_used_ + kIdBytes > random_bytes_.size()) {
    random_.fill(random_bytes_);
    random_used_ = 0;
  }
  const auto bytes = std::span(random_bytes_).subspan(random_used_, kIdBytes);
  random_used_ += kIdBytes;
  return to_hex(bytes);
}

}  // namespace strata::http
