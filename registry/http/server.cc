#include "registry/http/server.h"

#include <microhttpd.h>
#include <unistd.h>

#include <atomic>
#include <condition_variable>
#include <cstdarg>
#include <cstdio>
#include <exception>
#include <mutex>

#include "registry/http/exchange.h"
#include "registry/http/lingerer.h"
#include "registry/http/listener.h"
#include "registry/http/parking.h"
#include "registry/http/watchdog.h"
#include "strata/base/log.h"
#include "strata/base/text.h"
#include "strata/http/url.h"

namespace strata::registry_http {
namespace {

// How much of a refused chunked body is read for the sake of the answer.
constexpr std::uint64_t kSwallowMax = 16 * kMiB;

// "[::1]:80" -> "::1", "localhost:80" -> "localhost".
std::string_view host_of(std::string_view authority) {
  if (authority.starts_with('[')) {
    const std::size_t end = authority.find(']');
    return end == std::string_view::npos ? std::string_view() : authority.substr(1, end - 1);
  }
  return authority.substr(0, authority.find(':'));
}

std::string_view method_label(std::string_view method) {
  for (const std::string_view known : {"GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS"}) {
    if (method == known) return known;
  }
  return "other";
}

}  // namespace

struct Server::Impl {
  Impl(ServerOptions opts, const Limits& lim, Handler& hand, Metrics& met, Random& rand)
      : options(std::move(opts)),
        limits(lim),
        handler(hand),
        metrics(met),
        random(rand),
        in_flight_gauge(
            met.gauge("strata_http_requests_in_flight", "Requests being read or answered.")),
        connections_gauge(met.gauge("strata_http_connections", "Open connections.")),
        seconds(met.histogram("strata_http_request_seconds",
                              "From the request line to the last byte of the answer.")),
        body_bytes(met.counter("strata_http_request_body_bytes_total", "Content received.")),
        sent_bytes(met.counter("strata_http_response_body_bytes_total", "Content sent.")),
        watchdog(lim),
        parking(lim.long_polls_max,
                met.gauge("strata_http_requests_waiting", "Requests that wait for a change.")) {}

  // libmicrohttpd's callbacks. None lets an exception out.
  static void* on_target(void* self, const char* target, MHD_Connection* connection);
  static MHD_Result on_request(void* self, MHD_Connection* connection, const char* url,
                               const char* method, const char* version, const char* data,
                               std::size_t* size, void** context);
  static void on_completed(void* self, MHD_Connection* connection, void** context,
                           MHD_RequestTerminationCode how);
  static void on_connection(void* self, MHD_Connection* connection, void** context,
                            MHD_ConnectionNotificationCode what);
  // Targets are decoded by our own parser: leave them as they are.
  static std::size_t keep_escapes(void*, MHD_Connection*, char* text) {
    return std::string_view(text).size();
  }
  static void on_message(void*, const char* format, va_list arguments)
      __attribute__((format(printf, 2, 0)));

  Status prepare(MHD_Connection* connection, Exchange& exchange, const char* method,
                 const char* version);
  Status check_host(const http::RequestHead& head) const;
  MHD_Result read_body(Exchange& exchange, const char* data, std::size_t* size) const;
  Response run_handler(const Exchange& exchange);
  MHD_Result answer_or_hold(MHD_Connection* connection, Exchange& exchange);
  MHD_Result answer(MHD_Connection* connection, Exchange& exchange, Response response);
  void finish(MHD_Connection* connection, Exchange& exchange, bool complete);
  Watchdog::Connection& watched(MHD_Connection* connection) const;

