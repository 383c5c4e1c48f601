#include "storage/client/push.h"

#include <filesystem>
#include <memory>

#include "storage/client/digest_follower.h"
#include "storage/client/storage_api.h"
#include "strata/base/text.h"
#include "strata/io/file_system.h"

namespace strata::client {
namespace {

std::string base_name(const std::string& path) {
  return path.substr(path.find_last_of('/') + 1);  // npos + 1 is 0
}

std::string upload_target(const std::string& name, const PushOptions& options) {
  std::string query;
  const auto add = [&](std::string_view key, std::string_view value) {
    query += (query.empty() ? "?" : "&") + percent_encode(key) + "=" + percent_encode(value);
  };
  add("visibility", options.is_public ? "public" : "private");
  std::string tags;
  for (const std::string& tag : options.tags) tags += (tags.empty() ? "" : ",") + tag;
  if (!tags.empty()) add("tags", tags);
  for (const auto& [key, value] : options.metadata) add(key, value);
  const ExpectedDigests& expected = options.expected;
  if (expected.bytes) add("bytes", std::to_string(*expected.bytes));
  if (expected.sha1) add("sha-1", expected.sha1->hex());
  if (expected.sha256) add("sha-256", expected.sha256->hex());
  if (expected.sha512) add("sha-512", expected.sha512->hex());
  return "/v1/upload/" + percent_encode(name) + query;
}

Status check_tags(const std::vector<std::string>& tags) {
  for (const std::string& tag : tags) {
    if (tag.empty() || tag.find(',') != std::string::npos) {
      return Error(Errc::kUsage, "a tag is not empty and has no comma: '" + tag + "'");
    }
  }
  return {};
}

// What the server says it has, against what was read from the file.
Status verify(const ImageInfo& image, std::uint64_t size, DigestFollower* follower) {
  ExpectedDigests sent;
  sent.bytes = size;
  if (follower != nullptr) {
    STRATA_TRY(const DigestSet digests, follower->finish(size));
    sent.sha256 = digests.sha256;
  }
  const Status compared = sent.compare(image.stored, "stored");
  if (compared) return {};
  return Error(Errc::kVerification, "image " + image.id.text() + " is not what the file holds: " +
                                        compared.error().detail());
}

}  // namespace

Result<ImageInfo> push(const Endpoint& endpoint, const std::string& path,
                       const PushOptions& options, const Progress& progress) {
  const std::string name = options.name.empty() ? base_name(path) : options.name;
  if (name.empty()) return Error(Errc::kUsage, "the image needs a name");
  if (auto status = check_tags(options.tags); !status) return status.error();
  const auto fs = io::make_posix_file_system();
  STRATA_TRY(const auto file, fs->open(path, io::OpenMode::kRead));
  STRATA_TRY(const std::uint64_t size, file->size());
  std::error_code unknown;
  if (!std::filesystem::is_regular_file(path, unknown)) {
    return Error(Errc::kUsage, path + " is not a regular file");
  }

  std::unique_ptr<DigestFollower> follower;
  if (options.verify) {
    follower = std::make_unique<DigestFollower>(*file, digest::Algorithms::kSha256, endpoint.stop);
  }
  std::uint64_t position = 0;
  http::ClientRequest request;
  request.method = "PUT";
  request.target = upload_target(name, options);
  request.headers.add("Content-Type", "application/octet-stream");
  request.expect_continue = true;
  request.length = size;
  request.source = [&](std::span<std::byte> out) -> Result<std::size_t> {
    if (follower) follower->advance(position);
    if (progress) progress(position, size);
    STRATA_TRY(const std::size_t count, file->read_at(position, out));
    position += count;
    return count;
  };
  http::Client client = endpoint.connect();
  STRATA_TRY(const http::ClientResponse response, client.send(request));
  if (response.head.status != 201) return error_of(response);
  if (progress) progress(size, size);
  STRATA_TRY(ImageInfo image, parse_image(response.body));
  if (auto status = verify(image, size, follower.get()); !status) return status.error();
  return image;
}

}  // namespace strata::client
