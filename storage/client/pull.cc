#include "storage/client/pull.h"

#include "storage/client/extents.h"
#include "storage/client/file_digests.h"
#include "storage/client/part_file.h"
#include "storage/client/range_transfer.h"
#include "storage/client/remote.h"
#include "storage/client/storage_api.h"
#include "storage/client/stream_transfer.h"

namespace strata::client {
namespace {

ExpectedDigests all_of(const DigestSet& set) {
  return {set.bytes, set.sha1, set.sha256, set.sha512};
}

struct Job {
  const Endpoint& endpoint;
  const ExpectedDigests& expected;
  const PullOptions& options;
  const Progress& progress;
  const Remote& remote;
  PartFile& part;
  DoneRanges zeros;  // of the representation, as its server says
};

Status compare(const Job& job, const DigestSet& found) {
  return as_verification(job.expected.compare(found, "received"));
}

// Fetches what `state.done` leaves over and digests the whole.
Result<PullReport> fetch_ranges(const Job& job, const PullState& state) {
  FileDigests digests(job.part.file(), job.endpoint.stop);
  RangeTransfer transfer(job.endpoint, job.options, job.part, state, job.zeros);
  if (auto status = transfer.run(digests, job.progress); !status) {
    if (transfer.kept_bytes() == 0) job.part.discard();
    return status.error();
  }
  PullReport report;
  report.ranged = true;
  report.resumed_bytes = state.done.total();
  report.skipped_bytes = transfer.skipped_bytes();
  STRATA_TRY(report.digests, digests.finish(state.size));
  return report;
}

Result<PullReport> pull_ranges(const Job& job) {
  PullState state{*job.remote.size,
                  job.remote.etag,
                  job.expected.sha256 ? job.expected.sha256->hex() : std::string(),
                  {}};
  if (job.options.resume) {
    STRATA_TRY(state.done, job.part.resume(state, job.zeros));
  } else if (auto status = job.part.restart(state.size, job.zeros); !status) {
    job.part.discard();
    return status.error();
  }
  STRATA_TRY(PullReport report, fetch_ranges(job, state));
  Status verified = compare(job, report.digests);
  if (!verified && report.resumed_bytes + report.skipped_bytes > 0) {
    // What was not received now is the likelier culprit (a power cut, somebody's hand, zeros that
    // are none): once more, without it.
    state.done = {};
    Job whole = job;
    whole.zeros = {};
    if (auto status = job.part.restart(state.size); !status) return status.error();
    STRATA_TRY(report, fetch_ranges(whole, state));
    verified = compare(job, report.digests);
  }
  if (verified) return report;
  job.part.discard();  // wrong bytes are of no use to anybody
  return verified.error();
}

Result<PullReport> pull_stream(const Job& job) {
  PullReport report;
  auto digests =
      stream_transfer(job.endpoint, job.options, job.remote, job.expected, job.part, job.progress);
  const Status verified = digests ? compare(job, *digests) : digests.error();
  if (!verified) {
    job.part.discard();  // a stream cannot go on from a part
    return verified.error();
  }
  report.digests = *digests;
  return report;
}

Status check_destination(const std::string& destination, const PullOptions& options) {
  if (destination.empty() || destination.ends_with('/')) {
    return Error(Errc::kUsage, "the destination must be the name of a file");
  }
  if (options.force) return {};
  STRATA_TRY(const bool exists, io::make_posix_file_system()->exists(destination));
  if (exists) return Error(Errc::kConflict, destination + " exists already");
  return {};
}

// `decoded_of`: the URL is that of this image's decoded view, or has the same bytes.
Result<PullReport> fetch(const Endpoint& endpoint, const ExpectedDigests& expected,
                         const std::string& destination, const PullOptions& options,
                         const Progress& progress,
                         const std::optional<ImageId>& decoded_of = std::nullopt) {
  if (!expected.sha1 && !expected.sha256 && !expected.sha512) {
    return Error(Errc::kUsage, "a digest of the bytes must be known");
  }
  if (auto status = check_destination(destination, options); !status) return status.error();
  STRATA_TRY(const Remote remote, probe(endpoint, expected));
  STRATA_TRY(const auto part, PartFile::open(destination));
  Job job{endpoint, expected, options, progress, remote, *part, {}};
  if (remote.ranges && decoded_of) {
    job.zeros = known_zeros(endpoint, *decoded_of, *remote.size, options.skipped_bytes_min);
  }
  auto report = remote.ranges ? pull_ranges(job) : pull_stream(job);
  if (!report) return report;
  if (const Status admitted = options.admit ? options.admit(report->digests) : Status();
      !admitted) {
    part->discard();
    return admitted.error();
  }
  if (auto status = part->publish(options.force); !status) return status.error();
  return report;
}

}  // namespace

RetryPolicy retry_policy(const PullOptions& options) {
  RetryPolicy policy;
  policy.retries_max = options.retries_max;
  // A server that sends single bytes is given up.
  policy.headway_bytes = 1 * kMiB;
  policy.wait_first = options.retry_wait_first;
  policy.wait_max = options.retry_wait_max;
  return policy;
}

Result<PullReport> pull_url(const Endpoint& endpoint, const ExpectedDigests& expected,
                            const std::string& destination, const PullOptions& options,
                            const Progress& progress) {
  return fetch(endpoint, expected, destination, options, progress);
}

Result<PullReport> pull(const Endpoint& endpoint, const ImageInfo& image,
                        const std::string& destination, const PullOptions& options,
                        const Progress& progress) {
  Endpoint source = endpoint;
  source.url.target = view_target(
      image.id, options.decoded ? StorageApi::View::kDecoded : StorageApi::View::kStored);
  const bool decoded_bytes = options.decoded || image.stored.sha256 == image.decoded.sha256;
  return fetch(source, all_of(options.decoded ? image.decoded : image.stored), destination, options,
               progress, decoded_bytes ? std::optional(image.id) : std::nullopt);
}

}  // namespace strata::client
