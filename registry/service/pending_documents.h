#pragma once

#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>

#include "strata/base/clock.h"
#include "strata/base/limits.h"
#include "strata/base/result.h"
#include "strata/io/file_system.h"

namespace strata::registry {

// Verified documents that wait for their endorser's confirmation: one file each in a folder of its
// own (registry/FORMAT.md), under the SHA-256 of the secret that the endorser was sent, so that who
// reads the folder can confirm nothing. Any thread.
class PendingDocuments {
 public:
  struct Pending {
    std::string endorser;
    UnixMillis received = 0;
    std::string document;
  };

  // Takes over what the folder holds; files that are none of ours or damaged are removed. The
  // clock and the limits outlive it.
  [[nodiscard]] static Result<std::unique_ptr<PendingDocuments>> open(
      std::string folder, std::unique_ptr<io::FileSystem> fs, const Limits& limits,
      const Clock& clock);

  // Durable when it returns. `name` is the SHA-256 of the secret, hex. kTooManyRequests: as many
  // wait as may, of all or of this endorser.
  [[nodiscard]] Status add(const std::string& name, std::string_view endorser,
                           std::string_view document);
  // kGone: never there, removed, or expired.
  [[nodiscard]] Result<Pending> get(const std::string& name);
  [[nodiscard]] Status remove(const std::string& name);
  [[nodiscard]] UnixMillis expiry_of(UnixMillis received) const;

 private:
  struct Known {
    std::string endorser;
    UnixMillis received;
  };

  PendingDocuments(std::string folder, std::unique_ptr<io::FileSystem> fs, const Limits& limits,
                   const Clock& clock);
  [[nodiscard]] Status take_over();
  [[nodiscard]] std::string path_of(const std::string& name) const { return folder_ + "/" + name; }
  [[nodiscard]] Result<Pending> read(const std::string& name) const;
  void remove_expired();                                             // with mutex_
  [[nodiscard]] Status check_room(std::string_view endorser) const;  // with mutex_
  [[nodiscard]] Status remove_known(const std::string& name);        // with mutex_

  const std::string folder_;
  const std::unique_ptr<io::FileSystem> fs_;
  const Limits& limits_;
  const Clock& clock_;
  std::mutex mutex_;  // also around the files: posts that wait for an e-mail are rare
  std::map<std::string, Known> known_;
};

}  // namespace strata::registry
