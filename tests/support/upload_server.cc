#include "tests/support/upload_server.h"

#include <algorithm>

#include "strata/base/text.h"
#include "strata/http/url.h"
#include "tests/support/image_document.h"

namespace strata::test {
namespace {

std::string image_id(std::size_t index) {
  const std::string digits = std::to_string(index);
  return "0192f0c1-2345-7abc-8def-" + std::string(12 - digits.size(), '0') + digits;
}

std::map<std::string, std::string> decode_metadata(const std::string& header) {
  std::map<std::string, std::string> values;
  for (const std::string_view pair : split(header, ',')) {
    const std::size_t space = pair.find(' ');
    const auto bytes = from_base64(space == std::string_view::npos ? "" : pair.substr(space + 1));
    check(bytes.has_value(), "the client sent metadata that is not base64");
    values[std::string(pair.substr(0, space))] = std::string(bytes->begin(), bytes->end());
  }
  return values;
}

std::string path_of(std::string_view url) {
  const auto parsed = http::Url::parse(url);
  return parsed ? parsed->target : std::string(url);
}

}  // namespace

UploadServer::UploadServer(Settings settings) : settings_(std::move(settings)) {
  start();
}

void UploadServer::stop() {
  port_ = server_->port();
  server_.reset();
}

void UploadServer::start() {
  server_ = std::make_unique<ScriptedServer>(
      kEvery, [this](Peer& peer) { serve(peer); }, port_);
  port_ = server_->port();
}

void UploadServer::serve(Peer& peer) {
  for (;;) {
    const std::string text = peer.read_head();
    if (text.empty()) return;
    const auto head = http::parse_request_head(text, Limits{});
    check(head.has_value(), "the client sent a bad request head");
    if (!answer(peer, *head)) return;
  }
}

// False: the connection is over.
bool UploadServer::answer(Peer& peer, const http::RequestHead& head) {
  Request request{0, head.method, head.target, head.headers, 0};
  request.offset = parse_decimal(head.headers.get("Upload-Offset").value_or("")).value_or(0);
  {
    const std::lock_guard lock(mutex_);
    request.index = requests_.size();
    requests_.push_back(request);
  }
  const Fault fault = settings_.fault ? settings_.fault(request) : Fault{};
  if (fault.lose) {
    const std::lock_guard lock(mutex_);
    uploads_.clear();
  }
  if (fault.status != 0) {
    peer.write(plain_response(fault.body, std::to_string(fault.status) + " Fault",
                              "Connection: close\r\n" + fault.headers));
    peer.read_to_end();  // no RST that destroys the answer
    return false;
  }
  const std::uint64_t length = head.framing.length;
  if (!receive(peer, request, length, fault)) return false;
  Answer answer;
  {
    const std::lock_guard lock(mutex_);
    answer = act(request, length);
  }
  if (fault.mute) return false;
  std::string response = plain_response(answer.body, answer.status, answer.headers);
  if (head.method == "HEAD") response.resize(response.size() - answer.body.size());
  return peer.write(response);
}

// Content of a PATCH goes to its upload as it comes.
bool UploadServer::receive(Peer& peer, const Request& request, std::uint64_t length,
                           const Fault& fault) {
  constexpr std::uint64_t kPiece = 64 * kKiB;
  const bool cut = fault.cut_after.has_value() && *fault.cut_after < length;
  const std::uint64_t wanted = cut ? *fault.cut_after : length;
  for (std::uint64_t done = 0; done < wanted;) {
    const std::string piece = peer.read_exactly(std::min(kPiece, wanted - done));
    if (piece.empty()) return false;
    const std::lock_guard lock(mutex_);
    received_ += piece.size();
    const auto found = uploads_.find(request.target);
    const bool right = found != uploads_.end() && !found->second.failed &&
                       found->second.content.size() == request.offset + done;
    const bool kept = !fault.forget && done < fault.keep_only.value_or(length);
    if (request.method == "PATCH" && right && kept) found->second.content += piece;
    done += piece.size();
    grown_.notify_all();
  }
  if (fault.stall) peer.read_to_end();
  return !cut && !fault.stall;
}

UploadServer::Answer UploadServer::act(const Request& request, std::uint64_t received) {
  check(request.method == "GET" || request.headers.get("Tus-Resumable") == "1.0.0",
        "a tus request without its version");
  constexpr std::string_view kImages = "/v1/images/";
  if (request.target.starts_with(kImages)) {
    for (std::size_t i = 0; i < images_.size(); ++i) {
      if (!request.target.ends_with(image_id(i))) continue;
      const std::string& about =
          settings_.answer_about.empty() ? images_[i] : settings_.answer_about;
      return {"200 OK", "Content-Type: application/json\r\n",
              image_document(about, "disk", image_id(i))};
    }
    return {"404 Not Found", "", ""};
  }
  if (request.method == "POST") return create(request.headers);
  const auto found = uploads_.find(request.target);
  if (found == uploads_.end() || found->second.gone) return {"404 Not Found", "", ""};
  Upload& upload = found->second;
  const auto offset = [&] {
    return "Upload-Offset: " + std::to_string(upload.content.size()) + "\r\n";
  };
  if (request.method == "GET") return report(upload);
  if (request.method == "HEAD") return {"200 OK", offset(), ""};
  if (request.method == "DELETE") {
    uploads_.erase(found);
    return {"204 No Content", "", ""};
  }
  if (!upload.parts.empty()) return {"403 Forbidden", "", ""};
  const std::uint64_t end = upload.content.size();
  if (request.offset > end || end > request.offset + received) {
    return {"409 Conflict", "", ""};
  }
  finish_if_whole(upload);
  if (upload.failed) {
    return {"422 Unprocessable", "Content-Type: application/problem+json\r\n", settings_.failure};
  }
  return {"204 No Content", offset(), ""};
}

UploadServer::Answer UploadServer::create(const http::Headers& headers) {
  const std::string target = "/v1/uploads/" + std::to_string(created_++);
  Upload upload;
  upload.metadata = std::string(headers.get("Upload-Metadata").value_or(""));
  const std::string concat(headers.get("Upload-Concat").value_or(""));
  upload.partial = concat == "partial";
  if (concat.starts_with("final;")) {
    for (const std::string_view part : split(std::string_view(concat).substr(6), ' ')) {
      upload.parts.push_back(path_of(part));
      check(uploads_.contains(upload.parts.back()), "a final upload of an unknown part");
      upload.length += uploads_[upload.parts.back()].length;
    }
  } else {
    const auto length = parse_decimal(headers.get("Upload-Length").value_or(""));
    check(length.has_value(), "an upload without its length");
    upload.length = *length;
  }
  upload.polls_left = settings_.verifying_polls;
  if (!upload.parts.empty()) upload.joining_left = settings_.joining_polls;
  Upload& kept = uploads_[target] = std::move(upload);
  if (kept.length == 0) finish_if_whole(kept);
  const std::string origin = settings_.public_url.empty()
                                 ? "http://127.0.0.1:" + std::to_string(port_)
                                 : settings_.public_url;
  return {"201 Created", "Location: " + origin + target + "\r\n", ""};
}

std::string UploadServer::whole(const Upload& upload) const {
  if (upload.parts.empty()) return upload.content;
  std::string content;
  for (const std::string& part : upload.parts) {
    const auto found = uploads_.find(part);
    if (found != uploads_.end()) content += found->second.content;
  }
  return content;
}

void UploadServer::finish_if_whole(Upload& upload) {
  if (upload.partial) {
    for (auto& [target, other] : uploads_) {
      if (!other.parts.empty()) finish_if_whole(other);
    }
    return;
  }
  const std::string content = whole(upload);
  if (upload.image >= 0 || upload.failed || content.size() != upload.length) return;
  if (!settings_.failure.empty()) {
    upload.failed = true;
    return;
  }
  upload.image = static_cast<int>(images_.size());
  images_.push_back(content);
  last_metadata_ = upload.metadata;
  if (!settings_.forget_parts) return;
  for (const std::string& part : upload.parts) uploads_[part].gone = true;
}

UploadServer::Answer UploadServer::report(Upload& upload) {
  std::string state = "\"receiving\"";
  std::string image = "null";
  std::string error = "null";
  if (upload.failed) {
    state = "\"failed\"";
    error = settings_.failure;
  } else if (upload.image >= 0 && upload.joining_left > 0) {
    --upload.joining_left;
  } else if (upload.image >= 0 && upload.polls_left > 0) {
    --upload.polls_left;
    state = "\"verifying\"";
  } else if (upload.image >= 0) {
    state = "\"complete\"";
    image = "\"" + image_id(static_cast<std::size_t>(upload.image)) + "\"";
  }
  return {"200 OK", "Content-Type: application/json\r\n",
          "{\"state\": " + state + ", \"offset\": " + std::to_string(whole(upload).size()) +
              ", \"length\": " + std::to_string(upload.length) + ", \"image\": " + image +
              ", \"error\": " + error + "}"};
}

std::vector<UploadServer::Request> UploadServer::requests() const {
  const std::lock_guard lock(mutex_);
  return requests_;
}

std::size_t UploadServer::count(std::string_view method) const {
  const std::lock_guard lock(mutex_);
  return static_cast<std::size_t>(
      std::count_if(requests_.begin(), requests_.end(),
                    [&](const Request& request) { return request.method == method; }));
}

std::vector<std::string> UploadServer::images() const {
  const std::lock_guard lock(mutex_);
  return images_;
}

std::map<std::string, std::string> UploadServer::metadata() const {
  const std::lock_guard lock(mutex_);
  return decode_metadata(last_metadata_);
}

std::size_t UploadServer::open_uploads() const {
  const std::lock_guard lock(mutex_);
  return static_cast<std::size_t>(std::count_if(uploads_.begin(), uploads_.end(), [](auto& pair) {
    const Upload& upload = pair.second;
    return upload.image < 0 && !upload.failed && upload.content.size() < upload.length;
  }));
}

std::uint64_t UploadServer::received() const {
  const std::lock_guard lock(mutex_);
  return received_;
}

bool UploadServer::wait_for_bytes(std::uint64_t bytes) const {
  std::unique_lock lock(mutex_);
  return grown_.wait_for(lock, std::chrono::seconds(10), [&] {
    std::uint64_t kept = 0;
    for (const auto& [target, upload] : uploads_) kept += upload.content.size();
    return kept >= bytes;
  });
}

}  // namespace strata::test
