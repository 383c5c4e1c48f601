#pragma once

#include <cstdint>
#include <string>

#include "strata/base/result.h"

namespace strata::registry_http {

// A listening TCP socket, non-blocking and close-on-exec; closed by whoever takes `descriptor`.
struct Listener {
  int descriptor = -1;
  std::uint16_t port = 0;  // the real one
  bool loopback = false;
};

// Port 0 = pick one. kConflict: taken; kUsage: `host` is no address of this machine.
[[nodiscard]] Result<Listener> listen_on(const std::string& host, std::uint16_t port);

}  // namespace strata::registry_http
