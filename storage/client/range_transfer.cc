#include "storage/client/range_transfer.h"

#include <algorithm>
#include <thread>
#include <vector>

#include "storage/client/storage_api.h"
#include "strata/base/text.h"

namespace strata::client {
namespace {

using std::chrono::steady_clock;

constexpr std::chrono::milliseconds kProgressInterval{100};
constexpr std::chrono::seconds kSaveInterval{2};

std::uint64_t piece_size(const PullOptions& options, std::uint64_t size) {
  const std::uint64_t share = size / std::max<std::size_t>(options.connections, 1) + 1;
  const std::uint64_t bytes = std::min(std::max(share, 1 * kMiB), options.piece_bytes_max);
  // Holes end at blocks: a run of zeros is cut by the end of a piece without losing a block.
  return std::max(bytes - bytes % kHoleAlignment, kHoleAlignment);
}

}  // namespace

RangeTransfer::RangeTransfer(const Endpoint& endpoint, const PullOptions& options, PartFile& part,
                             PullState source, const DoneRanges& zeros)
    : endpoint_(endpoint),
      options_(options),
      part_(part),
      zeros_(zeros),
      piece_bytes_(piece_size(options, source.size)),
      source_(std::move(source)) {}

Status RangeTransfer::run(FileDigests& digests, const Progress& progress) {
  digests_ = &digests;
  digests.advance(source_.done.prefix());
  const std::stop_callback pass_on(endpoint_.stop, [this] { stop_.request_stop(); });
  const std::uint64_t missing = source_.size - source_.done.total();
  const std::uint64_t pieces = (missing + piece_bytes_ - 1) / piece_bytes_;
  working_ = static_cast<std::size_t>(
      std::min<std::uint64_t>(pieces, std::max<std::size_t>(options_.connections, 1)));
  std::vector<std::thread> workers;
  for (std::size_t i = working_; i > 0; --i) workers.emplace_back([this] { work(); });
  supervise(progress);
  for (std::thread& worker : workers) worker.join();
  if (!error_) return {};
  if (source_.done.total() > 0) {
    if (auto saved = part_.save(source_); !saved) return saved;
  }
  return *error_;
}

// Until the workers have ended.
void RangeTransfer::supervise(const Progress& progress) {
  auto saved_at = steady_clock::now();
  std::unique_lock lock(mutex_);
  while (working_ > 0) {
    changed_.wait_for(lock, kProgressInterval, [this] { return working_ == 0; });
    const bool save = steady_clock::now() - saved_at > kSaveInterval && !error_;
    const std::uint64_t done = source_.done.total();
    const PullState state = save ? source_ : PullState();
    lock.unlock();
    if (progress) progress(done, source_.size);
    if (save) {
      if (auto status = part_.save(state); !status) fail(status.error());
      saved_at = steady_clock::now();
    }
    lock.lock();
  }
}

void RangeTransfer::work() {
  http::Client client(endpoint_.url, endpoint_.options, stop_.get_token());
  auto file = part_.open_again();
  if (!file) fail(file.error());
  while (const auto piece = take_piece()) {
    if (auto status = fetch(client, **file, *piece); !status) fail(status.error());
  }
  const std::lock_guard lock(mutex_);
  --working_;
  changed_.notify_one();
}

std::optional<http::ByteRange> RangeTransfer::take_piece() {
  std::optional<http::ByteRange> piece;
  std::uint64_t prefix = 0;
  {
    const std::lock_guard lock(mutex_);
    if (error_) return std::nullopt;
    piece = next_piece();
    prefix = source_.done.prefix();
  }
  digests_->advance(prefix);
  return piece;
}

// The next missing bytes that are not known to be zeros. Zeros are done as soon as they are passed,
// and not before: so the state lists no more intervals than there are connections and holes between
// their pieces.
std::optional<http::ByteRange> RangeTransfer::next_piece() {
  while (const auto missing = source_.done.first_missing(next_, source_.size, piece_bytes_)) {
    const auto data = zeros_.first_missing(missing->first, source_.size, piece_bytes_);
    const std::uint64_t first = data ? data->first : source_.size;
    if (first == missing->first) {
      next_ = first + std::min(missing->length, data->length);
      return http::ByteRange{first, next_ - first};
    }
    skip(missing->first, first);
  }
  return std::nullopt;
}

void RangeTransfer::skip(std::uint64_t first, std::uint64_t end) {
  const std::uint64_t before = source_.done.total();
  source_.done.add({first, end - first});
  skipped_ += source_.done.total() - before;
  next_ = end;
}

Status RangeTransfer::fetch(http::Client& client, io::File& file, http::ByteRange piece) {
  Retry retry(retry_policy(options_));
  SparseWriter writer(file, piece.first);
  while (writer.end() < piece.end()) {
    const std::uint64_t before = writer.end();
    Status status = fetch_once(client, writer, piece.end());
    // Zeros that waited for what follows: after a cut that may never come.
    if (auto flushed = flush(writer); !flushed) return flushed;
    retry.advance(writer.end() - before);
    if (!status && !retry.again(status.error(), stop_.get_token())) return status;
  }
  return {};
}

Status RangeTransfer::fetch_once(http::Client& client, SparseWriter& writer, std::uint64_t end) {
  const http::ByteRange asked{writer.end(), end - writer.end()};
  http::ClientRequest request;
  request.target = endpoint_.url.target;
  request.headers.add("Range",
                      "bytes=" + std::to_string(asked.first) + "-" + std::to_string(end - 1));
  if (!source_.etag.empty()) request.headers.add("If-Match", source_.etag);
  request.on_head = [&](const http::ResponseHead& head) { return check_head(head, asked); };
  const auto sink = [&](std::span<const std::byte> data) -> Status {
    if (data.size() > end - writer.end()) {
      return Error(Errc::kVerification, "the server sent more than the range that was asked for");
    }
    return write(writer, data);
  };
  const auto response = client.send(request, sink);
  if (!response) return response.error();
  if (response->head.status != 206) return error_of(*response);
  if (writer.end() == end) return {};
  return Error(Errc::kConnectionLost, "the server sent less than the range that was asked for");
}

Status RangeTransfer::write(SparseWriter& writer, std::span<const std::byte> data) {
  const std::uint64_t before = writer.written();
  Status status = writer.append(data);
  mark(before, writer.written());
  return status;
}

Status RangeTransfer::flush(SparseWriter& writer) {
  const std::uint64_t before = writer.written();
  Status status = writer.flush();
  mark(before, writer.written());
  return status;
}

// Only the bytes that were asked for, of the representation that was asked for, may be written.
Status RangeTransfer::check_head(const http::ResponseHead& head,
                                 const http::ByteRange& asked) const {
  if (head.status == 412) {
    return Error(Errc::kVerification,
                 "the content has changed on the server: ETag is no longer " + source_.etag);
  }
  if (head.status >= 200 && head.status < 300 && head.status != 206) {
    return Error(Errc::kVerification, "the server answered a range with status " +
                                          std::to_string(head.status) + " instead of 206");
  }
  if (head.status != 206) return {};
  const auto range = http::parse_content_range(head.headers.get("Content-Range").value_or(""));
  if (!range || range->range != asked || range->size.value_or(source_.size) != source_.size) {
    return Error(Errc::kVerification,
                 "the server sent another range than was asked for: " +
                     std::string(head.headers.get("Content-Range").value_or("no Content-Range")));
  }
  const auto etag = head.headers.get("ETag");
  if (etag && !source_.etag.empty() && trim(*etag) != source_.etag) {
    return Error(Errc::kVerification, "the content has changed on the server: ETag is " +
                                          std::string(*etag) + ", it was " + source_.etag);
  }
  return {};
}

void RangeTransfer::mark(std::uint64_t first, std::uint64_t end) {
  if (first == end) return;
  std::uint64_t prefix = 0;
  {
    const std::lock_guard lock(mutex_);
    source_.done.add({first, end - first});
    prefix = source_.done.prefix();
  }
  digests_->advance(prefix);
}

void RangeTransfer::fail(const Error& error) {
  {
    const std::lock_guard lock(mutex_);
    // The first one is the cause; the others were cancelled because of it.
    if (!error_) error_ = error;
  }
  stop_.request_stop();
}

}  // namespace strata::client
