#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "storage/catalog/image_store.h"
#include "tests/support/fault_plan.h"
#include "tests/support/faulty_catalog.h"
#include "tests/support/faulty_file_system.h"
#include "tests/support/images.h"

namespace rocksdb {
class Env;
}

namespace strata::test {

// How the world ends in one run.
struct Ending {
  FaultyFileSystem::Leaves leaves = FaultyFileSystem::Leaves::kNothing;
  std::uint32_t seed = 0;
  bool write_takes_effect = false;  // the catalogue's write in which it happens
};
[[nodiscard]] std::vector<Ending> all_endings();
[[nodiscard]] std::string describe(const Ending& ending);

// A storage service's data in a world that can fail at any call, and a model of what must be there:
// every operation tells the model what it is about to do and, when it is acknowledged, that it is
// done. Between the two an image may be as before or as after, and nothing else.
class ImageWorld {
 public:
  explicit ImageWorld(const Ending& ending);
  ~ImageWorld();

  FaultPlan& plan() { return plan_; }
  catalog::ImageStore& images() { return *images_; }
  catalog::Catalog& catalog() { return *catalog_; }
  blob::BlobStore& blobs() { return *blobs_; }
  FaultyFileSystem& fs() { return *fs_; }
  ManualClock& clock() { return maker_.clock(); }

  // Operations. The image's id is known before the outcome.
  struct Upload {
    ImageId id;
    Status status;
  };
  Upload upload(const std::string& owner, const std::string& bytes);
  Status update(const ImageId& id, const std::function<void(catalog::Image&)>& change);
  Status remove(const ImageId& id);
  // One hour later: whatever awaits removal goes.
  Status collect();

  // The power comes back: a new process on what the disk kept. start() recovers and may itself be
  // cut; `lose_catalog` begins with an empty catalogue.
  void reboot();
  [[nodiscard]] Status start();
  void lose_catalog();

  // Every image is as the model says, with its bytes; nothing is left over on the disk; what has
  // no image can be collected; and new work is possible. Reports through EXPECT.
  void verify();
  // An operation that failed while the disk lives on: it is as it was before, exactly.
  void expect_not_uploaded(const ImageId& id);

 private:
  struct Expected {
    std::vector<std::optional<catalog::Image>> allowed;  // nullopt: not there
    std::string bytes;
  };
  [[nodiscard]] Result<catalog::Image> publish(const catalog::Image& image,
                                               const std::string& bytes);
  void verify_image(const ImageId& id, const Expected& expected);
  void verify_bytes(const catalog::Image& image, const std::string& bytes);
  void verify_disk();
  void open_catalog();

  Ending ending_;
  FaultPlan plan_;
  ImageMaker maker_;
  std::unique_ptr<FaultyFileSystem> fs_;
  std::unique_ptr<rocksdb::Env> env_;
  std::unique_ptr<catalog::Catalog> inner_;
  std::unique_ptr<FaultyCatalog> catalog_;
  std::unique_ptr<blob::BlobStore> blobs_;
  std::unique_ptr<catalog::ImageStore> images_;
  std::map<ImageId, Expected> model_;
};

}  // namespace strata::test
