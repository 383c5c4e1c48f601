#include "storage/client/pull.h"

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
};

Status compare(const Job& job, const DigestSet& found) {
  return as_verification(job.expected.compare(found, "received"));
}

// Fetches what `state.done` leaves over and digests the whole; updates `state.done`.
Result<DigestSet> fetch_ranges(const Job& job, const PullState& state) {
  FileDigests digests(job.part.file(), job.endpoint.stop);
  RangeTransfer transfer(job.endpoint, job.options, job.part, state);
  if (auto status = transfer.run(digests, job.progress); !status) {
    if (transfer.done_bytes() == 0) job.part.discard();
    return status.error();
  }
  return digests.finish(state.size);
}

Result<PullReport> pull_ranges(const Job& job) {
  PullState state{*job.remote.size,
                  job.remote.etag,
                  job.expected.sha256 ? job.expected.sha256->hex() : std::string(),
                  {}};
  if (job.options.resume) {
    STRATA_TRY(state.done, job.part.resume(state));
  } else if (auto status = job.part.restart(state.size); !status) {
    job.part.discard();
    return status.error();
  }
  PullReport report;
  report.ranged = true;
  report.resumed_bytes = state.done.total();
  STRATA_TRY(report.digests, fetch_ranges(job, state));
  Status verified = compare(job, report.digests);
  if (!verified && report.resumed_bytes > 0) {
    // Bytes of an earlier run are the likelier culprit (a power cut, somebody's hand): once more,
    // without them.
    state.done = {};
    report.resumed_bytes = 0;
    if (auto status = job.part.restart(state.size); !status) return status.error();
    STRATA_TRY(report.digests, fetch_ranges(job, state));
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
  if (!expected.sha1 && !expected.sha256 && !expected.sha512) {
    return Error(Errc::kUsage, "a digest of the bytes must be known");
  }
  if (auto status = check_destination(destination, options); !status) return status.error();
  STRATA_TRY(const Remote remote, probe(endpoint, expected));
  STRATA_TRY(const auto part, PartFile::open(destination));
  const Job job{endpoint, expected, options, progress, remote, *part};
  auto report = remote.ranges ? pull_ranges(job) : pull_stream(job);
  if (!report) return report;
  if (auto status = part->publish(options.force); !status) return status.error();
  return report;
}

Result<PullReport> pull(const Endpoint& endpoint, const ImageInfo& image,
                        const std::string& destination, const PullOptions& options,
                        const Progress& progress) {
  Endpoint source = endpoint;
  source.url.target = view_target(
      image.id, options.decoded ? StorageApi::View::kDecoded : StorageApi::View::kStored);
  return pull_url(source, all_of(options.decoded ? image.decoded : image.stored), destination,
                  options, progress);
}

}  // namespace strata::client
