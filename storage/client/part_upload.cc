#include "storage/client/part_upload.h"

#include <algorithm>

namespace strata::client {
namespace {

// More than the buffers on the way to a server hold (Linux: 4 MiB here, 6 MiB there): it reads.
constexpr std::uint64_t kUnderWayBytes = 16 * kMiB;

Endpoint with_stop(Endpoint endpoint, const std::stop_token& stop) {
  endpoint.stop = stop;
  return endpoint;
}

// The server answers a PATCH with something that only the upload's own state can explain.
bool is_dispute(const Error& error) {
  return error.info().status == 409 || is_lost(error);
}

}  // namespace

PartUpload::PartUpload(const Job& job)
    : job_(job),
      api_(with_stop(job.context.endpoint, job.stop)),
      retry_(job.context.make_retry()),
      offset_(job.offset),
      durable_(job.offset),
      furthest_(job.offset) {
  job_.position = job.offset;
}

Status PartUpload::run() {
  while (offset_ != job_.part.length) {
    const bool asking = !offset_;
    const std::uint64_t before = furthest_;
    const auto reached = asking ? api_.offset(job_.part.target) : send(*offset_);
    const bool moved = take(reached, before);
    if (reached && *reached > job_.part.length) {
      return Error(Errc::kMalformed, "the server has more bytes than were sent");
    }
    if (reached && (moved || asking)) continue;

    Error error =
        reached ? Error(Errc::kUnavailable, "the server takes no bytes") : reached.error();
    if (!asking && is_dispute(error)) {
      if (auto status = settle(); !status) return status;
      const bool first = !disputed_;
      disputed_ = true;
      if (first) continue;
      error = Error(Errc::kUnavailable, error.detail());
    }
    if (auto status = pause(error); !status) return status;
  }
  announce_return();
  return {};
}

Result<std::uint64_t> PartUpload::send(std::uint64_t offset) {
  resumed_at_ = job_.total_sent();
  std::uint64_t next = offset;
  const auto source = [&](std::span<std::byte> out) -> Result<std::size_t> {
    if (next - offset > kUnderWayBytes) announce_return();
    STRATA_TRY(const std::size_t count, read(next, out));
    next += count;
    job_.position = next;
    if (next > furthest_) {
      furthest_ = next;
      job_.context.headway.mark(job_.context.options.time->now());
    }
    return count;
  };
  return api_.append(job_.part.target, offset, job_.part.length - offset, source);
}

Result<std::size_t> PartUpload::read(std::uint64_t offset, std::span<std::byte> out) {
  STRATA_TRY(const std::size_t count, job_.file.read_at(job_.part.first + offset, out));
  // Behind the read: what was read before a change is right, or the change is seen here.
  STRATA_TRY(const FileIdentity identity, FileIdentity::of(job_.file));
  if (identity == job_.identity) return count;
  return Error(Errc::kVerification, "the file changed while it was sent");
}

bool PartUpload::take(const Result<std::uint64_t>& reached, std::uint64_t furthest_before) {
  bool moved = furthest_ > furthest_before;
  offset_.reset();
  if (reached) {
    offset_ = *reached;
    job_.position = *reached;
    if (*reached > durable_) {
      durable_ = *reached;
      moved = true;
      quiet_ = false;
    }
  }
  if (!moved) return false;
  retry_.advance(1);
  job_.context.headway.mark(job_.context.options.time->now());
  disputed_ = false;
  return true;
}

Status PartUpload::settle() {
  const auto status = api_.status(job_.part.target);
  if (!status) return is_lost(status.error()) ? status.error() : Status();
  if (status->state == UploadStatus::State::kFailed) return *status->error;
  return {};
}

Status PartUpload::pause(const Error& error) {
  const bool line = !quiet_;
  quiet_ = true;
  announced_ = announced_ || line;
  return job_.context.pause(retry_, error, api_,
                            line ? std::optional(job_.total_sent()) : std::nullopt, job_.stop);
}

void PartUpload::announce_return() {
  if (!announced_) return;
  announced_ = false;
  job_.context.log.back(resumed_at_);
}

}  // namespace strata::client
