#pragma once

#include <atomic>
#include <memory>
#include <string>

#include "registry/policy/holder.h"
#include "storage/blob/blob_store.h"
#include "storage/catalog/catalog.h"
#include "storage/catalog/image_store.h"
#include "storage/service/config.h"
#include "storage/service/service_metrics.h"
#include "storage/upload/reindexer.h"
#include "storage/upload/uploads.h"
#include "strata/base/clock.h"
#include "strata/base/metrics.h"
#include "strata/digest/engine.h"
#include "strata/io/block.h"
#include "strata/io/worker_pool.h"

namespace strata::storage {

class OpenImages;
class Registrar;
class ViewBlocks;

// What the resources work with; made once in main, outlives every request.
struct Services {
  const Config& config;
  Clock& clock;
  Random& random;
  io::WorkerPool& disk;
  io::WorkerPool& compute;
  digest::Engine& digests;
  io::BlockPool& blocks;
  codec::ParallelDecoding decoding;
  blob::BlobStore& blob_store;
  catalog::Catalog& catalog;
  catalog::ImageStore& images;
  OpenImages& open_images;
  ViewBlocks& view_blocks;
  upload::Reindexer& reindexer;
  Metrics& metrics;
  ServiceMetrics& counts;
  const policy::PolicyHolder& policy;
  std::string admin_token;
  upload::Uploads* uploads = nullptr;  // set before the server starts
  Registrar* registrar = nullptr;      // null: images are not registered
  std::string public_url = {};         // without a slash at the end
  std::atomic<bool> draining{false};
  std::atomic<std::size_t> open_uploads{0};
  std::atomic<std::size_t> decoded_streams{0};
  std::atomic<std::size_t> seekable_streams{0};
};

}  // namespace strata::storage