  const ServerOptions options;
  const Limits limits;
  Handler& handler;
  Metrics& metrics;
  Random& random;
  Gauge& in_flight_gauge;
  Gauge& connections_gauge;
  Histogram& seconds;
  Counter& body_bytes;
  Counter& sent_bytes;
  Watchdog watchdog;
  Lingerer lingerer;
  Parking parking;
  Listener listener;
  MHD_Daemon* daemon = nullptr;
  std::atomic<bool> draining{false};
  std::mutex mutex;
  std::condition_variable none_in_flight;
  std::size_t in_flight = 0;  // with mutex
};

void Server::Impl::on_message(void*, const char* format, va_list arguments) {
  if (!log::enabled(log::Level::kDebug)) return;
  char text[512];
  (void)std::vsnprintf(text, sizeof(text), format, arguments);
  log::debug("engine", {{"message", trim(std::string_view(text))}});
}

Watchdog::Connection& Server::Impl::watched(MHD_Connection* connection) const {
  const MHD_ConnectionInfo* info =
      MHD_get_connection_info(connection, MHD_CONNECTION_INFO_SOCKET_CONTEXT);
  return *static_cast<Watchdog::Connection*>(info->socket_context);
}

void Server::Impl::on_connection(void* self, MHD_Connection* connection, void** context,
                                 MHD_ConnectionNotificationCode what) {
  auto& impl = *static_cast<Impl*>(self);
  if (what == MHD_CONNECTION_NOTIFY_STARTED) {
    const int descriptor =
        MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CONNECTION_FD)->connect_fd;
    *context = impl.watchdog.add(descriptor);
    impl.connections_gauge.add(1);
  } else {
    impl.watchdog.remove(static_cast<Watchdog::Connection*>(*context));
    *context = nullptr;
    impl.connections_gauge.add(-1);
  }
}

void* Server::Impl::on_target(void* self, const char* target, MHD_Connection* connection) {
  auto& impl = *static_cast<Impl*>(self);
  impl.watchdog.head(impl.watched(connection));
  auto* exchange = new Exchange;
  exchange->target = target;
  exchange->request.begin = std::chrono::steady_clock::now();
  impl.in_flight_gauge.add(1);
  const std::lock_guard lock(impl.mutex);
  ++impl.in_flight;
  return exchange;
}

Status Server::Impl::check_host(const http::RequestHead& head) const {
  if (!listener.loopback) return {};
  const std::string_view host = host_of(head.authority);
  // No Host at all is HTTP/1.0, which no browser speaks.
  if (host.empty() || http::is_loopback_host(host)) return {};
  for (const std::string& known : options.hosts) {
    if (iequals(known, host)) return {};
  }
  return Error(Errc::kWrongHost,
               "this registry listens on a loopback address and answers only to loopback names");
}

Status Server::Impl::prepare(MHD_Connection* connection, Exchange& exchange, const char* method,
                             const char* version) {
  exchange.prepared = true;
  exchange.request.id = request_id(connection, random);
  exchange.request.peer_address = peer_address(connection);
  exchange.request.head.method = method;  // for the log, should the guard refuse
  auto head = guard_head(connection, method, exchange.target, version, limits);
  if (!head) {
    exchange.close = true;
    return head.error();
  }
  exchange.request.head = std::move(*head);
  const http::Framing& framing = exchange.request.head.framing;
  exchange.unread = framing.kind == http::Framing::Kind::kChunked || framing.length > 0;
  if (Status status = check_host(exchange.request.head); !status) return status;
  STRATA_TRY(exchange.body_bytes_max, handler.admit(exchange.request.head));
  if (framing.length > exchange.body_bytes_max) {
    return Error(Errc::kTooLarge, "the body has " + std::to_string(framing.length) +
                                      " bytes, at most " + std::to_string(exchange.body_bytes_max) +
                                      " are accepted here");
  }
  return {};
}

MHD_Result Server::Impl::read_body(Exchange& exchange, const char* data, std::size_t* size) const {
  exchange.body_bytes += *size;
  if (exchange.body_bytes <= exchange.body_bytes_max) {
    exchange.request.body.append(data, *size);
  } else {
    // libmicrohttpd cannot answer in mid-body: read on for a while, then cut.
    exchange.request.body.clear();
    exchange.close = true;
    exchange.refusal =
        problem_response(Error(Errc::kTooLarge, "the body has more than the " +
                                                    std::to_string(exchange.body_bytes_max) +
                                                    " bytes that are accepted here"),
                         exchange.request.id);
    if (exchange.body_bytes > exchange.body_bytes_max + kSwallowMax) return MHD_NO;
  }
  *size = 0;
  return MHD_YES;
}

