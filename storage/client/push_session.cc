#include "storage/client/push_session.h"

#include <algorithm>

namespace strata::client {
namespace {

// For ending an upload that nobody needs: the user waits.
constexpr std::chrono::milliseconds kCleanupTimeout{2'000};

}  // namespace

std::vector<UploadPart> divide(std::uint64_t size, std::size_t parallel) {
  const std::uint64_t most = std::max<std::uint64_t>(parallel, 1);
  const std::uint64_t mebibytes = (size + kMiB - 1) / kMiB;
  const std::uint64_t share = size < most * kMiB ? kMiB : (mebibytes + most - 1) / most * kMiB;
  std::vector<UploadPart> parts;
  for (std::uint64_t first = 0; first < size || parts.empty(); first += share) {
    parts.push_back({{}, first, std::min(share, size - first)});
  }
  return parts;
}

PushSession::PushSession(PushContext& context, UploadApi& api, PushState key)
    : context_(context), api_(api), state_(std::move(key)) {}

void PushSession::open() {
  const std::string& folder = context_.options.state_folder;
  if (folder.empty()) return;
  for (const PushState& outdated : take_outdated(folder, state_)) {
    context_.log.add("the file has changed since a push of it was interrupted; starting over");
    end_uploads(outdated);
  }
  auto file = PushStateFile::open(folder, state_);
  if (file) {
    file_ = *std::move(file);
    load();
  } else if (file.error().code() == Errc::kInUse) {
    context_.log.add(file.error().detail() +
                     "; this one makes an upload of its own, which cannot be resumed");
  } else {
    context_.log.add("this push cannot be resumed if it is interrupted: " + file.error().detail());
  }
  context_.log.write();
}

void PushSession::load() {
  auto found = file_->load();
  if (found) {
    const bool ours = *found && (*found)->origin == state_.origin &&
                      (*found)->file == state_.file && (*found)->metadata == state_.metadata;
    if (ours) state_ = **std::move(found);
    return;
  }
  if (found.error().code() == Errc::kUsage) {
    // Its file is left to the newer version.
    context_.log.add(found.error().detail() +
                     "; this one makes an upload of its own, which cannot be resumed");
    file_.reset();
  } else {
    context_.log.add(found.error().detail() + "; starting over");
  }
}

Status PushSession::start() {
  const std::string metadata = state_.metadata;
  state_.created = SystemClock().now();
  state_.parts = divide(state_.file.size, context_.options.parallel);
  auto upload = create(metadata);
  if (!upload) {
    PushState half = state_;
    drop(false);
    end_uploads(half);
    return upload.error();
  }
  state_.upload = *std::move(upload);
  if (!file_) return {};
  if (auto saved = file_->save(state_); !saved) {
    context_.log.add("this push cannot be resumed if it is interrupted: " + saved.error().detail());
    file_.reset();
  }
  return {};
}

Result<std::string> PushSession::create(const std::string& metadata) {
  if (state_.parts.size() == 1) {
    STRATA_TRY(std::string target,
               context_.persist(api_, 0, [&] { return api_.create(state_.file.size, metadata); }));
    state_.parts[0].target = target;
    return target;
  }
  Retry retry = context_.make_retry();
  for (bool again = false;; again = true) {
    STRATA_TRY(const std::vector<std::string> partials, create_partials());
    auto whole = api_.create_final(partials, metadata);
    if (whole) {
      if (again) context_.log.back(std::nullopt);
      return whole;
    }
    const auto line = again ? std::nullopt : std::optional<std::uint64_t>(0);
    if (auto status = context_.pause(retry, whole.error(), api_, line, context_.endpoint.stop);
        !status) {
      return status.error();
    }
    // If only the answer was lost, there is a whole of these parts, and two wholes that are filled
    // would be two images. So it gets parts of its own that stay empty.
    end_uploads(state_);
  }
}

Result<std::vector<std::string>> PushSession::create_partials() {
  std::vector<std::string> partials;
  for (UploadPart& part : state_.parts) {
    STRATA_TRY(part.target,
               context_.persist(api_, 0, [&] { return api_.create_partial(part.length); }));
    partials.push_back(part.target);
  }
  return partials;
}

Result<std::vector<std::uint64_t>> PushSession::offsets() {
  std::vector<std::uint64_t> offsets;
  for (const UploadPart& part : state_.parts) {
    STRATA_TRY(const std::uint64_t offset,
               context_.persist(api_, 0, [&] { return api_.offset(part.target); }));
    if (offset > part.length) return Error(Errc::kGone, "the server has more than was sent");
    offsets.push_back(offset);
  }
  return offsets;
}

void PushSession::drop(bool end) {
  if (file_) file_->remove();
  if (end) end_uploads(state_);
  state_.upload.clear();
  state_.parts.clear();
}

void PushSession::end_uploads(const PushState& state) const {
  Endpoint endpoint = context_.endpoint;
  endpoint.stop = {};
  endpoint.options.connect_timeout = endpoint.options.io_timeout = kCleanupTimeout;
  UploadApi api(endpoint);
  std::vector<std::string> targets;
  if (!state.upload.empty()) targets.push_back(state.upload);
  for (const UploadPart& part : state.parts) {
    if (!part.target.empty() && part.target != state.upload) targets.push_back(part.target);
  }
  for (const std::string& target : targets) {
    const Status ended = api.remove(target);
    const bool away = !ended && (ended.error().code() == Errc::kUnreachable ||
                                 ended.error().code() == Errc::kConnectionLost);
    if (away) return;
  }
}

}  // namespace strata::client
