#pragma once

#include <functional>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "strata/http/message.h"
#include "strata/http/range.h"
#include "tests/support/scripted_server.h"

namespace strata::test {

// A server of one representation, with ranges, If-Match and Repr-Digest, that misbehaves on demand.
// Its extents, where it has some, are another resource: /.../extents and what their answers link
// to.
class FileServer {
 public:
  enum class Fault : std::uint8_t {
    kNone,
    kCut,            // closes after half of the body
    kWholeForRange,  // 200 with everything
    kFlippedByte,    // right framing, one bit wrong
    kUnavailable,    // 503
    kOtherRange,     // 206 with the bytes one further on
    kTooMuch,        // 206 with a byte more than Content-Range says, in chunked coding
    kOtherEtag,      // 206 of something else
    kStall,          // half of the body, then nothing until the client goes
  };
  struct Get {
    std::string target;
    std::optional<http::ByteRange> range;  // nullopt: the whole
  };
  struct Settings {
    std::string content;
    std::string etag = "\"v1\"";
    bool ranges = true;
    bool length = true;  // of a 200: Content-Length; else chunked
    int head_status = 200;
    std::string repr_digest;  // empty: the right one
    // Chooses the fault of the index-th GET; called on a server thread.
    std::function<Fault(std::size_t index, const Get& get)> fault;
    // The whole response to a GET of extents; without it, 404. Called on a server thread.
    std::function<std::string(const std::string& target)> extents;
  };

  explicit FileServer(const Settings& settings);
  [[nodiscard]] std::string url() const { return server_.url() + "/disk.img"; }
  [[nodiscard]] std::vector<Get> gets() const;  // without those of extents

 private:
  void serve(Peer& peer);
  void answer_head(Peer& peer) const;
  bool answer_extents(Peer& peer, const std::string& target) const;
  bool answer_get(Peer& peer, const http::RequestHead& head);
  bool send_whole(Peer& peer, Fault fault) const;
  bool send_range(Peer& peer, const http::ByteRange& range, Fault fault) const;
  bool send_body(Peer& peer, const std::string& head, std::string body, Fault fault) const;

  const Settings settings_;
  const std::string fields_;  // of every 200 and 206
  mutable std::mutex mutex_;
  std::vector<Get> gets_;
  ScriptedServer server_;  // last: its threads use the rest
};

}  // namespace strata::test
