#include "tests/support/file_server.h"

#include <sstream>

#include "strata/digest/hasher.h"
#include "strata/http/digest_fields.h"

namespace strata::test {
namespace {

std::string in_chunks(const std::string& body) {
  std::ostringstream text;
  if (!body.empty()) text << std::hex << body.size() << "\r\n" << body << "\r\n";
  text << "0\r\n\r\n";
  return text.str();
}

std::string fields_of(const FileServer::Settings& settings) {
  const std::string digest = settings.repr_digest.empty()
                                 ? http::repr_digest(digest::digest_of(settings.content))
                                 : settings.repr_digest;
  return "ETag: " + settings.etag + "\r\nRepr-Digest: " + digest + "\r\n" +
         (settings.ranges ? "Accept-Ranges: bytes\r\n" : "");
}

}  // namespace

FileServer::FileServer(const Settings& settings)
    : settings_(settings),
      fields_(fields_of(settings)),
      server_(kEvery, [this](Peer& peer) { serve(peer); }) {}

std::vector<FileServer::Get> FileServer::gets() const {
  const std::lock_guard lock(mutex_);
  return gets_;
}

void FileServer::serve(Peer& peer) {
  for (;;) {
    const std::string text = peer.read_head();
    if (text.empty()) return;
    const auto head = http::parse_request_head(text, Limits{});
    check(head.has_value(), "the client sent a bad request head");
    if (head->method == "HEAD") {
      answer_head(peer);
    } else if (!answer_get(peer, *head)) {
      return;
    }
  }
}

void FileServer::answer_head(Peer& peer) const {
  const std::string length =
      settings_.length ? "Content-Length: " + std::to_string(settings_.content.size()) + "\r\n"
                       : "";
  peer.write("HTTP/1.1 " + std::to_string(settings_.head_status) + " Status\r\n" + fields_ +
             length + "\r\n");
}

bool FileServer::answer_extents(Peer& peer, const std::string& target) const {
  return peer.write(settings_.extents ? settings_.extents(target)
                                      : plain_response("", "404 Not Found"));
}

bool FileServer::answer_get(Peer& peer, const http::RequestHead& head) {
  if (head.target.find("/extents") != std::string::npos) return answer_extents(peer, head.target);
  Get get{head.target, std::nullopt};
  const auto range = head.headers.get("Range");
  if (range && settings_.ranges) {
    const auto decision = http::decide_ranges(*range, settings_.content.size(), Limits{});
    check(decision.ranges.size() == 1, "the client asked for an odd range");
    get.range = decision.ranges[0];
  }
  std::size_t index;
  {
    const std::lock_guard lock(mutex_);
    index = gets_.size();
    gets_.push_back(get);
  }
  const Fault fault = settings_.fault ? settings_.fault(index, get) : Fault::kNone;
  if (fault == Fault::kUnavailable) {
    return peer.write(plain_response("", "503 Service Unavailable"));
  }
  const auto if_match = head.headers.get("If-Match");
  if (if_match && *if_match != settings_.etag) {
    return peer.write(plain_response("", "412 Precondition Failed"));
  }
  if (!get.range || fault == Fault::kWholeForRange) return send_whole(peer, fault);
  return send_range(peer, *get.range, fault);
}

bool FileServer::send_whole(Peer& peer, Fault fault) const {
  const std::string head = "HTTP/1.1 200 OK\r\n" + fields_;
  const std::string& body = settings_.content;
  if (settings_.length) {
    return send_body(peer, head + "Content-Length: " + std::to_string(body.size()) + "\r\n\r\n",
                     body, fault);
  }
  return send_body(peer, head + "Transfer-Encoding: chunked\r\n\r\n", in_chunks(body), fault);
}

bool FileServer::send_range(Peer& peer, const http::ByteRange& range, Fault fault) const {
  const std::string& content = settings_.content;
  http::ByteRange sent = range;
  if (fault == Fault::kOtherRange) sent = {range.first + 1, range.length - 1};
  std::string head = "HTTP/1.1 206 Partial Content\r\n";
  head += fault == Fault::kOtherEtag ? "ETag: \"other\"\r\n" : fields_;
  head += "Content-Range: " + http::content_range(sent, content.size()) + "\r\n";
  std::string body = content.substr(sent.first, sent.length);
  if (fault == Fault::kTooMuch) {
    return send_body(peer, head + "Transfer-Encoding: chunked\r\n\r\n", in_chunks(body + "x"),
                     Fault::kNone);
  }
  head += "Content-Length: " + std::to_string(body.size()) + "\r\n\r\n";
  return send_body(peer, head, std::move(body), fault);
}

// False: the connection is over.
bool FileServer::send_body(Peer& peer, const std::string& head, std::string body,
                           Fault fault) const {
  if (fault == Fault::kFlippedByte && !body.empty()) body[body.size() / 2] ^= 1;
  const bool half = fault == Fault::kCut || fault == Fault::kStall;
  if (half) body.resize(body.size() / 2);
  if (!peer.write(head + body) || fault == Fault::kCut) return false;
  if (fault == Fault::kStall) peer.read_to_end();
  return fault != Fault::kStall;
}

}  // namespace strata::test
