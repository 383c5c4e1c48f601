#include <gtest/gtest.h>

#include <thread>

#include "../support/metadata_forge.h"
#include "../support/metadata_samples.h"
#include "registry/metadata/certificate_cache.h"
#include "strata/base/text.h"

namespace strata::metadata {
namespace {

std::vector<std::uint8_t> make_der() {
  const auto pem = Endorser::generate("Image Ops", "ops@images.example", test::StillClock());
  std::string text = test::pem_body(pem->certificate);
  std::erase(text, '\n');
  return from_base64(text).value();
}

TEST(CertificateCache, ReadsACertificateOnce) {
  const auto der = make_der();
  const auto first = shared_certificate(der);
  ASSERT_TRUE(first);
  EXPECT_EQ((*first)->email, "ops@images.example");
  EXPECT_EQ((*first)->der, der);
  const auto again = shared_certificate(std::vector<std::uint8_t>(der));
  EXPECT_EQ(*again, *first) << "the same bytes elsewhere";
}

TEST(CertificateCache, TellsCertificatesApartByEachByte) {
  auto der = make_der();
  const auto first = shared_certificate(der);
  der.back() ^= 1;  // of its signature
  const auto altered = shared_certificate(der);
  ASSERT_TRUE(first && altered);
  EXPECT_NE(*altered, *first);
  EXPECT_TRUE((*first)->self_signed);
  EXPECT_FALSE((*altered)->self_signed);
}

TEST(CertificateCache, KeepsNoError) {
  const std::vector<std::uint8_t> nothing = {1, 2, 3};
  EXPECT_FALSE(shared_certificate(nothing));
  EXPECT_FALSE(shared_certificate(nothing));
}

TEST(CertificateCache, ForgetsWhatWasNotUsedForLong) {
  const auto der = make_der();
  std::weak_ptr<const Certificate> first = *shared_certificate(der);
  for (int i = 0; i < 700 && !first.expired(); ++i) ASSERT_TRUE(shared_certificate(make_der()));
  EXPECT_TRUE(first.expired());
  EXPECT_TRUE(shared_certificate(der)) << "and reads it again";
}

TEST(CertificateCache, AnyThread) {
  std::vector<std::vector<std::uint8_t>> ders(8);
  for (auto& der : ders) der = make_der();
  std::vector<std::jthread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&] {
      for (int i = 0; i < 200; ++i) {
        const auto& der = ders[static_cast<std::size_t>(i) % ders.size()];
        EXPECT_EQ((*shared_certificate(der))->der, der);
      }
    });
  }
}

}  // namespace
}  // namespace strata::metadata
