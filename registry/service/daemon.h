#pragma once

#include <memory>
#include <string>

#include "registry/service/config.h"

namespace strata::registry {

// strata-registry without its command line: everything from the entry store to the server. Tests
// run it in process.
class Daemon {
 public:
  explicit Daemon(Config config);
  ~Daemon();
  Daemon(const Daemon&) = delete;
  Daemon& operator=(const Daemon&) = delete;

  [[nodiscard]] Status start();
  [[nodiscard]] std::string url() const;  // "http://HOST:PORT" of the listener
  // Takes over trust, policy and log level; the rest needs a restart.
  void reload(const Config& config);
  // The policy alone, from the file it was last read from.
  void reload_policy();
  // Not ready, no new connections, requests in flight finish, then all is closed.
  void drain();

 private:
  struct Parts;
  std::unique_ptr<Parts> parts_;
};

}  // namespace strata::registry
