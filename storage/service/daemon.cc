#include "storage/service/daemon.h"

#include <algorithm>
#include <condition_variable>
#include <filesystem>
#include <mutex>
#include <optional>
#include <thread>

#include "storage/blob/local_blob_store.h"
#include "storage/http/server.h"
#include "storage/service/application.h"
#include "storage/service/auth.h"
#include "storage/service/data_lock.h"
#include "storage/service/endorser_files.h"
#include "storage/service/image_upload.h"
#include "storage/service/open_images.h"
#include "storage/service/registrar.h"
#include "storage/service/services.h"
#include "storage/service/view_blocks.h"
#include "strata/base/log.h"
#include "strata/io/file_system.h"

namespace strata::storage {
namespace {

// Disk work waits more than it computes: more threads than cores, few enough for a spinning disk.
constexpr std::size_t kDiskThreads = 8;
constexpr std::size_t kBlocksKept = 64;

bool registers(const Config& config) {
  return !config.registry_url.empty() && config.register_mode != RegisterMode::kNone;
}

// Removes, from time to time, the blobs whose last image is gone for longer than the grace period.
class Collector {
 public:
  Collector(catalog::ImageStore& images, Clock& clock, const Limits& limits)
      : thread_([&images, &clock, &limits, this](const std::stop_token& stop) {
          run(images, clock, limits, stop);
        }) {}

 private:
  void run(catalog::ImageStore& images, Clock& clock, const Limits& limits,
           const std::stop_token& stop) {
    const auto pause = std::clamp<std::chrono::seconds>(
        limits.removal_grace / 2, std::chrono::seconds(1), std::chrono::seconds(60));
    while (!stop.stop_requested()) {
      const auto removed = images.collect_removals(clock.now(), limits.removal_grace);
      if (!removed) log::error("collect.failed", {{"error", removed.error().message()}});
      if (removed && *removed > 0) log::info("collect", {{"blobs", *removed}});
      std::unique_lock lock(mutex_);
      changed_.wait_for(lock, stop, pause, [] { return false; });
    }
  }
  std::mutex mutex_;
  std::condition_variable_any changed_;
  std::jthread thread_;  // last: it uses everything above
};

}  // namespace

// In order of construction; destruction runs backwards, and the pools join before what their tasks
// use goes away.
struct Daemon::Parts {
  explicit Parts(Config c) : config(std::move(c)), counts(metrics), policy(config.policy_file) {}

  Config config;
  SystemClock clock;
  SystemRandom random;
  Metrics metrics;
  ServiceMetrics counts;
  policy::PolicyHolder policy;
  DataLock lock;
  std::unique_ptr<io::FileSystem> fs;
  std::unique_ptr<blob::BlobStore> blob_store;
  std::unique_ptr<catalog::Catalog> catalog;
  std::unique_ptr<catalog::ImageStore> images;
  std::optional<metadata::Endorser> endorser;
  std::optional<OpenImages> open_images;
  std::optional<io::BlockPool> blocks;
  std::optional<Services> services;
  std::unique_ptr<upload::Journal> journal;
  std::optional<ImagePublisher> publisher;
  std::optional<upload::Uploads> uploads;
  std::optional<Application> application;
  std::optional<http::Server> server;
  std::optional<io::WorkerPool> disk;
  std::optional<io::WorkerPool> compute;
  std::optional<digest::Engine> digests;
  std::optional<codec::ParallelDecoding> decoding;
  std::optional<upload::Reindexer> reindexer;
  std::optional<ViewBlocks> view_blocks;  // its loads need the pools: ends before them
  std::optional<Registrar> registrar;
  std::optional<Collector> collector;

