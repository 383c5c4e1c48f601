#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <cstring>
#include <string>

#include "strata/http/client.h"
#include "tests/support/scripted_server.h"

// Requests that the tests of http::Client send.
namespace strata::http {

using std::chrono::milliseconds;
using test::kEvery;
using test::Peer;
using test::plain_response;
using test::ScriptedServer;

inline Client client_of(const ScriptedServer& server, ClientOptions options = {},
                        std::stop_token stop = {}) {
  return Client(*Url::parse(server.url()), std::move(options), std::move(stop));
}

inline ClientRequest get(std::string target = "/") {
  ClientRequest request;
  request.target = std::move(target);
  return request;
}

// A PUT of `length` times 'x' from a source; `produced` counts what was taken from it.
inline ClientRequest upload(std::uint64_t length, std::uint64_t& produced) {
  ClientRequest request;
  request.method = "PUT";
  request.target = "/upload";
  request.length = length;
  request.source = [&produced, length](std::span<std::byte> out) -> Result<std::size_t> {
    const auto count = static_cast<std::size_t>(
        std::min<std::uint64_t>(out.size(), length - std::min(length, produced)));
    std::memset(out.data(), 'x', count);
    produced += count;
    return count;
  };
  return request;
}

template <typename T>
Errc code_of(const Result<T>& result) {
  EXPECT_FALSE(result.has_value()) << "an error was expected";
  return result ? Errc::kInternal : result.error().code();
}

}  // namespace strata::http
