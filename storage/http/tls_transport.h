#pragma once

#include <memory>
#include <string>

#include "storage/http/socket.h"
#include "storage/http/transport.h"

namespace strata::http {

// TLS 1.2 or newer as a client on a connected socket; returns after the handshake. The certificate
// must be good for `host` (a name or an address) under the system's CA bundle or `ca_file`:
// kVerification otherwise.
[[nodiscard]] Result<std::unique_ptr<Transport>> make_tls_transport(Socket socket,
                                                                    const std::string& host,
                                                                    const std::string& ca_file,
                                                                    const Waiting& waiting);

}  // namespace strata::http
