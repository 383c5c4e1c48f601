#pragma once

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "storage/catalog/image_store.h"
#include "storage/upload/uploads.h"
#include "tests/crash/image_world.h"
#include "tests/support/watchdog.h"

namespace strata::test {

// The resumable uploads of a storage service, with everything below them, in a world that can fail
// at any call: blob store, journal and catalogue share one FaultPlan. Uploads completes in its own
// thread, so the k-th call is not the same one in each run; every k is tried nevertheless.
class UploadWorld {
 public:
  // What a client knows of its upload.
  struct Client {
    std::string stored;
    DigestSet decoded;
    upload::Kind kind = upload::Kind::kPlain;
    std::vector<RandomId> parts{};
    std::optional<RandomId> token{};  // once the creation was answered
    std::uint64_t acknowledged = 0;   // the highest offset it was told
    std::uint64_t sent = 0;
    std::optional<ImageId> image{};
    std::uint64_t images_max = 1;
  };

  UploadWorld(const Ending& ending, Watchdog& watchdog);
  ~UploadWorld();

  FaultPlan& plan() { return plan_; }
  upload::Uploads& uploads() { return *uploads_; }
  FaultyFileSystem& fs() { return *fs_; }

  // Creates the upload if the client knows none, sends what is missing in at most three pieces, the
  // second with a checksum, and waits for the end. Stops at the first error. The offset is checked
  // against what was acknowledged.
  [[nodiscard]] Status upload(Client& client);
  [[nodiscard]] Status create(Client& client);
  [[nodiscard]] Status send(Client& client);
  [[nodiscard]] Status completion(const Client& client);
  // Tries again what failed for want of a disk.
  void sweep();
  // The concatenation that the journal knows, if its creation was not answered.
  [[nodiscard]] std::optional<RandomId> find_final();

  void stop();
  // The power comes back, or the process is started again when `power` is false.
  void reboot(bool power);
  [[nodiscard]] Status start();

  // The image of a completed upload is there, once, with its bytes and digests. Then everything is
  // removed and only an empty journal is left.
  void verify(const Client& client);

 private:
  template <typename T>
  T run(boost::asio::awaitable<T> work) {
    std::optional<T> result;
    const auto keep = [&]() -> boost::asio::awaitable<void> {
      result.emplace(co_await std::move(work));
    };
    boost::asio::co_spawn(context_, keep(), [](const std::exception_ptr& thrown) {
      if (thrown) std::rethrow_exception(thrown);
    });
    context_.restart();
    context_.run();
    return *std::move(result);
  }
  [[nodiscard]] boost::asio::awaitable<Status> append(Client& client, std::size_t bytes,
                                                      bool checked);
  void remove_all();

  Ending ending_;
  Watchdog& watchdog_;
  FaultPlan plan_;
  ImageMaker maker_;
  Limits limits_;
  std::unique_ptr<FaultyFileSystem> fs_;
  std::unique_ptr<rocksdb::Env> env_;
  std::unique_ptr<catalog::Catalog> inner_;
  std::unique_ptr<FaultyCatalog> catalog_;
  std::unique_ptr<blob::BlobStore> blobs_;
  std::unique_ptr<catalog::ImageStore> images_;
  std::unique_ptr<upload::Journal> journal_;
  std::unique_ptr<upload::Publisher> publisher_;
  std::unique_ptr<upload::Uploads> uploads_;
  boost::asio::io_context context_;
  io::BlockPool blocks_{16};
  std::optional<io::WorkerPool> disk_;
  Metrics metrics_;
  std::optional<io::WorkerPool> compute_;
  std::optional<digest::Engine> digests_;
  std::optional<codec::ParallelDecoding> decoding_;
};

}  // namespace strata::test
