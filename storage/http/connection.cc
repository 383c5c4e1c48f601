#include "storage/http/connection.h"

#include <algorithm>
#include <boost/asio/co_spawn.hpp>
#include <exception>

#include "storage/http/content_writer.h"
#include "strata/base/log.h"

namespace strata::http {
namespace {

constexpr std::size_t kHeadBytes = 2 * kKiB;         // first read of a head; most are smaller
constexpr std::size_t kBufferBytesKept = 64 * kKiB;  // by a connection between requests
constexpr std::size_t kRequestIdBytesMax = 64;

bool is_request_id(std::string_view text) {
  return !text.empty() && text.size() <= kRequestIdBytesMax &&
         text.find_first_not_of(
             "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
             "._-") == std::string_view::npos;
}

std::string_view outcome_of(const Error& error) {
  switch (error.code()) {
    case Errc::kConnectionLost:
      return "client-abort";
    case Errc::kRequestTimeout:
      return "slow-peer";
    case Errc::kCancelled:
      return "stopped";
    case Errc::kMalformed:
    case Errc::kHeadersTooLarge:
      return "malformed";
    default:
      return "source-failed";
  }
}

}  // namespace

Connection::Connection(ServerContext& server, NetworkThread& thread,
                       boost::asio::ip::tcp::socket socket, Admission::Slot slot)
    : server_(server),
      thread_(thread),
      slot_(std::move(slot)),
      stream_(std::move(socket), server.limits) {}

void Connection::start() {
  boost::asio::co_spawn(
      thread_.context(), [self = shared_from_this()] { return self->run(); },
      [self = shared_from_this()](const std::exception_ptr& error) {
        if (!error) return;
        try {
          std::rethrow_exception(error);
        } catch (const std::exception& e) {
          log::error("connection.exception", {{"what", e.what()}});
        } catch (...) {
          log::error("connection.exception", {{"what", "unknown"}});
        }
      });
}

Awaitable<void> Connection::run() {
  struct Registration {
    explicit Registration(Connection& c) : connection(c) { c.thread_.add(c); }
    ~Registration() {
      connection.stream_.close();
      connection.thread_.remove(connection);
    }
    Connection& connection;
  };
  const Registration registration(*this);
  if (server_.cutting) co_return;
  if (slot_.refused()) {
    co_await refuse();
  } else {
    co_await serve();
  }
}

Awaitable<void> Connection::refuse() {
  request_begin_ = Clock::now();
  co_await answer_error(Error(Errc::kUnavailable, "too many connections"));
  co_await linger();
}

Awaitable<void> Connection::serve() {
  for (;;) {
    After after = After::kClose;
    const auto head_bytes = co_await read_head();
    if (!head_bytes) {
      after = co_await answer_error(head_bytes.error());
    } else if (*head_bytes) {
      auto head = parse_request_head(input_.view().substr(0, **head_bytes), server_.limits);
      input_.consume(**head_bytes);
      if (head) {
        after = co_await serve_request(*std::move(head));
      } else {
        after = co_await answer_error(head.error());
      }
    }
    received_before_ = stream_.bytes_received();
    sent_before_ = stream_.bytes_sent();
    input_.release(kHeadBytes);
    output_.release(kBufferBytesKept);
    if (after == After::kKeep) continue;
    if (after == After::kLinger) co_await linger();
    if (after == After::kAbort) stream_.abort();
    co_return;
  }
}

// False: closed, or idle for too long, or the server drains.
Awaitable<bool> Connection::wait_for_request() {
  if (!input_.empty()) co_return true;
  const std::span<char> room = input_.reserve(kHeadBytes);
  if (server_.draining) {
    // A request that arrived before the client could see that we drain is still served.
    input_.commit(stream_.read_now(room));
    co_return !input_.empty();
  }
  idle_ = true;
  const auto n = co_await stream_.read_until(room, Clock::now() + server_.limits.keep_alive_idle);
  idle_ = false;
  if (n) {
    input_.commit(*n);
  } else if (n.error().code() == Errc::kCancelled && !server_.cutting) {
    input_.commit(stream_.read_now(room));
  }
  co_return !input_.empty();
}

Awaitable<Result<std::optional<std::size_t>>> Connection::read_head() {
  using Head = std::optional<std::size_t>;
  if (!co_await wait_for_request()) co_return Head();
  request_begin_ = Clock::now();
  const Clock::time_point deadline = request_begin_ + server_.limits.header_timeout;
  std::size_t searched = 0;
  for (;;) {
    // RFC 9112 §2.2: an empty line before a request line is skipped.
    if (searched == 0 && input_.view().starts_with("\r\n")) input_.consume(2);
    const auto end = find_head_end(input_.view(), server_.limits, searched);
    if (!end || *end) co_return end;
    searched = input_.size();
    const auto n = co_await stream_.read_until(input_.reserve(kHeadBytes), deadline);
    if (!n && n.error().code() == Errc::kRequestTimeout && searched > 0) co_return n.error();
    if (!n || *n == 0) co_return Head();
    input_.commit(*n);
  }
}

Awaitable<Response> Connection::handle(Request& request) {
  std::string what;
  try {
    co_return co_await server_.handler.handle(request);
  } catch (const std::exception& e) {
    what = e.what();
  } catch (...) {
    what = "unknown exception";
  }
  log::error("handler.exception", {{"id", request.id}, {"what", what}});
  Response response = server_.handler.problem(
      Error(Errc::kInternal, "the server failed to handle the request"), request.id);
  co_return response;
}

Awaitable<Connection::After> Connection::serve_request(RequestHead head) {
  const auto given_id = head.headers.get("X-Request-Id");
  std::string id =
      given_id && is_request_id(*given_id) ? std::string(*given_id) : thread_.new_request_id();
  const bool head_keeps = head.keep_alive;
  const int minor_version = head.minor_version;
  RequestContent content(head, stream_, input_, server_.limits, id);
  Request request{std::move(head), content, std::move(id), slot_.address()};
  Response response = co_await handle(request);
  content.begin_answer();

  const bool reusable = !content.interrupted() && (content.ended() || content.worth_discarding());
  response.close = response.close || !reusable || !head_keeps || server_.draining;
  RequestRecord record;
  record.id = request.id;
  record.method = request.head.method;
  const std::string path = server_.handler.loggable_path(request.head);
  record.path = path;
  const Status sent = co_await respond(response, record.method, minor_version, record);
  finish_record(record, sent, &content);
  if (!sent) co_return After::kAbort;
  if (response.close) co_return content.ended() && input_.empty() ? After::kClose : After::kLinger;
  const Status discarded = co_await content.discard();
  co_return discarded ? After::kKeep : After::kClose;
}

Awaitable<Connection::After> Connection::answer_error(const Error& error) {
  const std::string id = thread_.new_request_id();
  Response response = server_.handler.problem(error, id);
  response.close = true;
  if (response.status == 503 && !response.headers.get("Retry-After")) {
    response.headers.set("Retry-After", "1");
  }
  RequestRecord record;
  record.id = id;
  record.method = "-";
  record.path = "-";
  const Status sent = co_await respond(response, "-", 1, record);
  finish_record(record, sent, nullptr);
  co_return sent ? After::kLinger : After::kAbort;
}

Awaitable<Status> Connection::respond(Response& response, std::string_view method,
                                      int minor_version, RequestRecord& record) {
  for (bool replaced = false;; replaced = true) {
    const std::uint64_t before = stream_.bytes_sent();
    const Delivery delivery = plan_delivery(response, method, minor_version);
    if (delivery.kind == Delivery::Kind::kUntilClose) response.close = true;
    append_response_head(output_, response, delivery,
                         {record.id, thread_.date(), !response.close, minor_version});
    record.status = response.status;
    record.promised = delivery.promised;
    const Status sent = co_await write_content(response, delivery);
    output_.clear();
    if (sent) co_return sent;
    const bool ours = outcome_of(sent.error()) == "source-failed";
    if (ours) log::error("response.failed", {{"id", record.id}, {"why", sent.error().message()}});
    if (!ours || replaced || stream_.bytes_sent() != before) co_return sent;
    // Nothing has left yet, so the client can still be told.
    const bool close = response.close;
    response = server_.handler.problem(sent.error(), std::string(record.id));
    response.close = close;
  }
}

Awaitable<Status> Connection::write_content(Response& response, const Delivery& delivery) {
  using Kind = Delivery::Kind;
  ContentWriter writer(stream_, output_, server_.disk_pool);
  switch (delivery.kind) {
    case Kind::kNothing:
      co_return co_await writer.write_body({});
    case Kind::kBody:
      co_return co_await writer.write_body(response.body);
    case Kind::kParts:
      co_return co_await writer.write_parts(*response.source, response.parts, delivery.promised);
    case Kind::kChunked:
    case Kind::kUntilClose:
      break;
  }
  co_return co_await writer.write_until_end(*response.source, delivery.kind == Kind::kChunked);
}

void Connection::finish_record(RequestRecord& record, const Status& sent,
                               const RequestContent* content) {
  record.peer = slot_.address();
  record.received = stream_.bytes_received() - received_before_;
  record.sent = stream_.bytes_sent() - sent_before_;
  record.duration = Clock::now() - request_begin_;
  if (content != nullptr && content->failure()) {
    record.outcome =
        content->interrupted() ? std::string_view("taken-over") : outcome_of(*content->failure());
  }
  if (!sent) record.outcome = outcome_of(sent.error());
  server_.log.write(record);
}

// After an answer to a request that was not read to its end: closing at once would send a RST,
// which may destroy the answer before the client has read it (RFC 9112 §9.6).
Awaitable<void> Connection::linger() {
  stream_.shutdown_send();
  co_await stream_.drain(server_.limits.linger_bytes_max,
                         Clock::now() + server_.limits.linger_timeout);
}

}  // namespace strata::http
