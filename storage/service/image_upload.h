#pragma once

#include "storage/service/services.h"
#include "storage/service/upload_parameters.h"
#include "storage/upload/uploads.h"

// What an upload's bytes become: the same for a plain PUT and for a resumable session.
namespace strata::storage {

// kDigestMismatch, kSizeMismatch: the bytes are not what the client promised.
[[nodiscard]] Status compare(const UploadParameters& parameters,
                             const blob::BlobProperties& properties);
[[nodiscard]] catalog::Image make_image(UploadParameters parameters, const ImageId& id,
                                        const std::string& owner,
                                        const blob::BlobProperties& properties, Clock& clock);

// What a client said of a resumable upload, and how: the description of its session.
struct UploadDescription {
  std::vector<std::pair<std::string, std::string>> parameters;  // as in a query; API.md
  std::string tus_metadata;  // Upload-Metadata as it came, echoed by HEAD
  std::string tus_concat;    // Upload-Concat as it came
  bool operator==(const UploadDescription&) const = default;
};
[[nodiscard]] std::string to_text(const UploadDescription& description);
[[nodiscard]] Result<UploadDescription> description_from_text(std::string_view text);

// Believes the bytes of a session, at the one place where that is done for it.
class ImagePublisher final : public upload::Publisher {
 public:
  explicit ImagePublisher(Services& services) : services_(services) {}
  [[nodiscard]] Status publish(std::unique_ptr<blob::BlobWriter> writer,
                               const upload::SessionRecord& session,
                               const blob::BlobProperties& properties) override;
  [[nodiscard]] Result<bool> publish_committed(const upload::SessionRecord& session) override;

 private:
  // The image that a session promised, if the bytes are what it promised.
  [[nodiscard]] Result<catalog::Image> checked_image(const upload::SessionRecord& session,
                                                     const blob::BlobProperties& properties) const;
  void count();

  Services& services_;
};

}  // namespace strata::storage
