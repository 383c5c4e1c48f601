#pragma once

#include <string>
#include <string_view>

#include "storage/catalog/image.h"
#include "strata/digest/hasher.h"
#include "tests/support/fixed.h"

// Values of the catalogue, for tests.
namespace strata::test {

[[nodiscard]] inline blob::BlobProperties properties_of(std::string_view stored,
                                                        std::string_view decoded) {
  blob::BlobProperties properties;
  properties.stored = digest::digest_of(stored);
  properties.decoded = digest::digest_of(decoded);
  properties.encoding = stored == decoded ? codec::Encoding::kIdentity : codec::Encoding::kGzip;
  properties.disk.virtual_bytes = decoded.size();
  properties.created = 1'700'000'000'000;
  return properties;
}

// Makes images whose ids are in order of making.
class ImageMaker {
 public:
  [[nodiscard]] catalog::Image make(const std::string& owner, std::string_view stored,
                                    std::string_view decoded) {
    clock_.advance(1);
    catalog::Image image;
    image.id = ImageId::generate(clock_, random_);
    image.name = "image-" + std::to_string(++made_);
    image.owner = owner;
    image.created = image.updated = clock_.now();
    image.blob = BlobId::generate(random_);
    image.content = properties_of(stored, decoded);
    return image;
  }
  [[nodiscard]] catalog::Image make(const std::string& owner, std::string_view bytes) {
    return make(owner, bytes, bytes);
  }
  ManualClock& clock() { return clock_; }
  SeededRandom& random() { return random_; }

 private:
  ManualClock clock_;
  SeededRandom random_{77};
  int made_ = 0;
};

}  // namespace strata::test
