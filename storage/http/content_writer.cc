#include "storage/http/content_writer.h"

#include <fcntl.h>
#include <sys/uio.h>

#include <array>
#include <cerrno>

namespace strata::http {
namespace {

// Up to here a copy through `pending` (one pread, one send) beats sendfile.
constexpr std::uint64_t kCopiedBytesMax = 32 * kKiB;
// These leave with the head of longer content. Few, and without MSG_MORE: measured with 64 KiB
// ranges beside nginx, 1 KiB sent at once gave 0.98 of its rate, 4 KiB held back by MSG_MORE 0.80.
constexpr std::uint64_t kFirstBytes = 1 * kKiB;
constexpr std::uint64_t kSliceBytes = 1 * kMiB;   // sent in one go when cached
constexpr std::size_t kGatherBytes = 64 * kKiB;   // small parts are sent together up to this
constexpr std::size_t kSourceBytes = 256 * kKiB;  // asked of a source at a time
constexpr std::size_t kReadAheadBytes = 4 * kMiB;

Error ended_early() {
  return {Errc::kCorruptData, "a file ended before its content was sent"};
}

// Reads what the page cache has; fewer bytes (0 too) where the cache or the file ends.
std::size_t read_cached(int descriptor, std::uint64_t offset, std::span<char> out) {
  iovec piece{out.data(), out.size()};
  const ssize_t n = ::preadv2(descriptor, &piece, 1, static_cast<off_t>(offset), RWF_NOWAIT);
  return n > 0 ? static_cast<std::size_t>(n) : 0;
}

// Looks at both ends, or only at the far one when the bytes before the piece were just read.
bool is_cached(int descriptor, std::uint64_t offset, std::uint64_t length, bool begins_cached) {
  char byte = 0;
  return (begins_cached || read_cached(descriptor, offset, {&byte, 1}) == 1) &&
         read_cached(descriptor, offset + length - 1, {&byte, 1}) == 1;
}

// On the disk pool.
Status read_fully(int descriptor, std::uint64_t offset, std::span<char> out) {
  while (!out.empty()) {
    const ssize_t n = ::pread(descriptor, out.data(), out.size(), static_cast<off_t>(offset));
    if (n == 0) return ended_early();
    if (n < 0 && errno != EINTR) return errno_error(errno, "pread");
    if (n < 0) continue;
    offset += static_cast<std::uint64_t>(n);
    out = out.subspan(static_cast<std::size_t>(n));
  }
  return {};
}

// On the disk pool: brings the piece into the page cache and asks for what follows it.
Status read_ahead(int descriptor, std::uint64_t offset, std::uint64_t length) {
  static thread_local std::array<char, 64 * kKiB> scratch;
  ::posix_fadvise(descriptor, static_cast<off_t>(offset), kReadAheadBytes, POSIX_FADV_WILLNEED);
  for (std::uint64_t done = 0; done < length;) {
    const auto n = static_cast<std::size_t>(std::min<std::uint64_t>(scratch.size(), length - done));
    const Status status = read_fully(descriptor, offset + done, std::span(scratch).first(n));
    if (!status) return status;
    done += n;
  }
  return {};
}

void write_hex(std::span<char> out, std::size_t number) {
  for (std::size_t i = out.size(); i-- > 0; number >>= 4) {
    out[i] = "0123456789abcdef"[number & 0xf];
  }
}

}  // namespace

Awaitable<Status> ContentWriter::flush(bool more) {
  if (pending_.empty()) co_return Status();
  const Status sent = co_await stream_.send(pending_.view(), more);
  pending_.clear();
  co_return sent;
}

Awaitable<Status> ContentWriter::write_body(std::string_view body) {
  const std::string_view head = pending_.view();
  std::array<iovec, 2> pieces = {iovec{const_cast<char*>(head.data()), head.size()},
                                 iovec{const_cast<char*>(body.data()), body.size()}};
  const Status sent = co_await stream_.send(pieces, false);
  pending_.clear();
  co_return sent;
}

Awaitable<Status> ContentWriter::write_parts(ContentSource& source,
                                             const std::vector<ContentPart>& parts,
                                             std::uint64_t total) {
  left_ = total;
  for (const ContentPart& part : parts) {
    pending_.append(part.text);
    left_ -= part.text.size();
    const Status written = co_await write_range(source, part.range);
    if (!written) co_return written;
  }
  co_return co_await flush(false);
}

Awaitable<Status> ContentWriter::write_range(ContentSource& source, ByteRange range) {
  if (range.length == 0) co_return Status();
  if (const auto slice = source.slice(range.first)) {
    co_return co_await write_file({slice->descriptor, slice->offset, range.length});
  }
  while (range.length > 0) {
    std::size_t appended = 0;
    const Status read = co_await append_source(source, range, appended);
    if (!read) co_return read;
    if (appended == 0) co_return Error(Errc::kCorruptData, "a source ended early");
    range.first += appended;
    range.length -= appended;
    left_ -= appended;
    if (range.length == 0 && left_ > 0 && pending_.size() < kGatherBytes) break;
    const Status sent = co_await flush(left_ > 0);
    if (!sent) co_return sent;
  }
  co_return Status();
}

Awaitable<Status> ContentWriter::append_source(ContentSource& source, ByteRange range,
                                               std::size_t& appended) {
  const auto wanted = static_cast<std::size_t>(std::min<std::uint64_t>(range.length, kSourceBytes));
  const std::span<char> room = pending_.reserve(wanted).first(wanted);
  const auto n = co_await source.read_some(range.first, std::as_writable_bytes(room));
  if (!n) co_return n.error();
  check(*n <= wanted, "a source wrote beyond its buffer");
  pending_.commit(*n);
  appended = *n;
  co_return Status();
}

Awaitable<Status> ContentWriter::append_file(FilePiece piece) {
  const auto length = static_cast<std::size_t>(piece.length);
  const std::span<char> room = pending_.reserve(length).first(length);
  const std::size_t cached = read_cached(piece.descriptor, piece.offset, room);
  if (cached < length) {
    const Status read = co_await run_on(disk_pool_, [=] {
      return read_fully(piece.descriptor, piece.offset + cached, room.subspan(cached));
    });
    if (!read) co_return read;
  }
  pending_.commit(length);
  left_ -= length;
  co_return Status();
}

Awaitable<Status> ContentWriter::write_file(FilePiece piece) {
  const bool copied = piece.length <= kCopiedBytesMax;
  bool begins_cached = false;
  if (copied || !pending_.empty()) {
    FilePiece first = piece;
    if (!copied) first.length = kFirstBytes;
    const Status read = co_await append_file(first);
    if (!read) co_return read;
    if (copied && pending_.size() < kGatherBytes) co_return Status();
    const Status sent = co_await flush(false);
    if (!sent) co_return sent;
    piece.offset += first.length;
    piece.length -= first.length;
    begins_cached = true;
  }
  while (piece.length > 0) {
    const FilePiece slice{piece.descriptor, piece.offset, std::min(piece.length, kSliceBytes)};
    if (!is_cached(slice.descriptor, slice.offset, slice.length, begins_cached)) {
      const Status read = co_await make_cached(slice);
      if (!read) co_return read;
    }
    begins_cached = false;
    const Status sent = co_await stream_.send_file(slice.descriptor, slice.offset, slice.length);
    if (!sent) co_return sent;
    piece.offset += slice.length;
    piece.length -= slice.length;
    left_ -= slice.length;
  }
  co_return Status();
}

Awaitable<Status> ContentWriter::make_cached(FilePiece piece) {
  co_return co_await run_on(
      disk_pool_, [=] { return read_ahead(piece.descriptor, piece.offset, piece.length); });
}

// A chunk is its size in eight hex digits, CRLF, the data, CRLF.
Awaitable<Status> ContentWriter::write_until_end(ContentSource& source, bool chunked) {
  constexpr std::size_t kSizeDigits = 8;
  std::uint64_t offset = 0;
  for (;;) {
    const std::size_t size_at = pending_.size();
    if (chunked) pending_.append("00000000\r\n");
    std::size_t appended = 0;
    const Status read = co_await append_source(source, {offset, kSourceBytes}, appended);
    if (!read) co_return read;
    offset += appended;
    if (appended == 0) {
      pending_.truncate(size_at);
      if (chunked) pending_.append("0\r\n\r\n");
      co_return co_await flush(false);
    }
    if (chunked) {
      write_hex(pending_.part(size_at, kSizeDigits), appended);
      pending_.append("\r\n");
    }
    const Status sent = co_await flush(false);
    if (!sent) co_return sent;
  }
}

}  // namespace strata::http
