#pragma once

#include <stop_token>

#include "strata/http/client.h"
#include "strata/http/url.h"

namespace strata::client {

// A server and how to talk to it. Each connection is an http::Client of its own.
struct Endpoint {
  http::Url url;  // only its origin counts
  http::ClientOptions options;
  std::stop_token stop;

  [[nodiscard]] http::Client connect() const { return {url, options, stop}; }
};

}  // namespace strata::client
