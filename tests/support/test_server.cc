#include "tests/support/test_server.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>

#include "strata/http/problem.h"

namespace strata::test {

FileSource::FileSource(const std::string& path)
    : descriptor_(::open(path.c_str(), O_RDONLY | O_CLOEXEC)) {
  check(descriptor_ >= 0, "cannot open " + path);
}

FileSource::~FileSource() {
  ::close(descriptor_);
}

std::optional<http::ContentSource::Slice> FileSource::slice(std::uint64_t offset) const {
  return Slice{descriptor_, offset};
}

http::Awaitable<Result<std::size_t>> FileSource::read_some(std::uint64_t offset,
                                                           std::span<std::byte> out) {
  const ssize_t n = ::pread(descriptor_, out.data(), out.size(), static_cast<off_t>(offset));
  if (n < 0) co_return Error(Errc::kIo, "pread failed");
  co_return static_cast<std::size_t>(n);
}

http::Awaitable<Result<std::size_t>> TextSource::read_some(std::uint64_t offset,
                                                           std::span<std::byte> out) {
  const auto at = static_cast<std::size_t>(offset);
  if (at >= fail_at_) co_return Error(Errc::kIo, "the source broke");
  const std::size_t n = std::min({out.size(), step_, text_.size() - at, fail_at_ - at});
  std::memcpy(out.data(), text_.data() + at, n);
  co_return n;
}

TestServer::TestServer(Function function, const Limits& limits, std::size_t threads)
    : function_(std::move(function)),
      limits_(limits),
      disk_pool_("disk", 2),
      server_(http::ServerOptions{"127.0.0.1", 0, threads}, limits_, *this, disk_pool_, metrics_) {
  const Status started = server_.start();
  check(started.has_value(), "the server under test does not start");
}

TestServer::~TestServer() {
  server_.stop();
}

RawSocket::Reply TestServer::ask(std::string_view bytes) const {
  RawSocket socket = connect();
  socket.send(bytes);
  return socket.read_reply();
}

http::Awaitable<http::Response> TestServer::handle(http::Request& request) {
  ++handled_;
  return function_(request);
}

http::Response TestServer::problem(const Error& error, const std::string& id) {
  http::Response response;
  response.status = error.info().status == 0 ? 500 : error.info().status;
  response.headers.add("Content-Type", http::kProblemType);
  response.body = http::problem_json(error, id);
  return response;
}

std::string TestServer::loggable_path(const http::RequestHead& head) const {
  return head.raw_path.starts_with("/secret/") ? "/secret/*" : head.raw_path;
}

http::Awaitable<http::Response> echo(http::Request& request) {
  http::Response response;
  if (request.head.path == "/text") {
    response.body = "hello";
  } else if (request.head.path == "/echo") {
    auto text = co_await request.body.read_all(64 * kMiB);
    if (text) {
      response.body = *std::move(text);
    } else {
      response.status = text.error().info().status == 0 ? 400 : text.error().info().status;
      response.body = text.error().message();
    }
  } else {
    response.status = request.head.path == "/refuse" ? 413 : 404;
    response.body = "refused";
  }
  co_return response;
}

}  // namespace strata::test
