#pragma once

#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>

#include "strata/base/clock.h"
#include "strata/base/digest.h"
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

  // Who waits, by what takes up room.
  struct Claimant {
    std::string endorser;
    std::string fingerprint;  // SHA-256 of the certificate, hex
    bool known = false;       // entries by this certificate in this name are published
  };

  // Takes over what the folder holds; files that are none of ours or damaged are removed. The
  // clock and the limits outlive it.
  [[nodiscard]] static Result<std::unique_ptr<PendingDocuments>> open(
      std::string folder, std::unique_ptr<io::FileSystem> fs, const Limits& limits,
      const Clock& clock);

  // Durable when it returns. `name` is the SHA-256 of the secret, hex. kTooManyRequests: as many
  // wait as may, of all or of this endorser. Of a known claimant those of its own certificate
  // count, so that strangers who use its name cannot take its room; of others all of the endorser,
  // so that nobody fills a mailbox with ever new certificates.
  [[nodiscard]] Status add(const std::string& name, const Claimant& claimant,
                           std::string_view document);
  // The message about it has been sent.
  void mark_asked(const std::string& name);
  // When a document with these bytes came about which its endorser has been asked. Forgotten by a
  // restart, which may have come between the document and its message.
  [[nodiscard]] std::optional<UnixMillis> asked(std::string_view document);
  // kGone: never there, removed, or expired.
  [[nodiscard]] Result<Pending> get(const std::string& name);
  [[nodiscard]] Status remove(const std::string& name);
  [[nodiscard]] UnixMillis expiry_of(UnixMillis received) const;

 private:
  struct Known {
    std::string endorser, fingerprint;
    UnixMillis received = 0;
    Sha256Digest document;
    bool asked = false;
  };

  PendingDocuments(std::string folder, std::unique_ptr<io::FileSystem> fs, const Limits& limits,
                   const Clock& clock);
  [[nodiscard]] Status take_over();
  [[nodiscard]] std::string path_of(const std::string& name) const { return folder_ + "/" + name; }
  [[nodiscard]] Result<Pending> read(const std::string& name) const;
  // These with mutex_:
  void remove_expired();
  [[nodiscard]] Status check_room(const Claimant& claimant) const;
  [[nodiscard]] Status unlink(const std::string& name);  // not yet durable

  const std::string folder_;
  const std::unique_ptr<io::FileSystem> fs_;
  const Limits& limits_;
  const Clock& clock_;
  std::mutex mutex_;  // also around the files: posts that wait for an e-mail are rare
  std::map<std::string, Known> known_;
};

}  // namespace strata::registry
