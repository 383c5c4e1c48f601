#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <string>

#include "storage/client/endpoint.h"
#include "storage/client/image_info.h"
#include "storage/client/progress.h"
#include "storage/client/retry.h"
#include "strata/base/digest.h"
#include "strata/base/limits.h"

namespace strata::client {

struct PullOptions {
  bool decoded = false;                       // pull() only
  std::size_t connections = 4;                // ranged GETs at the same time
  bool resume = true;                         // go on from DEST.part if an earlier pull left one
  bool force = false;                         // replace an existing destination
  std::uint64_t piece_bytes_max = 16 * kMiB;  // one ranged GET
  // A shorter run of zeros is transferred although the server says what it is: a request of its own
  // for what follows costs more. It becomes a hole as it arrives.
  std::uint64_t skipped_bytes_min = 256 * kKiB;
  // A piece that is cut short, and 5xx, 408, 429, are tried again, with the wait doubled each time;
  // the count begins anew after each MiB that arrived.
  int retries_max = 6;
  std::chrono::milliseconds retry_wait_first{200};
  std::chrono::milliseconds retry_wait_max{5'000};
  // Asked of bytes that are what they should be, before the file has its name; its error refuses
  // them.
  std::function<Status(const DigestSet&)> admit = {};
};

[[nodiscard]] RetryPolicy retry_policy(const PullOptions& options);

struct PullReport {
  DigestSet digests;                // of the file, as computed here
  std::uint64_t resumed_bytes = 0;  // of an earlier pull
  std::uint64_t skipped_bytes = 0;  // zeros that the server named, so that they were not fetched
  bool ranged = false;              // parallel ranges; else one stream
};

// Fetches the stored (or decoded) bytes of an image into `destination`. They are in DEST.part until
// their size and all three digests have been compared with the image's; DEST.part.state says which
// ranges are there, so that a pull that was interrupted goes on. A view without ranges comes as one
// stream, which begins anew when it is cut. Long runs of zeros become holes; those that the server
// names (extents, of what is the decoded view) are not fetched. `progress` is called on this
// thread. Errors: kConflict: the destination exists; kInUse: another pull writes it; kVerification:
// other bytes than promised, a changed ETag, or a server that answers a range with the whole
// (nothing of that is written); kNotFound, kForbidden, ... from the server; kConnectionLost,
// kUnreachable, kCancelled (DEST.part stays for the next time); kNoSpace, kIo.
[[nodiscard]] Result<PullReport> pull(const Endpoint& endpoint, const ImageInfo& image,
                                      const std::string& destination, const PullOptions& options,
                                      const Progress& progress = {});

// The same from any URL, such as a location in a registry entry. `expected` has at least one
// digest (kUsage). Redirects are not followed. `endpoint.url` is the URL, with its target.
[[nodiscard]] Result<PullReport> pull_url(const Endpoint& endpoint, const ExpectedDigests& expected,
                                          const std::string& destination,
                                          const PullOptions& options,
                                          const Progress& progress = {});

}  // namespace strata::client
