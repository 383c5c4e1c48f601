#include "storage/client/push_transfer.h"

#include <algorithm>
#include <thread>

namespace strata::client {
namespace {

constexpr std::chrono::milliseconds kProgressInterval{100};

}  // namespace

PushTransfer::PushTransfer(PushContext& context, const io::File& file, const FileIdentity& identity,
                           const std::vector<UploadPart>& parts,
                           const std::vector<std::uint64_t>& offsets)
    : context_(context), file_(file), identity_(identity), parts_(parts), offsets_(offsets) {
  for (const std::uint64_t offset : offsets) positions_.emplace_back(offset);
}

Status PushTransfer::run(DigestFollower* digests, const Progress& progress) {
  const std::stop_callback pass_on(context_.endpoint.stop, [this] { stop_.request_stop(); });
  working_ = parts_.size();
  std::vector<std::thread> workers;
  for (std::size_t i = 0; i < parts_.size(); ++i) workers.emplace_back([this, i] { work(i); });
  supervise(digests, progress);
  for (std::thread& worker : workers) worker.join();
  context_.log.write();
  return error_ ? Status(*error_) : Status();
}

std::uint64_t PushTransfer::sent() const {
  std::uint64_t sum = 0;
  for (const auto& position : positions_) sum += position;
  return sum;
}

void PushTransfer::work(std::size_t index) {
  PartUpload upload({context_, file_, identity_, parts_[index], offsets_[index], stop_.get_token(),
                     positions_[index], [this] { return sent(); }});
  const Status status = upload.run();
  const std::lock_guard lock(mutex_);
  --working_;
  if (!status) {
    // The first one is the cause; the others were cancelled because of it.
    if (!error_) error_ = status.error();
    stop_.request_stop();
  }
  ended_.notify_one();
}

// Until the workers have ended.
void PushTransfer::supervise(DigestFollower* digests, const Progress& progress) {
  for (bool working = true; working;) {
    {
      std::unique_lock lock(mutex_);
      working = !ended_.wait_for(lock, kProgressInterval, [this] { return working_ == 0; });
    }
    const std::uint64_t done = sent();
    // Also with several parts: the bytes are there, `done` only sets the pace.
    if (digests != nullptr) digests->advance(done);
    if (progress) progress(done, identity_.size);
    context_.log.write();
  }
}

}  // namespace strata::client
