#pragma once

#include <optional>
#include <string>

#include "registry/http/parking.h"
#include "registry/http/server.h"

struct MHD_Connection;

namespace strata::registry_http {

// One request and its answer, from the request line to the last byte sent. Touched by one thread at
// a time.
struct Exchange {
  std::string target;  // as on the request line
  Request request;
  bool prepared = false;  // the head has been looked at
  std::uint64_t body_bytes_max = 0;
  std::uint64_t body_bytes = 0;     // read, kept or not
  std::optional<Response> refusal;  // decided before the body was complete
  bool close = false;               // no other request can follow on this connection
  bool unread = false;              // answered before the body was read
  Parking::Ticket ticket;           // where the request waits, if it does
  Response response;                // its body is sent from here
};

// The request's head by the strict guard of strata/http, from what libmicrohttpd parsed.
[[nodiscard]] Result<http::RequestHead> guard_head(MHD_Connection* connection,
                                                   const std::string& method,
                                                   const std::string& target,
                                                   const std::string& version,
                                                   const Limits& limits);

// The client's X-Request-Id when it is short and plain, else a new one.
[[nodiscard]] std::string request_id(MHD_Connection* connection, Random& random);

// The peer's address without its port.
[[nodiscard]] std::string peer_address(MHD_Connection* connection);

// An Error as a problem document. What went wrong inside is left to the log.
[[nodiscard]] Response problem_response(const Error& error, const std::string& id);

}  // namespace strata::registry_http
