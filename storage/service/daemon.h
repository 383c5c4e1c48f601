#pragma once

#include <memory>

#include "storage/service/config.h"
#include "strata/base/result.h"

namespace strata::storage {

// The whole of strata-storage in one object: opens the store, recovers, listens, serves until it is
// told to stop. main.cc adds signals; tests run it in their own process.
class Daemon {
 public:
  explicit Daemon(Config config);
  ~Daemon();
  // kCorruptData, kIo, kConflict (port taken), kUsage: with what is wrong and where.
  [[nodiscard]] Status start();
  [[nodiscard]] std::uint16_t port() const;
  [[nodiscard]] std::string url() const;  // http://HOST:PORT
  // Reads the policy again, and has announced or withdrawn what it decides otherwise.
  void reload_policy(const std::string& path);
  // Requests in flight finish (limits.drain_timeout); blocks until all is closed.
  void drain();

 private:
  struct Parts;
  std::unique_ptr<Parts> parts_;
};

}  // namespace strata::storage
