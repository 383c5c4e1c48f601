#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <optional>
#include <stop_token>

#include "storage/client/push_context.h"
#include "storage/client/push_state.h"
#include "storage/client/upload_api.h"
#include "strata/io/file_system.h"

namespace strata::client {

// Sends one part of a file until the server has it: PATCH from the offset that the server is known
// to have; after anything unclear, HEAD and on from there. One thread; `position` is read by
// others.
class PartUpload {
 public:
  struct Job {
    PushContext& context;
    const io::File& file;
    FileIdentity identity;  // the file must keep it
    UploadPart part;
    std::uint64_t offset;  // what the server has
    std::stop_token stop;
    std::atomic<std::uint64_t>& position;       // sent, of the part
    std::function<std::uint64_t()> total_sent;  // of all parts
  };
  explicit PartUpload(const Job& job);

  // kNotFound, kGone: the server has lost the upload. kVerification: the file has changed.
  [[nodiscard]] Status run();

 private:
  [[nodiscard]] Result<std::uint64_t> send(std::uint64_t offset);
  [[nodiscard]] Result<std::size_t> read(std::uint64_t offset, std::span<std::byte> out);
  // Notes what a call has reached; whether that is headway.
  [[nodiscard]] bool take(const Result<std::uint64_t>& reached, std::uint64_t furthest_before);
  // After a refusal of the offset: an error when the upload is over.
  [[nodiscard]] Status settle();
  [[nodiscard]] Status pause(const Error& error);
  void announce_return();

  Job job_;
  UploadApi api_;
  Retry retry_;
  std::optional<std::uint64_t> offset_;  // nullopt: ask
  std::uint64_t durable_;                // the highest offset that the server has named
  std::uint64_t furthest_;               // the end of what was ever sent
  std::uint64_t resumed_at_ = 0;         // of all parts, when the last PATCH began
  bool disputed_ = false;                // the server refused an offset that it had named
  bool quiet_ = false;      // the interruption has had its line; until the server names more
  bool announced_ = false;  // that line still waits for the one that says it is over
};

}  // namespace strata::client
