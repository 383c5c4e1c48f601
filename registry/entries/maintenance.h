#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "strata/base/limits.h"
#include "strata/base/result.h"

// An entry store that nobody has open is checked, or made anew from its documents, which alone
// cannot be derived from anything. Both verify every signature again, on all processors.
namespace strata::entries {

struct MaintenanceReport {
  std::uint64_t entries = 0;  // that are well
  std::uint64_t problem_count = 0;
  std::vector<std::string> problems;  // the first hundred
};

// Compares records, keys, facts, digests and the search index with the documents. Changes nothing.
// kConflict: another process has the store. kNotFound: there is none.
[[nodiscard]] Result<MaintenanceReport> check_store(const std::string& folder,
                                                    const Limits& limits);

// Makes a new store beside the old one, from its documents, and puts it in its place at once; the
// old one stays as it is until then. Also brings a store of an older format up to ours. Needs as
// much free space as the store takes. A document that does not verify any more is a problem (it is
// damaged, or the limits or OpenSSL's policy have changed):
enum class Unverified : std::uint8_t {
  kRefuse,    // then nothing is changed; the report says what is wrong
  kLeaveOut,  // without it; the others keep their sequence numbers, and the old store is kept as
              // FOLDER.before-rebuild. kConflict when that is there already
};
// Errors as check_store(), and kNoSpace, kUsage (a newer format, a folder that cannot be replaced).
[[nodiscard]] Result<MaintenanceReport> rebuild_store(const std::string& folder,
                                                      const Limits& limits, Unverified unverified);

}  // namespace strata::entries