Response Server::Impl::run_handler(const Exchange& exchange) {
  try {
    return handler.handle(exchange.request);
  } catch (const std::exception& error) {
    log::error("request.failed", {{"id", exchange.request.id}, {"error", error.what()}});
  } catch (...) {
    log::error("request.failed", {{"id", exchange.request.id}, {"error", "unknown exception"}});
  }
  return problem_response(Error(Errc::kInternal, ""), exchange.request.id);
}

MHD_Result Server::Impl::on_request(void* self, MHD_Connection* connection, const char*,
                                    const char* method, const char* version, const char* data,
                                    std::size_t* size, void** context) {
  auto& impl = *static_cast<Impl*>(self);
  auto& exchange = *static_cast<Exchange*>(*context);
  Watchdog::Connection& watched = impl.watched(connection);
  if (!exchange.prepared) {
    Status ready = impl.prepare(connection, exchange, method, version);
    if (!ready) {
      impl.watchdog.busy(watched);
      exchange.close = exchange.close || exchange.unread;
      return impl.answer(connection, exchange,
                         problem_response(ready.error(), exchange.request.id));
    }
    impl.watchdog.body(watched, 0);
    return MHD_YES;
  }
  if (*size > 0) {
    impl.watchdog.body(watched, *size);
    impl.body_bytes.add(*size);
    return impl.read_body(exchange, data, size);
  }
  impl.watchdog.busy(watched);
  exchange.unread = false;
  if (exchange.refusal) return impl.answer(connection, exchange, std::move(*exchange.refusal));
  return impl.answer_or_hold(connection, exchange);
}

// Called again for a request that was held.
MHD_Result Server::Impl::answer_or_hold(MHD_Connection* connection, Exchange& exchange) {
  for (;;) {
    const std::uint64_t wakes = parking.wakes();
    Response response = run_handler(exchange);
    if (!response.hold_until || exchange.ticket.over || draining) {
      return answer(connection, exchange, std::move(response));
    }
    const int descriptor =
        MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CONNECTION_FD)->connect_fd;
    switch (parking.park(connection, descriptor, exchange.ticket, wakes, *response.hold_until)) {
      case Parking::Outcome::kParked:
        return MHD_YES;
      case Parking::Outcome::kMissed:
        break;
      case Parking::Outcome::kRefused:
        return answer(connection, exchange, std::move(response));
    }
  }
}

MHD_Result Server::Impl::answer(MHD_Connection* connection, Exchange& exchange, Response response) {
  exchange.response = std::move(response);
  Response& made = exchange.response;
  made.headers.set("X-Request-Id", exchange.request.id);
  made.headers.set("X-Content-Type-Options", "nosniff");
  if (exchange.close || draining) made.headers.set("Connection", "close");
  MHD_Response* out =
      MHD_create_response_from_buffer(made.body.size(), made.body.data(), MHD_RESPMEM_PERSISTENT);
  if (out == nullptr) return MHD_NO;
  for (const auto& [name, value] : made.headers.fields()) {
    if (MHD_add_response_header(out, name.c_str(), value.c_str()) != MHD_YES) {
      log::error("response.header", {{"id", exchange.request.id}, {"name", name}});
    }
  }
  const MHD_Result queued = MHD_queue_response(connection, static_cast<unsigned>(made.status), out);
  MHD_destroy_response(out);
  return queued;
}

void Server::Impl::finish(MHD_Connection* connection, Exchange& exchange, bool complete) {
  const std::chrono::duration<double> took =
      std::chrono::steady_clock::now() - exchange.request.begin;
  const http::RequestHead& head = exchange.request.head;
  const int status = complete ? exchange.response.status : 0;  // 0: the peer or we cut it
  metrics
      .counter("strata_http_requests_total", "Requests answered; status 0: cut off.",
               "method=\"" + std::string(method_label(head.method)) + "\",status=\"" +
                   std::to_string(status) + "\"")
      .add();
  seconds.observe(took.count());
  if (complete && head.method != "HEAD") sent_bytes.add(exchange.response.body.size());
  log::info("request", {{"id", exchange.request.id},
                        {"peer", exchange.request.peer_address},
                        {"method", head.method},
                        {"path", handler.loggable_path(head)},
                        {"status", status},
                        {"bytes", exchange.response.body.size()},
                        {"ms", static_cast<std::int64_t>(took.count() * 1000)}});
  if (complete && exchange.unread) {
    lingerer.take(
        MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CONNECTION_FD)->connect_fd);
  }
}

