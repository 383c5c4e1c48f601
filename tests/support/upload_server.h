#pragma once

#include <condition_variable>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "strata/http/message.h"
#include "tests/support/scripted_server.h"

namespace strata::test {

// A server of resumable uploads (tus 1.0.0 with creation, concatenation, termination, and the JSON
// of GET that strata-storage has) that keeps them in memory and misbehaves on demand.
class UploadServer {
 public:
  struct Request {
    std::size_t index;  // in order of arrival, over all connections
    std::string method;
    std::string target;
    http::Headers headers;
    std::uint64_t offset = 0;  // PATCH: Upload-Offset
  };
  struct Fault {
    int status = 0;                          // answered instead of doing anything
    std::string headers;                     // with it
    std::string body;                        // with it: a problem document
    std::optional<std::uint64_t> cut_after;  // content bytes; then the connection is closed
    bool forget = false;                     // what came before the cut is not kept
    bool stall = false;                      // instead of the cut: silence until the client goes
    bool mute = false;  // all is done, and the connection closed without an answer
    bool lose = false;  // all uploads are forgotten first
    std::optional<std::uint64_t> keep_only;  // of a whole PATCH: answers 204 for less
  };
  struct Settings {
    // Chooses what goes wrong with a request; called on a server thread.
    std::function<Fault(const Request&)> fault;
    std::string public_url;           // in Location; empty: our address
    std::size_t joining_polls = 0;    // answers "receiving" when it has all parts of a whole
    std::size_t verifying_polls = 0;  // answers "verifying" before the end is known
    std::string failure;              // an error object as JSON: processing fails with it
    std::string answer_about;         // the image's bytes; empty: the truth
    bool forget_parts = false;        // parts are gone when the whole is complete
  };

  explicit UploadServer(Settings settings);
  [[nodiscard]] std::string url() const { return server_->url(); }

  // Cuts everything; connections are refused until start(). Uploads stay.
  void stop();
  void start();

  [[nodiscard]] std::vector<Request> requests() const;
  [[nodiscard]] std::size_t count(std::string_view method) const;
  // Content of the images that were made, in order, and the metadata of the last one.
  [[nodiscard]] std::vector<std::string> images() const;
  [[nodiscard]] std::map<std::string, std::string> metadata() const;
  [[nodiscard]] std::size_t open_uploads() const;  // bytes are missing, not removed
  [[nodiscard]] std::uint64_t received() const;    // content bytes over all PATCH requests
  // Waits until so many bytes are kept in unfinished uploads; false after 10 s.
  [[nodiscard]] bool wait_for_bytes(std::uint64_t bytes) const;

 private:
  struct Upload {
    std::uint64_t length = 0;
    std::string content;
    std::string metadata;
    bool partial = false;
    std::vector<std::string> parts;  // of a final upload
    std::size_t joining_left = 0;
    std::size_t polls_left = 0;
    int image = -1;  // index in images_
    bool failed = false;
    bool gone = false;  // a part whose whole is complete
  };
  struct Answer {
    std::string status = "200 OK";
    std::string headers;
    std::string body;
  };

  void serve(Peer& peer);
  [[nodiscard]] bool answer(Peer& peer, const http::RequestHead& head);
  [[nodiscard]] bool receive(Peer& peer, const Request& request, std::uint64_t length,
                             const Fault& fault);
  [[nodiscard]] Answer act(const Request& request, std::uint64_t received);
  [[nodiscard]] Answer create(const http::Headers& headers);
  [[nodiscard]] Answer report(Upload& upload);
  void finish_if_whole(Upload& upload);
  [[nodiscard]] std::string whole(const Upload& upload) const;

  const Settings settings_;
  mutable std::mutex mutex_;  // guards what follows
  mutable std::condition_variable grown_;
  std::vector<Request> requests_;
  std::map<std::string, Upload> uploads_;  // by target
  std::vector<std::string> images_;
  std::string last_metadata_;
  std::size_t created_ = 0;
  std::uint64_t received_ = 0;
  std::uint16_t port_ = 0;
  std::unique_ptr<ScriptedServer> server_;  // last: its threads use the rest
};

}  // namespace strata::test
