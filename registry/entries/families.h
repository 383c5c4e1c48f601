#pragma once

#include <rocksdb/db.h>

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "strata/base/limits.h"
#include "strata/base/result.h"

// Column families of the entry store, and opening those of a folder (layout: registry/FORMAT.md).
namespace strata::entries {

enum class Family : std::uint8_t { kMeta, kKeys, kRecords, kDocuments, kFacts, kTerms };

// In the order of Family.
[[nodiscard]] const std::vector<std::string>& family_names();
[[nodiscard]] const std::string& family_name(Family family);
inline constexpr std::uint64_t kFormatVersion = 2;
// kUsage: a version that only a newer program knows.
[[nodiscard]] Status check_format(std::uint64_t version);
// The order of acceptance in format 1; no later format has it.
inline constexpr std::string_view kChangesOfFormat1 = "changes";
[[nodiscard]] bool is_format_1(const std::vector<std::string>& present);

// Keys of Family::kMeta.
inline constexpr std::string_view kFormatKey = "format";
inline constexpr std::string_view kIndexKey = "index";
inline constexpr std::string_view kGivenKey = "given";

// An open RocksDB with its handles, which close with it.
class OpenedFamilies {
 public:
  // Opens `names`, in that order, and any others of `present`, which are those that the folder has.
  [[nodiscard]] static Result<OpenedFamilies> open(const std::string& folder,
                                                   std::vector<std::string> names,
                                                   const std::vector<std::string>& present,
                                                   const Limits& limits);
  OpenedFamilies(OpenedFamilies&&) noexcept = default;
  OpenedFamilies& operator=(OpenedFamilies&&) = delete;
  ~OpenedFamilies();

  [[nodiscard]] rocksdb::DB& db() const { return *db_; }
  [[nodiscard]] const std::vector<rocksdb::ColumnFamilyHandle*>& handles() const {
    return handles_;
  }

 private:
  OpenedFamilies() = default;
  std::unique_ptr<rocksdb::DB> db_;
  std::vector<rocksdb::ColumnFamilyHandle*> handles_;
};

// None where there is no store yet. kCorruptData for a folder with something else in it: RocksDB
// would make a new store there and remove what it does not know.
[[nodiscard]] Result<std::vector<std::string>> families_in(const std::string& folder);

}  // namespace strata::entries
