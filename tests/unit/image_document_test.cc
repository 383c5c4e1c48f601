#include "storage/service/image_document.h"

#include <gtest/gtest.h>

#include "strata/digest/hasher.h"
#include "strata/metadata/document.h"

namespace strata::storage {
namespace {

constexpr UnixMillis kNow = 1'800'000'000'123;

catalog::Image image_of(std::string_view decoded, catalog::Visibility visibility) {
  SystemClock clock;
  SystemRandom random;
  catalog::Image image;
  image.id = ImageId::generate(clock, random);
  image.name = "secret-name.img";
  image.visibility = visibility;
  image.metadata = {{"title", "secret title"}, {"description", "secret words"}, {"os", "secretos"}};
  image.tags = {"secrettag"};
  image.created = kNow;
  image.content.stored = digest::digest_of("stored form");
  image.content.decoded = digest::digest_of(decoded);
  image.content.encoding = codec::Encoding::kXz;
  image.content.disk = {codec::DiskFormat::kQcow2, 1 << 30};
  return image;
}

TEST(ImageDocument, PublicImagesGiveWordsPlacesAndStoredForms) {
  const auto first = image_of("abc", catalog::Visibility::kPublic);
  auto second = image_of("abc", catalog::Visibility::kPublic);
  second.content.encoding = codec::Encoding::kIdentity;
  second.content.stored = second.content.decoded;
  const auto document = describe_content({first, second}, "http://s:1", kNow);
  EXPECT_EQ(document.identifier.text(), "KmZPjZHBoFquj4lcXhQwmyc0Nid");  // of "abc"
  EXPECT_EQ(document.bytes, 3u);
  EXPECT_EQ(document.title, "secret title");
  EXPECT_EQ(document.format, "qcow2");
  EXPECT_EQ(document.locations,
            (std::vector<std::string>{"http://s:1/v1/images/" + first.id.text() + "/decoded",
                                      "http://s:1/v1/images/" + second.id.text() + "/decoded"}));
  ASSERT_EQ(document.stored.size(), 2u);
  EXPECT_EQ(document.stored[0].encoding, "xz");
  EXPECT_EQ(document.stored[1].encoding, "identity");
}

TEST(ImageDocument, APrivateImageTellsOnlyThatTheContentExists) {
  const auto hidden = image_of("abc", catalog::Visibility::kPrivate);
  const std::string text = metadata::build(describe_content({hidden}, "http://s:1", kNow));
  EXPECT_EQ(text.find("secret"), std::string::npos) << text;
  EXPECT_EQ(text.find("http://s:1"), std::string::npos) << text;
  EXPECT_EQ(text.find(hidden.content.stored.sha256.hex()), std::string::npos) << text;
  EXPECT_EQ(text.find("qcow2"), std::string::npos) << text;
  EXPECT_NE(text.find(hidden.content.decoded.sha256.hex()), std::string::npos);
}

TEST(ImageDocument, APrivateImageAddsNothingToAPublicOne) {
  const auto shown = image_of("abc", catalog::Visibility::kPublic);
  const auto hidden = image_of("abc", catalog::Visibility::kPrivate);
  EXPECT_EQ(metadata::build(describe_content({hidden, shown}, "http://s:1", kNow)),
            metadata::build(describe_content({shown}, "http://s:1", kNow)));
}

TEST(ImageDocument, WithdrawnContentHasNoPlaces) {
  const auto shown = image_of("abc", catalog::Visibility::kPublic);
  const auto gone = withdraw_content(describe_content({shown}, "http://s:1", kNow));
  EXPECT_TRUE(gone.locations.empty());
  EXPECT_TRUE(gone.deprecated.has_value());
  EXPECT_EQ(gone.identifier.text(), "KmZPjZHBoFquj4lcXhQwmyc0Nid");
}

}  // namespace
}  // namespace strata::storage
