#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "strata/base/limits.h"
#include "strata/base/result.h"
#include "strata/metadata/document.h"

namespace strata::entries {

// Documents of a store of any format up to ours in order of acceptance, to rebuild it from.
class DocumentSource {
 public:
  virtual ~DocumentSource() = default;
  struct Document {
    std::uint64_t sequence = 0;
    std::string bytes;
    // Of its record; nullopt when that is damaged or of an older format.
    std::optional<metadata::Profile> profile = {};
  };
  // At most `count` of the next; none at the end.
  [[nodiscard]] virtual Result<std::vector<Document>> next(std::size_t count) = 0;
  // The highest sequence number that the store gave.
  [[nodiscard]] virtual std::uint64_t given_sequences() const = 0;

  // The caller holds the StoreLock. kNotFound: there is no store. kUsage: of a newer format.
  [[nodiscard]] static Result<std::unique_ptr<DocumentSource>> open(const std::string& folder,
                                                                    const Limits& limits);
};

}  // namespace strata::entries
