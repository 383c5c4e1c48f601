#include "registry/service/pending_documents.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "strata/base/log.h"
#include "strata/base/text.h"
#include "strata/digest/hasher.h"
#include "strata/metadata/document.h"

namespace strata::registry {
namespace {

constexpr std::string_view kFirstLine = "strata-pending 1\n";
constexpr std::size_t kHeadBytesMax = 1024;
constexpr const char* kTemporary = "new.tmp";  // one is enough: with mutex_

Error gone() {
  return {Errc::kGone, "this confirmation was used, thrown away, or is too old"};
}

// "strata-pending 1\n" e-mail "\n" milliseconds "\n" document
std::string text_of(std::string_view endorser, UnixMillis received, std::string_view document) {
  std::string text(kFirstLine);
  text.append(endorser).append("\n").append(std::to_string(received)).append("\n");
  return text.append(document);
}

Result<PendingDocuments::Pending> pending_of(std::string_view text) {
  const Error damaged(Errc::kCorruptData, "a pending document with a damaged head");
  if (!text.starts_with(kFirstLine)) return damaged;
  text.remove_prefix(kFirstLine.size());
  const std::size_t first = text.find('\n');
  const std::size_t second = first == text.npos ? text.npos : text.find('\n', first + 1);
  if (second == text.npos) return damaged;
  PendingDocuments::Pending pending;
  pending.endorser = text.substr(0, first);
  const auto received = parse_decimal(text.substr(first + 1, second - first - 1));
  if (!received || !metadata::is_valid_email(pending.endorser)) return damaged;
  pending.received = static_cast<UnixMillis>(*received);
  pending.document = text.substr(second + 1);
  return pending;
}

}  // namespace

PendingDocuments::PendingDocuments(std::string folder, std::unique_ptr<io::FileSystem> fs,
                                   const Limits& limits, const Clock& clock)
    : folder_(std::move(folder)), fs_(std::move(fs)), limits_(limits), clock_(clock) {}

Result<std::unique_ptr<PendingDocuments>> PendingDocuments::open(std::string folder,
                                                                 std::unique_ptr<io::FileSystem> fs,
                                                                 const Limits& limits,
                                                                 const Clock& clock) {
  std::unique_ptr<PendingDocuments> pending(
      new PendingDocuments(std::move(folder), std::move(fs), limits, clock));
  if (Status status = pending->take_over(); !status) return status.error();
  return pending;
}

Status PendingDocuments::take_over() {
  if (Status status = fs_->make_directories(folder_); !status) return status;
  STRATA_TRY(const auto names, fs_->list(folder_));
  for (const std::string& name : names) {
    auto pending = Sha256Digest::from_hex(name)
                       ? read(name)
                       : Result<Pending>(Error(Errc::kCorruptData, "a file with another name"));
    if (pending) {
      // Verified when it came; a document without a certificate can only be damaged, and is
      // refused when somebody follows its link.
      auto certificate = metadata::signing_certificate(pending->document, limits_);
      known_[name] = {.endorser = std::move(pending->endorser),
                      .fingerprint = certificate ? std::move(certificate->fingerprint) : "",
                      .received = pending->received,
                      .document = digest::digest_of(pending->document).sha256};
      continue;
    }
    if (pending.error().code() == Errc::kIo) return pending.error();
    log::warn("pending.removed", {{"file", name}, {"error", pending.error().detail()}});
    if (Status status = fs_->remove(path_of(name)); !status) return status;
  }
  remove_expired();
  return {};
}

Result<PendingDocuments::Pending> PendingDocuments::read(const std::string& name) const {
  STRATA_TRY(
      const std::string text,
      io::read_file(*fs_, path_of(name), limits_.metadata_document_bytes_max + kHeadBytesMax));
  return pending_of(text);
}

UnixMillis PendingDocuments::expiry_of(UnixMillis received) const {
  return received + std::chrono::milliseconds(limits_.confirmation_valid).count();
}

Status PendingDocuments::unlink(const std::string& name) {
  if (Status status = io::remove_if_there(*fs_, path_of(name)); !status) return status;
  known_.erase(name);
  return {};
}

void PendingDocuments::remove_expired() {
  const UnixMillis now = clock_.now();
  std::vector<std::string> expired;
  for (const auto& [name, known] : known_) {
    if (expiry_of(known.received) <= now) expired.push_back(name);
  }
  if (expired.empty()) return;
  Status status;
  for (const std::string& name : expired) {
    if (Status removed = unlink(name); !removed) status = removed;
  }
  // Once for all of them: who posts waits for it.
  if (Status synced = fs_->sync_directory(folder_); !synced) status = synced;
  if (!status) log::error("pending.remove_failed", {{"error", status.error().detail()}});
}

Status PendingDocuments::check_room(const Claimant& claimant) const {
  if (known_.size() >= limits_.confirmations_max) {
    return Error(Errc::kTooManyRequests, "too many documents wait for a confirmation");
  }
  const auto waiting = std::count_if(known_.begin(), known_.end(), [&](const auto& entry) {
    return entry.second.endorser == claimant.endorser &&
           (!claimant.known || entry.second.fingerprint == claimant.fingerprint);
  });
  if (static_cast<std::size_t>(waiting) >= limits_.confirmations_per_endorser_max) {
    return Error(Errc::kTooManyRequests, std::to_string(waiting) +
                                             " documents of this endorser wait for a "
                                             "confirmation: answer them, or wait until they "
                                             "expire");
  }
  return {};
}

Status PendingDocuments::add(const std::string& name, const Claimant& claimant,
                             std::string_view document) {
  const std::lock_guard lock(mutex_);
  remove_expired();
  if (Status status = check_room(claimant); !status) return status;
  const UnixMillis now = clock_.now();
  const Status written = io::write_file_durably(*fs_, path_of(name), path_of(kTemporary),
                                                text_of(claimant.endorser, now, document));
  if (!written) return written;
  known_[name] = {.endorser = claimant.endorser,
                  .fingerprint = claimant.fingerprint,
                  .received = now,
                  .document = digest::digest_of(document).sha256};
  return {};
}

void PendingDocuments::mark_asked(const std::string& name) {
  const std::lock_guard lock(mutex_);
  // Answered already, perhaps.
  if (const auto known = known_.find(name); known != known_.end()) known->second.asked = true;
}

std::optional<UnixMillis> PendingDocuments::asked(std::string_view document) {
  const Sha256Digest digest = digest::digest_of(document).sha256;
  const std::lock_guard lock(mutex_);
  for (const auto& [name, known] : known_) {
    if (known.asked && known.document == digest && clock_.now() < expiry_of(known.received)) {
      return known.received;
    }
  }
  return std::nullopt;
}

Result<PendingDocuments::Pending> PendingDocuments::get(const std::string& name) {
  const std::lock_guard lock(mutex_);
  const auto known = known_.find(name);
  if (known == known_.end() || expiry_of(known->second.received) <= clock_.now()) return gone();
  return read(name);
}

Status PendingDocuments::remove(const std::string& name) {
  const std::lock_guard lock(mutex_);
  if (!known_.contains(name)) return gone();
  if (Status status = unlink(name); !status) return status;
  return fs_->sync_directory(folder_);
}

}  // namespace strata::registry
