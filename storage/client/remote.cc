#include "storage/client/remote.h"

#include "storage/client/storage_api.h"
#include "strata/base/text.h"
#include "strata/http/digest_fields.h"

namespace strata::client {
namespace {

Status compare_promise(const http::Headers& headers, const Remote& remote,
                       const ExpectedDigests& expected) {
  ExpectedDigests promised;
  if (const auto field = headers.joined("Repr-Digest")) {
    // Bytes are believed by their digest alone; a field we cannot read promises nothing.
    if (const auto parsed = http::parse_digest_field(*field)) promised = *parsed;
  }
  promised.bytes = remote.size;
  ExpectedDigests merged = expected;
  return as_verification(http::merge_expected(merged, promised));
}

}  // namespace

Status as_verification(Status status) {
  if (status) return status;
  return Error(Errc::kVerification, status.error().detail());
}

Result<Remote> probe(const Endpoint& endpoint, const ExpectedDigests& expected) {
  http::ClientRequest request;
  request.method = "HEAD";
  request.target = endpoint.url.target;
  http::Client client = endpoint.connect();
  STRATA_TRY(const http::ClientResponse response, client.send(request));
  const int status = response.head.status;
  if (status == 403 || status == 405 || status == 501) return Remote{};
  if (status != 200) return error_of(response);
  const http::Headers& headers = response.head.headers;
  Remote remote;
  if (const auto length = headers.get("Content-Length")) remote.size = parse_decimal(*length);
  const std::string_view etag = trim(headers.get("ETag").value_or(""));
  if (etag.starts_with('"')) remote.etag = etag;
  remote.ranges = remote.size && iequals(trim(headers.get("Accept-Ranges").value_or("")), "bytes");
  if (auto compared = compare_promise(headers, remote, expected); !compared) {
    return compared.error();
  }
  return remote;
}

}  // namespace strata::client
