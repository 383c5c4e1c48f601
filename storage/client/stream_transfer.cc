#include "storage/client/stream_transfer.h"

#include "storage/client/file_digests.h"
#include "storage/client/sparse_writer.h"
#include "storage/client/storage_api.h"

namespace strata::client {
namespace {

// The size that more bytes than would be wrong. Without any promise, the largest image there is.
std::uint64_t size_limit(const Remote& remote, const ExpectedDigests& expected) {
  if (expected.bytes) return *expected.bytes;
  return remote.size.value_or(Limits{}.stored_bytes_max);
}

Result<DigestSet> stream_once(const Endpoint& endpoint, const Remote& remote, std::uint64_t limit,
                              PartFile& part, const Progress& progress) {
  if (auto status = part.restart(0); !status) return status.error();
  FileDigests digests(part.file(), endpoint.stop);
  http::ClientRequest request;
  request.target = endpoint.url.target;
  if (!remote.etag.empty()) request.headers.add("If-Match", remote.etag);
  request.on_head = [](const http::ResponseHead& head) -> Status {
    if (head.status == 200 || head.status < 200 || head.status > 299) return {};
    return Error(Errc::kVerification, "the server answered a plain GET with status " +
                                          std::to_string(head.status) + " instead of 200");
  };
  SparseWriter writer(part.file(), 0);
  const auto sink = [&](std::span<const std::byte> data) -> Status {
    if (data.size() > limit - writer.end()) {
      return Error(Errc::kVerification,
                   "the server sends more than " + std::to_string(limit) + " bytes");
    }
    if (auto status = writer.append(data); !status) return status;
    digests.advance(writer.written());
    if (progress) progress(writer.end(), remote.size.value_or(0));
    return {};
  };
  http::Client client = endpoint.connect();
  STRATA_TRY(const http::ClientResponse response, client.send(request, sink));
  if (response.head.status != 200) return error_of(response);
  if (auto status = writer.flush(); !status) return status.error();
  return digests.finish(writer.end());
}

}  // namespace

Result<DigestSet> stream_transfer(const Endpoint& endpoint, const PullOptions& options,
                                  const Remote& remote, const ExpectedDigests& expected,
                                  PartFile& part, const Progress& progress) {
  Retry retry(retry_policy(options));
  for (;;) {
    auto digests = stream_once(endpoint, remote, size_limit(remote, expected), part, progress);
    if (digests || !retry.again(digests.error(), endpoint.stop)) return digests;
  }
}

}  // namespace strata::client