  Status open_data();
  Status recover();
  Status open_registrar(const std::string& public_url);
};

Status Daemon::Parts::open_data() {
  std::error_code failed;
  std::filesystem::create_directories(config.data, failed);
  if (failed) return Error(Errc::kIo, "creating " + config.data + ": " + failed.message());
  if (const Status status = lock.acquire(config.data); !status) return status;
  fs = io::make_posix_file_system();
  STRATA_TRY(blob_store,
             blob::open_local_blob_store(*fs, config.data + "/store", random, config.limits));
  STRATA_TRY(catalog, catalog::open_rocksdb_catalog(config.data + "/catalog"));
  STRATA_TRY(journal, upload::Journal::open(*fs, {.directory = config.data + "/uploads",
                                                  .disk_reserve_bytes = kRecordReserveBytes}));
  images = std::make_unique<catalog::ImageStore>(
      *blob_store, *catalog, clock, [this](const catalog::Image&) { return registers(config); });
  return {};
}

Status Daemon::Parts::recover() {
  // What the disk shows and cannot keep must not decide what is removed.
  if (const Status well = journal->heal(); !well) return well.error().in("the upload journal");
  STRATA_TRY(const auto kept, upload::Uploads::kept_blobs(*journal));
  STRATA_TRY(const auto recovery, images->recover(kept));
  if (recovery.leftovers + recovery.inserted + recovery.removed + recovery.unused +
          recovery.damaged >
      0) {
    log::info("recovered", {{"unfinished_uploads", recovery.leftovers},
                            {"inserted", recovery.inserted},
                            {"removed", recovery.removed},
                            {"unused_blobs", recovery.unused},
                            {"damaged", recovery.damaged}});
  }
  return {};
}

Status Daemon::Parts::open_registrar(const std::string& public_url) {
  if (!registers(config)) return {};
  STRATA_TRY(auto loaded, load_endorser(config, clock));
  endorser.emplace(std::move(loaded));
  STRATA_TRY(auto registry, http::Url::parse(config.registry_url));
  registrar.emplace(Registrar::Options{std::move(registry), config.register_mode, public_url,
                                       config.limits, &policy},
                    *catalog, clock, *endorser, counts);
  services->registrar = &*registrar;
  return registrar->review();
}

Daemon::Daemon(Config config) : parts_(std::make_unique<Parts>(std::move(config))) {}

Daemon::~Daemon() {
  if (parts_->uploads) parts_->uploads->drain();
  if (parts_->server) parts_->server->stop();
  if (parts_->uploads) parts_->uploads->stop();
}

Status Daemon::start() {
  Parts& p = *parts_;
  if (const Status status = p.open_data(); !status) return status;
  if (const Status status = p.recover(); !status) return status;
  STRATA_TRY(const std::string token, load_admin_token(p.config.data, p.random));
  p.open_images.emplace(
      OpenImages::Options{.images_max = p.config.limits.open_images_max,
                          .index_bytes_max = p.config.limits.seek_index_bytes_max});
  p.blocks.emplace(kBlocksKept);
  p.disk.emplace("disk", kDiskThreads);
  p.compute.emplace("compute", io::usable_cpus());
  p.digests.emplace(*p.compute, p.metrics);
  p.decoding.emplace(*p.compute, codec::ParallelDecoding::Options{
                                     .bytes_max = p.config.limits.parallel_decoding_bytes_max});
  p.view_blocks.emplace(p.config.limits, *p.disk, *p.compute, p.metrics);
  p.reindexer.emplace(
      p.config.limits, upload::IngestPools{*p.disk, *p.compute, *p.digests, *p.blocks, *p.decoding},
      *p.blob_store, [&p](const BlobId& blob) { p.open_images->forget_blob(blob); });
  p.services.emplace(p.config, p.clock, p.random, *p.disk, *p.compute, *p.digests, *p.blocks,
                     *p.decoding, *p.blob_store, *p.catalog, *p.images, *p.open_images,
                     *p.view_blocks, *p.reindexer, p.metrics, p.counts, p.policy, token);
  p.publisher.emplace(*p.services);
  p.uploads.emplace(
      upload::Uploads::Parts{p.config.limits,
                             p.clock,
                             p.random,
                             {*p.disk, *p.compute, *p.digests, *p.blocks, *p.decoding},
                             *p.blob_store,
                             *p.journal,
                             *p.publisher});
  if (const Status status = p.uploads->load(); !status) return status;
  p.services->uploads = &*p.uploads;
  p.application.emplace(*p.services);
  // Network threads only move bytes (5 GB/s each by sendfile); as many as cores would compete with
  // the digests and with each other: on two cores one thread answers 64 KiB ranges at 0.98 of
  // nginx's rate, two at 0.81.
  const std::size_t threads = p.config.network_threads != 0
                                  ? p.config.network_threads
                                  : std::max<std::size_t>(1, io::usable_cpus() / 2);
  p.server.emplace(http::ServerOptions{p.config.host, p.config.port, threads}, p.config.limits,
                   *p.application, *p.disk, p.metrics);
  if (const Status status = p.server->bind(); !status) return status;
  p.services->public_url = p.config.public_url.empty() ? url() : p.config.public_url;
  if (const Status status = p.open_registrar(p.services->public_url); !status) return status;
  p.uploads->start();
  if (const Status status = p.server->start(); !status) return status;
  if (p.registrar) p.registrar->start();
  p.collector.emplace(*p.images, p.clock, p.config.limits);
  return {};
}

std::uint16_t Daemon::port() const {
  return parts_->server->port();
}

std::string Daemon::url() const {
  const std::string& host = parts_->config.host;
  const bool v6 = host.find(':') != std::string::npos;
  return "http://" + (v6 ? "[" + host + "]" : host) + ":" + std::to_string(port());
}

void Daemon::reload_policy(const std::string& path) {
  parts_->policy.reload(path);
  if (parts_->registrar) parts_->registrar->policy_changed();
}

void Daemon::drain() {
  parts_->services->draining = true;
  parts_->uploads->drain();  // what was received is kept: those clients come back
  parts_->server->drain();
  parts_->uploads->stop();
}

}  // namespace strata::storage
