#include "registry/service/store_id.h"

#include "strata/base/ids.h"

namespace strata::registry {
namespace {

constexpr std::uint64_t kFileBytesMax = 64;

}  // namespace

Result<std::string> open_store_id(io::FileSystem& fs, const std::string& path,
                                  std::uint64_t last_sequence, Random& random) {
  STRATA_TRY(const bool exists, fs.exists(path));
  if (exists && last_sequence > 0) {
    STRATA_TRY(std::string text, io::read_file(fs, path, kFileBytesMax));
    if (text.ends_with('\n')) text.pop_back();
    const auto id = RandomId::parse(text);
    if (!id) {
      return Error(Errc::kCorruptData,
                   path +
                       " does not hold 32 lowercase hex digits; without the "
                       "file a new id is made, and peers read everything again");
    }
    return id->text();
  }
  const std::string id = RandomId::generate(random).text();
  Status written = io::write_file_durably(fs, path, path + ".new", id + "\n");
  if (!written) return written.error();
  return id;
}

}  // namespace strata::registry
