#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

// A server on 127.0.0.1 that plays given bytes, right or wrong, to test clients against. Each
// connection is a thread that runs a script; the library of real servers' misbehaviour is the tests
// that use it.
namespace strata::test {

// One accepted connection, as a script sees it. Every wait is bounded (10 s), and then acts as if
// the client had closed.
class Peer {
 public:
  explicit Peer(int descriptor) : descriptor_(descriptor) {}
  ~Peer();
  Peer(const Peer&) = delete;
  Peer& operator=(const Peer&) = delete;

  // A request head with its blank line; empty when the client closed instead.
  std::string read_head();
  // `count` bytes, fewer when the client closed.
  std::string read_exactly(std::size_t count);
  // Everything until the client closes.
  std::string read_to_end();
  // All of it, or until the client closed: false.
  bool write(std::string_view bytes);
  void close();
  void reset();  // closes with RST

 private:
  friend class ScriptedServer;
  bool receive();     // more bytes into received_
  std::mutex mutex_;  // guards descriptor_ against interrupt()
  int descriptor_;
  std::string received_;
  void interrupt();
};

struct Every {};
inline constexpr Every kEvery;

class ScriptedServer {
 public:
  using Script = std::function<void(Peer&)>;
  // The k-th connection runs the k-th script; more connections are closed at once.
  explicit ScriptedServer(std::vector<Script> scripts);
  // Each connection runs this. `port` 0: a free one.
  ScriptedServer(Every, Script script, std::uint16_t port = 0);
  ~ScriptedServer();  // cuts what is open

  [[nodiscard]] std::uint16_t port() const { return port_; }
  [[nodiscard]] std::string url() const;  // http://127.0.0.1:PORT
  [[nodiscard]] std::size_t connections() const { return connections_; }

 private:
  void start(std::uint16_t port);
  void accept_loop();

  std::vector<Script> scripts_;
  bool repeat_ = false;
  int listener_ = -1;
  std::uint16_t port_ = 0;
  std::atomic<std::size_t> connections_ = 0;
  std::mutex mutex_;
  std::vector<std::unique_ptr<Peer>> peers_;
  std::vector<std::thread> threads_;
  std::thread acceptor_;
};

// "HTTP/1.1 200 OK", Content-Length and the body.
[[nodiscard]] std::string plain_response(std::string_view body, std::string_view status = "200 OK",
                                         std::string_view more_headers = {});

}  // namespace strata::test
