#include <string>
#include <string_view>

#include "strata/http/message.h"
#include "tests/fuzz/fuzz_target.h"

// Any bytes as a request head, as a response head and as chunks: no crash, and what is accepted
// keeps the promises that the engine builds on.
namespace strata::http {
namespace {

const Limits kLimits;

void fuzz_request(std::string_view bytes) {
  const auto end = find_head_end(bytes, kLimits);
  for (std::size_t seen = 1; seen < bytes.size() && seen < 64; seen *= 2) {
    const auto before = find_head_end(bytes.substr(0, seen), kLimits);
    if (!before || *before) continue;
    const auto again = find_head_end(bytes, kLimits, seen);
    check(again.has_value() == end.has_value() && (!end || *again == *end),
          "another end in pieces");
  }
  if (!end || !*end) return;
  const auto head = parse_request_head(bytes.substr(0, **end), kLimits);
  if (!head) return;
  check(!head->method.empty() && !head->target.empty(), "a request without a method or target");
  check(head->path.find('\0') == std::string::npos, "NUL in a path");
  check(head->headers.count("Host") <= 1 && head->headers.count("Content-Length") <= 1,
        "a field twice that may be there once");
  check(!head->headers.get("Content-Length") || !head->headers.get("Transfer-Encoding"),
        "two framings");
  for (const auto& [name, value] : head->headers.fields()) {
    check(!name.empty() && value.find_first_of(std::string_view("\r\n\0", 3)) == std::string::npos,
          "a field that would split a message");
  }
}

std::string decode_chunks(std::string_view bytes, std::size_t piece, bool& refused) {
  ChunkedDecoder decoder(kLimits);
  std::string content;
  while (!bytes.empty()) {
    const auto step = decoder.step(bytes.substr(0, piece));
    refused = !step;
    if (!step) return {};
    check(step->consumed > 0 || step->done, "the decoder stands still");
    content += step->data;
    if (step->done) break;
    bytes.remove_prefix(step->consumed);
  }
  return content;
}

void fuzz_chunks(std::string_view bytes) {
  bool refused = false;
  const std::string whole = decode_chunks(bytes, bytes.size(), refused);
  for (const std::size_t piece : {std::size_t{1}, std::size_t{2}, std::size_t{7}}) {
    bool refused_too = false;
    check(decode_chunks(bytes, piece, refused_too) == whole && refused == refused_too,
          "another verdict in pieces");
  }
}

}  // namespace
}  // namespace strata::http

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace strata::http;
  if (size == 0) return 0;
  const std::string_view bytes(reinterpret_cast<const char*>(data) + 1, size - 1);
  switch (data[0] % 3) {
    case 0:
      fuzz_request(bytes);
      break;
    case 1:
      (void)parse_response_head(bytes, "GET", kLimits);
      break;
    default:
      fuzz_chunks(bytes);
  }
  return 0;
}
