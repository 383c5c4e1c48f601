#pragma once

#include <memory>
#include <optional>
#include <vector>

#include "storage/client/push_context.h"
#include "storage/client/push_state.h"
#include "storage/client/push_state_file.h"
#include "storage/client/upload_api.h"

namespace strata::client {

// At most `parallel` parts of equal size, which is a multiple of 1 MiB; the last one may be
// shorter. A file has at least one.
[[nodiscard]] std::vector<UploadPart> divide(std::uint64_t size, std::size_t parallel);

// The upload of one push at the server, and what is remembered of it here. One thread.
class PushSession {
 public:
  // `key`: what is known before there is an upload.
  PushSession(PushContext& context, UploadApi& api, PushState key);

  // Looks for what an earlier push left; another content's leftovers are ended. Never fails: what
  // cannot be remembered is said and not remembered.
  void open();
  // Whether there is an upload; its targets are in state().
  [[nodiscard]] bool started() const { return !state_.upload.empty(); }
  [[nodiscard]] const PushState& state() const { return state_; }
  [[nodiscard]] bool remembered() const { return file_ != nullptr; }

  // Makes the upload (all parts and the whole), and remembers it before a byte is sent.
  [[nodiscard]] Status start();
  // What the server has of each part.
  [[nodiscard]] Result<std::vector<std::uint64_t>> offsets();
  // Forgets the upload. With `end`, the server may too: best effort, not long.
  void drop(bool end);

 private:
  void load();
  [[nodiscard]] Result<std::string> create(const std::string& metadata);
  [[nodiscard]] Result<std::vector<std::string>> create_partials();
  void end_uploads(const PushState& state) const;

  PushContext& context_;
  UploadApi& api_;
  PushState state_;
  std::unique_ptr<PushStateFile> file_;
};

}  // namespace strata::client
