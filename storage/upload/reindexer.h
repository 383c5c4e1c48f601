#pragma once

#include <functional>
#include <memory>

#include "storage/blob/blob_store.h"
#include "storage/upload/ingest.h"
#include "strata/base/ids.h"
#include "strata/base/limits.h"

namespace strata::upload {

// Makes the seek indexes of published blobs again that are missing, damaged or of another version,
// one blob at a time, in the background. Thread-safe; never blocks but in stop().
class Reindexer {
 public:
  enum class Answer : unsigned char {
    kUnderWay,  // queued or being made: ask again
    kFailed,    // tried, and not again before some time: the log says why
  };

  // Of a blob whose index was made; any thread.
  using Made = std::function<void(const BlobId&)>;

  // What it refers to outlives it.
  Reindexer(const Limits& limits, IngestPools pools, blob::BlobStore& store, Made made = nullptr);
  ~Reindexer();  // stop()
  Reindexer(const Reindexer&) = delete;
  Reindexer& operator=(const Reindexer&) = delete;

  // The blob has no index that can be used.
  Answer want(const BlobId& id, const blob::BlobProperties& properties);
  // Gives up what is under way, and waits until nothing of it uses the store. For good.
  void stop();
  // Waits until nothing is under way; for tests.
  void wait();

 private:
  struct State;
  std::shared_ptr<State> state_;  // shared with the tasks
};

}  // namespace strata::upload
