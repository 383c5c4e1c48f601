#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "storage/upload/decode_stage.h"
#include "storage/upload/digest_stage.h"
#include "strata/base/clock.h"
#include "strata/base/result.h"

namespace strata::upload {

// Where an upload can go on after its process has ended: the journal's kCheckpoint value.
// storage/FORMAT.md, "Upload checkpoint", specifies the bytes.
struct Checkpoint {
  std::uint64_t offset = 0;  // durable stored bytes
  UnixMillis saved = 0;      // when: the session was in use then
  // Of the stored view; its `bytes` are at most `offset`, and below it only where bytes were kept
  // before they could be digested (parts of a concatenation). nullopt: from the first byte.
  std::optional<DigestStage::Saved> stored;
  // Where decoding can go on, at most at `offset`; nullopt: from the first byte, or not encoded.
  std::optional<DecodeStage::Saved> decoding;
  bool operator==(const Checkpoint&) const = default;
};

[[nodiscard]] std::string to_bytes(const Checkpoint& checkpoint);
// kCorruptData when it is damaged, of another version or inconsistent.
[[nodiscard]] Result<Checkpoint> checkpoint_from_bytes(std::string_view bytes);

}  // namespace strata::upload
