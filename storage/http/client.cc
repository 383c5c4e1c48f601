#include "strata/http/client.h"

#include <poll.h>

#include <algorithm>
#include <array>

#include "storage/http/exchange.h"
#include "storage/http/transport.h"

namespace strata::http {
namespace {

bool has_content(const ClientRequest& request) {
  return request.source || !request.body.empty() || request.method == "POST" ||
         request.method == "PUT" || request.method == "PATCH";
}

// RFC 9110 §9.2.2.
bool is_idempotent(std::string_view method) {
  constexpr std::array<std::string_view, 5> kMethods = {"GET", "HEAD", "PUT", "DELETE", "OPTIONS"};
  return std::find(kMethods.begin(), kMethods.end(), method) != kMethods.end();
}

// Nothing that could end a line or split the request line.
bool is_token_text(std::string_view text) {
  return !text.empty() && std::all_of(text.begin(), text.end(), [](char c) {
    return static_cast<unsigned char>(c) > 0x20 && c != 0x7f;
  });
}

bool is_field_value(std::string_view text) {
  return std::all_of(text.begin(), text.end(), [](char c) {
    return c == '\t' || (static_cast<unsigned char>(c) >= 0x20 && c != 0x7f);
  });
}

// A dead connection, and one on which something unasked for arrived, cannot be used again.
bool is_quiet(const Transport& transport) {
  pollfd polled{transport.descriptor(), POLLIN, 0};
  return ::poll(&polled, 1, 0) == 0;
}

}  // namespace

struct Client::Impl {
  Url origin;
  ClientOptions options;
  std::stop_token stop;
  Limits limits;
  std::unique_ptr<Transport> transport;
  std::unique_ptr<std::byte[]> buffer;

  [[nodiscard]] Headers complete_headers(const ClientRequest& request) const {
    Headers headers;
    if (!request.headers.count("Host")) headers.add("Host", origin.authority());
    if (!request.headers.count("User-Agent")) headers.add("User-Agent", options.user_agent);
    if (!options.bearer_token.empty() && !request.headers.count("Authorization")) {
      headers.add("Authorization", "Bearer " + options.bearer_token);
    }
    for (const auto& [name, value] : request.headers.fields()) headers.add(name, value);
    if (request.source && !request.length) {
      headers.set("Transfer-Encoding", "chunked");
    } else if (has_content(request)) {
      const std::uint64_t length = request.source ? *request.length : request.body.size();
      headers.set("Content-Length", std::to_string(length));
    }
    if (request.expect_continue && has_content(request)) headers.set("Expect", "100-continue");
    return headers;
  }

  [[nodiscard]] Result<std::string> head_text(const ClientRequest& request) const {
    if (!is_token_text(request.method) || !is_token_text(request.target) ||
        !request.target.starts_with('/')) {
      return Error(Errc::kUsage, "the method or target of the request is not valid");
    }
    std::string head = request.method + " " + request.target + " HTTP/1.1\r\n";
    const Headers headers = complete_headers(request);
    for (const auto& [name, value] : headers.fields()) {
      if (!is_token_text(name) || !is_field_value(value)) {
        return Error(Errc::kUsage, "a header of the request has characters that are not allowed");
      }
      head += name + ": " + value + "\r\n";
    }
    return head + "\r\n";
  }

  // Network errors say which server; those of a source or sink stay as they are.
  [[nodiscard]] Error with_origin(const Error& error) const {
    const bool network =
        error.code() == Errc::kUnreachable || error.code() == Errc::kConnectionLost;
    return network ? error.in(origin.origin()) : error;
  }

  [[nodiscard]] Status connect() {
    auto connected = connect_transport(origin, {options.connect_timeout, options.ca_file}, stop);
    if (!connected) return connected.error();
    transport = *std::move(connected);
    return {};
  }

  [[nodiscard]] Result<ClientResponse> send(const ClientRequest& request, const Sink& sink,
                                            std::size_t body_bytes_max);
};

Result<ClientResponse> Client::Impl::send(const ClientRequest& request, const Sink& sink,
                                          std::size_t body_bytes_max) {
  STRATA_TRY(const std::string head, head_text(request));
  if (stop.stop_requested()) return Error(Errc::kCancelled, "stopped");
  if (!buffer) buffer = std::make_unique_for_overwrite<std::byte[]>(Exchange::kBufferBytes);
  for (;;) {
    if (transport && !is_quiet(*transport)) transport.reset();
    const bool reused = transport != nullptr;
    if (!reused) {
      if (auto status = connect(); !status) return status.error();
    }
    Exchange exchange({*transport, options, limits, stop, {buffer.get(), Exchange::kBufferBytes}});
    auto response = exchange.run(request, head, sink, body_bytes_max);
    if (!exchange.reusable()) transport.reset();
    if (response) return response;
    // The server closed the idle connection while the request was on its way. Once: the second
    // round is on a connection of its own.
    const bool repeat = reused && exchange.untouched() && is_idempotent(request.method) &&
                        response.error().code() == Errc::kConnectionLost;
    if (!repeat) return with_origin(response.error());
  }
}

Client::Client(Url origin, ClientOptions options, std::stop_token stop)
    : impl_(std::make_unique<Impl>()) {
  impl_->origin = std::move(origin);
  impl_->options = std::move(options);
  impl_->stop = std::move(stop);
}

Client::~Client() = default;
Client::Client(Client&&) noexcept = default;
Client& Client::operator=(Client&&) noexcept = default;

Result<ClientResponse> Client::send(const ClientRequest& request, const Sink& sink,
                                    std::size_t body_bytes_max) {
  return impl_->send(request, sink, body_bytes_max);
}

const Url& Client::origin() const {
  return impl_->origin;
}

}  // namespace strata::http
