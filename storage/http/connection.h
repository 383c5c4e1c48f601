#pragma once

#include <atomic>
#include <memory>

#include "storage/http/admission.h"
#include "storage/http/byte_buffer.h"
#include "storage/http/network_thread.h"
#include "storage/http/request_content.h"
#include "storage/http/request_log.h"
#include "storage/http/response_head.h"
#include "storage/http/socket_stream.h"

namespace strata::http {

// What all connections of a server share.
struct ServerContext {
  ServerContext(const Limits& l, Handler& h, io::WorkerPool& pool, Metrics& metrics)
      : limits(l), handler(h), disk_pool(pool), log(metrics), admission(l, log.connections()) {}
  const Limits& limits;
  Handler& handler;
  io::WorkerPool& disk_pool;
  RequestLog log;
  Admission admission;
  std::atomic<bool> draining = false;  // no request after the current one
  std::atomic<bool> cutting = false;   // no request at all
};

// One client connection: reads requests one after another, has them handled and sends the answers.
// Lives on one network thread; its coroutine keeps it alive until the socket is closed.
class Connection : public std::enable_shared_from_this<Connection> {
 public:
  Connection(ServerContext& server, NetworkThread& thread, boost::asio::ip::tcp::socket socket,
             Admission::Slot slot);
  void start();

  // From the network thread, between steps of the coroutine:
  void check_deadline(std::chrono::steady_clock::time_point now) { stream_.check_deadline(now); }
  void drain() {
    if (idle_) stream_.interrupt();
  }
  void cut() { stream_.cut(); }

 private:
  using Clock = std::chrono::steady_clock;
  enum class After : unsigned char { kKeep, kLinger, kClose, kAbort };
  struct Answer {
    After after;
    RequestRecord record;
  };

  [[nodiscard]] Awaitable<void> run();
  [[nodiscard]] Awaitable<void> serve();
  [[nodiscard]] Awaitable<void> refuse();
  // The length of a whole head in input_; nullopt: close without an answer.
  [[nodiscard]] Awaitable<Result<std::optional<std::size_t>>> read_head();
  [[nodiscard]] Awaitable<bool> wait_for_request();
  [[nodiscard]] Awaitable<After> serve_request(RequestHead head);
  [[nodiscard]] Awaitable<Response> handle(Request& request);
  [[nodiscard]] Awaitable<After> answer_error(const Error& error);
  // Sends the whole response; an error before the first byte becomes a problem response.
  [[nodiscard]] Awaitable<Status> respond(Response& response, std::string_view method,
                                          int minor_version, RequestRecord& record);
  [[nodiscard]] Awaitable<Status> write_content(Response& response, const Delivery& delivery);
  [[nodiscard]] Awaitable<void> linger();
  void finish_record(RequestRecord& record, const Status& sent, const RequestContent* content);

  ServerContext& server_;
  NetworkThread& thread_;
  Admission::Slot slot_;
  SocketStream stream_;
  ByteBuffer input_;
  ByteBuffer output_;
  bool idle_ = false;  // between requests, nothing of the next one read
  Clock::time_point request_begin_{};
  std::uint64_t received_before_ = 0;  // of earlier requests
  std::uint64_t sent_before_ = 0;
};

}  // namespace strata::http