void Server::Impl::on_completed(void* self, MHD_Connection* connection, void** context,
                                MHD_RequestTerminationCode how) {
  auto& impl = *static_cast<Impl*>(self);
  const std::unique_ptr<Exchange> exchange(static_cast<Exchange*>(*context));
  *context = nullptr;
  if (exchange == nullptr) return;
  impl.finish(connection, *exchange, how == MHD_REQUEST_TERMINATED_COMPLETED_OK);
  impl.watchdog.idle(impl.watched(connection));
  impl.in_flight_gauge.add(-1);
  const std::lock_guard lock(impl.mutex);
  if (--impl.in_flight == 0) impl.none_in_flight.notify_all();
}

Server::Server(ServerOptions options, const Limits& limits, Handler& handler, Metrics& metrics,
               Random& random)
    : impl_(std::make_unique<Impl>(std::move(options), limits, handler, metrics, random)) {}

Server::~Server() {
  stop();
}

Status Server::bind() {
  STRATA_TRY(impl_->listener, listen_on(impl_->options.host, impl_->options.port));
  return {};
}

Status Server::start() {
  const Limits& limits = impl_->limits;
  // Room for a header block of the longest kind as read, for its parsed form and for the answer's.
  const std::size_t memory = 4 * limits.header_bytes_max;
  impl_->daemon = MHD_start_daemon(
      MHD_USE_AUTO | MHD_USE_INTERNAL_POLLING_THREAD | MHD_ALLOW_SUSPEND_RESUME | MHD_USE_ERROR_LOG,
      0, nullptr, nullptr, &Impl::on_request, impl_.get(),
      // First, so that it is there when later options complain.
      MHD_OPTION_EXTERNAL_LOGGER, &Impl::on_message, nullptr,  //
      MHD_OPTION_LISTEN_SOCKET, impl_->listener.descriptor,    //
      MHD_OPTION_THREAD_POOL_SIZE, static_cast<unsigned>(impl_->options.threads),
      MHD_OPTION_STRICT_FOR_CLIENT, 1,  // the strictest that 0.9.75 has
      MHD_OPTION_CONNECTION_LIMIT, static_cast<unsigned>(limits.connections_max),
      MHD_OPTION_PER_IP_CONNECTION_LIMIT,
      static_cast<unsigned>(limits.connections_per_address_max),  //
      MHD_OPTION_CONNECTION_TIMEOUT, static_cast<unsigned>(limits.keep_alive_idle.count()),
      MHD_OPTION_CONNECTION_MEMORY_LIMIT, memory,                       //
      MHD_OPTION_URI_LOG_CALLBACK, &Impl::on_target, impl_.get(),       //
      MHD_OPTION_UNESCAPE_CALLBACK, &Impl::keep_escapes, nullptr,       //
      MHD_OPTION_NOTIFY_CONNECTION, &Impl::on_connection, impl_.get(),  //
      MHD_OPTION_NOTIFY_COMPLETED, &Impl::on_completed, impl_.get(),    //
      MHD_OPTION_END);
  if (impl_->daemon == nullptr) {
    close(impl_->listener.descriptor);
    return Error(Errc::kInternal, "libmicrohttpd did not start");
  }
  return {};
}

std::uint16_t Server::port() const {
  return impl_->listener.port;
}

void Server::wake() {
  impl_->parking.wake();
}

bool Server::drain() {
  if (impl_->daemon == nullptr) return true;
  impl_->draining = true;
  const MHD_socket listening = MHD_quiesce_daemon(impl_->daemon);
  if (listening != MHD_INVALID_SOCKET) close(listening);
  impl_->parking.close();
  bool all = true;
  {
    std::unique_lock lock(impl_->mutex);
    all = impl_->none_in_flight.wait_for(lock, impl_->limits.drain_timeout,
                                         [this] { return impl_->in_flight == 0; });
  }
  stop();
  return all;
}

void Server::stop() {
  if (impl_->daemon == nullptr) return;
  impl_->parking.close();  // it must not be stopped with suspended connections
  MHD_stop_daemon(impl_->daemon);
  impl_->daemon = nullptr;
}

}  // namespace strata::registry_http
