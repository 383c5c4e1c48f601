#include "storage/client/push.h"

#include <algorithm>
#include <filesystem>
#include <memory>

#include "storage/client/digest_follower.h"
#include "storage/client/push_context.h"
#include "storage/client/push_session.h"
#include "storage/client/push_transfer.h"
#include "storage/client/storage_api.h"
#include "storage/client/upload_metadata.h"

namespace strata::client {
namespace {

using std::chrono::milliseconds;
using State = UploadStatus::State;

constexpr milliseconds kPollFirst{50};
constexpr milliseconds kPollMax{1'000};
// A server that forgets its uploads again and again is not asked for ever.
constexpr int kLossesMax = 5;
constexpr std::string_view kForgotten = "the server does not have the upload any more";

// Whether an upload is of no more use: the server refused what is in it, or has lost it. Anything
// else (credentials, a full disk, a proxy's odd answer, a certificate) may be mended.
bool ends_upload(const Error& error) {
  switch (error.code()) {
    case Errc::kTooLarge:
    case Errc::kUnsupportedMedia:
    case Errc::kDigestMismatch:
    case Errc::kSizeMismatch:
    case Errc::kCorruptGzip:
    case Errc::kCorruptXz:
    case Errc::kCorruptZstd:
    case Errc::kDecompressionLimit:
    case Errc::kUnsafeFormat:
    case Errc::kNotFound:
    case Errc::kGone:
      return true;
    default:
      return false;
  }
}

class Push {
 public:
  Push(PushContext& context, const io::File& file, const PushState& key, const Progress& progress);
  [[nodiscard]] Result<ImageInfo> run();

 private:
  [[nodiscard]] Result<ImageId> upload();
  [[nodiscard]] Result<UploadStatus> begin();
  [[nodiscard]] Result<UploadStatus> ask_offsets();
  [[nodiscard]] Status send();
  [[nodiscard]] Result<UploadStatus> without_part(const Error& error);
  [[nodiscard]] Result<UploadStatus> status();
  [[nodiscard]] Result<UploadStatus> await_end();
  [[nodiscard]] Result<ImageInfo> fetch_image(const ImageId& id);
  [[nodiscard]] Status verify(const ImageInfo& image);
  [[nodiscard]] bool file_changed() const;
  [[nodiscard]] Error conclude(const Error& error);

  PushContext& context_;
  const io::File& file_;
  const FileIdentity identity_;
  const Progress& progress_;
  UploadApi api_;
  PushSession session_;
  std::unique_ptr<DigestFollower> digests_;
  std::vector<std::uint64_t> offsets_;  // what the server has of each part
  std::uint64_t sent_ = 0;
  std::optional<std::string> lost_;  // why the upload cannot go on, and another one may
};

Push::Push(PushContext& context, const io::File& file, const PushState& key,
           const Progress& progress)
    : context_(context),
      file_(file),
      identity_(key.file),
      progress_(progress),
      api_(context.endpoint),
      session_(context, api_, key) {}

Result<ImageInfo> Push::run() {
  if (context_.options.verify) {
    digests_ = std::make_unique<DigestFollower>(file_, digest::Algorithms::kSha256,
                                                context_.endpoint.stop);
  }
  session_.open();
  auto id = upload();
  for (int losses = 1; !id && lost_ && losses <= kLossesMax; ++losses) {
    context_.log.add(*lost_ + ", starting over");
    session_.drop(true);
    id = upload();
  }
  if (!id) return conclude(id.error());
  if (progress_) progress_(identity_.size, identity_.size);
  auto image = fetch_image(*id);
  if (!image) return conclude(image.error());
  const Status verified = verify(*image);
  // Interrupted: the next push finds the upload complete and compares again.
  if (!verified && verified.error().code() == Errc::kCancelled) return conclude(verified.error());
  session_.drop(false);
  if (!verified) return verified.error();
  return image;
}

Result<ImageId> Push::upload() {
  lost_.reset();
  STRATA_TRY(UploadStatus now, begin());
  Retry retry = context_.make_retry();
  while (now.state == State::kReceiving) {
    Status status = send();
    if (!status) return status.error();
    STRATA_TRY(now, await_end());
    if (now.state != State::kReceiving) break;
    // It has named the end of every part: ask again until it agrees with itself.
    const Error missing(Errc::kUnavailable, "the server misses bytes that it had");
    status = context_.pause(retry, missing, api_, {}, context_.endpoint.stop);
    if (!status) return status.error();
    STRATA_TRY(now, ask_offsets());
    if (now.state == State::kVerifying) {
      STRATA_TRY(now, await_end());
    }
  }
  if (now.state == State::kFailed) {
    session_.drop(false);
    return *now.error;
  }
  if (!now.image) return Error(Errc::kMalformed, "the server names no image for the upload");
  return *now.image;
}

// Finds the upload, or makes it.
Result<UploadStatus> Push::begin() {
  if (!session_.started()) {
    if (auto status = session_.start(); !status) return status.error();
    offsets_.assign(session_.state().parts.size(), 0);
    return UploadStatus{};
  }
  STRATA_TRY(UploadStatus now, status());
  if (now.state == State::kReceiving) {
    STRATA_TRY(now, ask_offsets());
  }
  if (now.state == State::kFailed) {
    lost_ = "the interrupted upload has failed (" + now.error->detail() + ")";
    return *now.error;
  }
  if (now.state != State::kReceiving) {
    context_.log.add("the server has all of it from an earlier push");
    return now.state == State::kVerifying ? await_end() : Result(now);
  }
  context_.log.add("resuming at " + context_.log.position(sent_) + " (server has it)");
  context_.log.write();
  return now;
}

// How far each part is; or what has become of the whole, when the parts are not needed any more.
Result<UploadStatus> Push::ask_offsets() {
  auto offsets = session_.offsets();
  if (!offsets) return without_part(offsets.error());
  offsets_ = *std::move(offsets);
  sent_ = 0;
  for (const std::uint64_t offset : offsets_) sent_ += offset;
  return UploadStatus{};
}

Status Push::send() {
  PushTransfer transfer(context_, file_, identity_, session_.state().parts, offsets_);
  const Status outcome = transfer.run(digests_.get(), progress_);
  sent_ = transfer.sent();
  if (outcome) return outcome;
  const auto now = without_part(outcome.error());
  return now ? Status() : now.error();
}

// A server forgets the parts when it has the whole, at any moment between two of our requests: only
// the whole can tell whether a part that is gone was lost.
Result<UploadStatus> Push::without_part(const Error& error) {
  if (!is_lost(error)) return error;
  STRATA_TRY(const UploadStatus now, status());
  if (now.state != State::kReceiving) return now;
  lost_ = std::string(kForgotten);
  return error;
}

Result<UploadStatus> Push::status() {
  auto now = context_.persist(api_, sent_, [&] { return api_.status(session_.state().upload); });
  if (!now && is_lost(now.error())) lost_ = std::string(kForgotten);
  return now;
}

// Polls while the server verifies.
Result<UploadStatus> Push::await_end() {
  for (milliseconds wait = kPollFirst;; wait = std::min(2 * wait, kPollMax)) {
    STRATA_TRY(UploadStatus now, status());
    if (now.state != State::kVerifying) return now;
    context_.options.time->wait(wait, context_.endpoint.stop);
    if (context_.endpoint.stop.stop_requested()) return Error(Errc::kCancelled, "stopped");
  }
}

Result<ImageInfo> Push::fetch_image(const ImageId& id) {
  StorageApi storage(context_.endpoint);
  return context_.persist(api_, identity_.size, [&] { return storage.show(id); });
}

// What the server says it has, against what the file holds now.
Status Push::verify(const ImageInfo& image) {
  ExpectedDigests sent;
  sent.bytes = identity_.size;
  if (digests_) {
    STRATA_TRY(const DigestSet digests, digests_->finish(identity_.size));
    sent.sha256 = digests.sha256;
  }
  Status compared = sent.compare(image.stored, "stored");
  if (compared && file_changed()) {
    compared = Error(Errc::kVerification, "the file changed while it was sent");
  }
  if (compared) return {};
  return Error(Errc::kVerification, "image " + image.id.text() + " is not what the file holds: " +
                                        compared.error().detail());
}

bool Push::file_changed() const {
  const auto identity = FileIdentity::of(file_);
  return identity && *identity != identity_;
}

// Forgets the upload, or says how to go on with it.
Error Push::conclude(const Error& error) {
  if (!session_.started()) return error;
  if (ends_upload(error) || file_changed()) {
    session_.drop(true);
    return error;
  }
  const std::string detail = error.detail() + ", at " + context_.log.position(sent_);
  if (session_.remembered()) {
    return {error.code(), detail + "; run the same command again to resume"};
  }
  // Nobody will ask for it. A server that is away could not be told.
  if (error.code() != Errc::kUnreachable) session_.drop(true);
  return {error.code(), detail};
}

std::string base_name(const std::string& path) {
  return path.substr(path.find_last_of('/') + 1);  // npos + 1 is 0
}

}  // namespace

Result<ImageInfo> push(const Endpoint& endpoint, const std::string& path,
                       const PushOptions& options, const Progress& progress) {
  PushState key;
  key.origin = endpoint.url.origin();
  STRATA_TRY(key.metadata,
             upload_metadata(options.name.empty() ? base_name(path) : options.name, options));
  std::error_code unknown;
  if (std::filesystem::exists(path, unknown) && !std::filesystem::is_regular_file(path, unknown)) {
    return Error(Errc::kUsage, path + " is not a regular file");
  }
  STRATA_TRY(const auto file, io::make_posix_file_system()->open(path, io::OpenMode::kRead));
  STRATA_TRY(key.file, FileIdentity::of(*file));
  key.path = std::filesystem::absolute(path, unknown).lexically_normal().string();
  key.created = SystemClock().now();
  PushContext context(endpoint, options, key.file.size);
  auto image = Push(context, *file, key, progress).run();
  context.log.write();
  return image;
}

}  // namespace strata::client
