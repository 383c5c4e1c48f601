#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "strata/base/clock.h"
#include "strata/base/ids.h"
#include "strata/base/result.h"

// The journal's kSession and kOutcome values; JSON, specified in storage/FORMAT.md, "Upload
// journal".
namespace strata::upload {

enum class Kind : unsigned char {
  kPlain,    // one upload, one image
  kPartial,  // a part of a concatenation (tus): bytes only
  kFinal,    // a concatenation of partial uploads
};

struct SessionRecord {
  Kind kind = Kind::kPlain;
  std::string owner;  // stable id
  UnixMillis created = 0;
  std::optional<std::uint64_t> length;  // of the stored bytes, once it is known
  // Chosen at creation, so that a publication that a crash cut off is recognised by its image.
  ImageId image;
  BlobId blob;
  // What the client said of the image: opaque here, the service's words.
  std::string description;
  std::vector<RandomId> parts;    // kFinal: in order
  std::optional<RandomId> final;  // kPartial: the one that it belongs to
  bool digested = true;           // kPartial: digests run while its bytes arrive
  bool absorbed = false;          // kPartial: its bytes have become its final's
  bool operator==(const SessionRecord&) const = default;
};

struct OutcomeRecord {
  bool complete = false;  // the image is published, or the partial is whole; else failed:
  std::string error_type, error_detail;
  UnixMillis ended = 0;
  bool operator==(const OutcomeRecord&) const = default;
};

[[nodiscard]] std::string to_json(const SessionRecord& record);
[[nodiscard]] Result<SessionRecord> session_from_json(std::string_view text);
[[nodiscard]] std::string to_json(const OutcomeRecord& record);
[[nodiscard]] Result<OutcomeRecord> outcome_from_json(std::string_view text);

}  // namespace strata::upload
