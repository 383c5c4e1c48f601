#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "storage/client/push_state.h"
#include "strata/base/result.h"
#include "strata/io/file_system.h"

namespace strata::client {

// The place of one PushState in a folder of them: KEY.json, where KEY is made of the server's
// origin, the file's identity and the metadata, and KEY.lock, which the push that uses it has
// locked (flock). Files are 0600: a state has the upload's token. One thread.
class PushStateFile {
 public:
  // Makes the folder if need be. Of `key` all but upload and parts count. kInUse: another push of
  // the same file with the same options runs.
  [[nodiscard]] static Result<std::unique_ptr<PushStateFile>> open(const std::string& folder,
                                                                   const PushState& key);
  ~PushStateFile();
  PushStateFile(const PushStateFile&) = delete;
  PushStateFile& operator=(const PushStateFile&) = delete;

  // What an earlier push left; nullopt: nothing. kMalformed, kUsage as push_state_from_json().
  [[nodiscard]] Result<std::optional<PushState>> load();
  [[nodiscard]] Status save(const PushState& state);  // durable when it returns
  void remove();                                      // best effort

 private:
  PushStateFile(std::unique_ptr<io::FileSystem> fs, std::string base);
  [[nodiscard]] Result<bool> lock();

  std::unique_ptr<io::FileSystem> fs_;
  std::string json_path_;
  std::string lock_path_;
  int lock_ = -1;
};

// Takes from the folder what no push will ask for again: states of `key`'s server and path that
// another content of the file left (returned, so that their uploads can be ended), and states that
// are older than any server keeps an upload. Those that a running push has locked stay.
[[nodiscard]] std::vector<PushState> take_outdated(const std::string& folder, const PushState& key);

}  // namespace strata::client
