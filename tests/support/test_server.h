#pragma once

#include <atomic>
#include <functional>
#include <string>

#include "storage/http/server.h"
#include "tests/support/raw_socket.h"

namespace strata::test {

// A file as a source; its descriptor is closed with it.
class FileSource final : public http::ContentSource {
 public:
  explicit FileSource(const std::string& path);
  ~FileSource() override;
  [[nodiscard]] std::optional<Slice> slice(std::uint64_t offset) const override;
  [[nodiscard]] http::Awaitable<Result<std::size_t>> read_some(std::uint64_t offset,
                                                               std::span<std::byte> out) override;

 private:
  int descriptor_;
};

// `text` in pieces of `step` bytes; after `fail_at` bytes it fails.
class TextSource final : public http::ContentSource {
 public:
  explicit TextSource(std::string text, std::size_t step = 1000,
                      std::size_t fail_at = std::string::npos)
      : text_(std::move(text)), step_(step), fail_at_(fail_at) {}
  [[nodiscard]] std::optional<Slice> slice(std::uint64_t) const override { return std::nullopt; }
  [[nodiscard]] http::Awaitable<Result<std::size_t>> read_some(std::uint64_t offset,
                                                               std::span<std::byte> out) override;

 private:
  std::string text_;
  std::size_t step_;
  std::size_t fail_at_;
};

// A real Server on a free port of 127.0.0.1, with a handler given as a function.
class TestServer final : public http::Handler {
 public:
  using Function = std::function<http::Awaitable<http::Response>(http::Request&)>;
  explicit TestServer(Function function, const Limits& limits = {}, std::size_t threads = 2);
  ~TestServer() override;

  [[nodiscard]] std::uint16_t port() const { return server_.port(); }
  [[nodiscard]] RawSocket connect() const { return RawSocket(port()); }
  // Sends `bytes` on a connection of its own and reads one answer.
  [[nodiscard]] RawSocket::Reply ask(std::string_view bytes) const;
  http::Server& server() { return server_; }
  Metrics& metrics() { return metrics_; }
  [[nodiscard]] int handled() const { return handled_; }

  http::Awaitable<http::Response> handle(http::Request& request) override;
  [[nodiscard]] http::Response problem(const Error& error, const std::string& id) override;
  // "/secret/..." is logged as "/secret/*".
  [[nodiscard]] std::string loggable_path(const http::RequestHead& head) const override;

 private:
  Function function_;
  Limits limits_;
  Metrics metrics_;
  io::WorkerPool disk_pool_;
  std::atomic<int> handled_ = 0;
  http::Server server_;
};

// "/echo": the content back. "/text": "hello". "/refuse": 413 without reading. Others: 404.
[[nodiscard]] http::Awaitable<http::Response> echo(http::Request& request);

}  // namespace strata::test
