#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "storage/client/endpoint.h"
#include "storage/client/extents.h"
#include "storage/client/image_info.h"

namespace strata::client {

// The JSON resources of strata-storage as typed calls. Blocking; one thread at a time; keeps its
// connection. Errors of the server come back as themselves (kNotFound, kForbidden, ...), those of
// the way to it as http::Client's.
class StorageApi {
 public:
  explicit StorageApi(const Endpoint& endpoint);

  // Fields that are set must match; names as the query parameters of GET /v1/images.
  struct Filter {
    std::optional<std::string> name, identifier, sha256, owner, visibility, tag;
    std::optional<std::size_t> limit;
  };
  struct Page {
    std::vector<ImageInfo> images;
    std::string json;                 // of the whole page, unchanged
    std::optional<std::string> next;  // give it to next_page()
  };
  [[nodiscard]] Result<Page> list(const Filter& filter);
  [[nodiscard]] Result<Page> next_page(const std::string& next);

  [[nodiscard]] Result<ImageInfo> show(const ImageId& id);
  [[nodiscard]] Status remove(const ImageId& id);

  // IMAGE of the command line: an id, a 27-character identifier, "sha256:" and hex, or a name.
  // kNotFound; kAmbiguous when several fit, with one line for each in the detail; kUsage for a
  // malformed digest.
  [[nodiscard]] Result<ImageInfo> resolve(std::string_view image);

  // Which stretches of the decoded view are zeros. kNotFound also of servers that do not say.
  struct ExtentPage {
    std::vector<Extent> extents;
    std::optional<std::string> next;  // give it to next_extents()
  };
  [[nodiscard]] Result<ExtentPage> extents(const ImageId& id);
  [[nodiscard]] Result<ExtentPage> next_extents(const std::string& next);

  enum class View : unsigned char { kStored, kDecoded };
  // A signed URL that works without another credential until it expires.
  [[nodiscard]] Result<std::string> ticket(const ImageId& id, View view,
                                           std::chrono::seconds expires_in);

 private:
  [[nodiscard]] Result<http::ClientResponse> call(const http::ClientRequest& request);
  [[nodiscard]] Result<http::ClientResponse> get(const std::string& target);
  [[nodiscard]] Result<Page> get_page(const std::string& target);
  [[nodiscard]] Result<std::optional<std::string>> next_of(
      const http::ClientResponse& response) const;

  http::Client client_;
};

// "/v1/images/{id}/content" or ".../decoded".
[[nodiscard]] std::string view_target(const ImageId& id, StorageApi::View view);

// A response that is no success, as the error it stands for.
[[nodiscard]] Error error_of(const http::ClientResponse& response);

}  // namespace strata::client
