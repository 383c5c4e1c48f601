#include "storage/digest/cpu_features.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <fstream>
#include <iterator>
#include <string>

#include "storage/digest/lane_kernels.h"

namespace strata::digest {
namespace {

using testing::HasSubstr;

constexpr CpuFeatures kEverything = {true, true, true, true};

TEST(CpuFeatures, AreRestrictedToThoseThatAreNamed) {
  EXPECT_EQ(*restricted(kEverything, "sha-ni"), (CpuFeatures{true, false, false, true}));
  EXPECT_EQ(*restricted(kEverything, "avx2"), (CpuFeatures{false, true, false, true}));
  EXPECT_EQ(*restricted(kEverything, "avx-512"), (CpuFeatures{false, false, true, true}));
  EXPECT_EQ(*restricted(kEverything, "sha-ni,avx2"), (CpuFeatures{true, true, false, true}));
  EXPECT_EQ(*restricted(kEverything, "avx2,sha-ni,avx2"), (CpuFeatures{true, true, false, true}));
  EXPECT_EQ(*restricted(kEverything, "avx-512,avx2,sha-ni"), kEverything);
}

TEST(CpuFeatures, NoneAreLeftByNoneAndByAnEmptyList) {
  EXPECT_EQ(*restricted(kEverything, "none"), (CpuFeatures{false, false, false, true}));
  EXPECT_EQ(*restricted(kEverything, ""), (CpuFeatures{false, false, false, true}));
}

TEST(CpuFeatures, AreNeverMoreThanTheProcessorHas) {
  const std::string_view lists[] = {
      "none", "sha-ni", "avx2", "avx-512", "sha-ni,avx2", "sha-ni,avx-512", "sha-ni,avx2,avx-512"};
  for (unsigned bits = 0; bits < 16; ++bits) {
    const CpuFeatures has = {(bits & 1U) != 0, (bits & 2U) != 0, (bits & 4U) != 0,
                             (bits & 8U) != 0};
    for (const std::string_view list : lists) {
      const auto left = restricted(has, list);
      ASSERT_TRUE(left);
      const auto named = [&](std::string_view word) {
        return list.find(word) != std::string_view::npos;
      };
      EXPECT_EQ(left->sha_ni, has.sha_ni && named("sha-ni")) << bits << " " << list;
      EXPECT_EQ(left->avx2, has.avx2 && named("avx2")) << bits << " " << list;
      EXPECT_EQ(left->avx512, has.avx512 && named("avx-512")) << bits << " " << list;
      EXPECT_EQ(left->intel, has.intel) << bits << " " << list;
    }
  }
}

TEST(CpuFeatures, AWordThatIsNoInstructionSetIsNamedWithThoseThatAre) {
  const std::pair<std::string_view, std::string_view> wrong[] = {
      {"sse9", "\"sse9\""},      {"avx2,sse9", "\"sse9\""}, {"sse9,avx2", "\"sse9\""},
      {"AVX2", "\"AVX2\""},      {"avx2 ", "\"avx2 \""},    {"sha-ni avx2", "\"sha-ni avx2\""},
      {"avx2,none", "\"none\""}, {"none,avx2", "\"none\""}, {",avx2", "\"\""},
      {"avx2,,sha-ni", "\"\""},  {"avx", "\"avx\""},        {"avx512", "\"avx512\""},
  };
  for (const auto& [list, word] : wrong) {
    const auto features = restricted(kEverything, list);
    ASSERT_FALSE(features) << list;
    EXPECT_EQ(features.error().code(), Errc::kUsage);
    EXPECT_THAT(features.error().message(), HasSubstr(std::string(word))) << list;
    EXPECT_THAT(features.error().message(), HasSubstr("sha-ni, avx2 and avx-512")) << list;
  }
}

TEST(CpuFeatures, OfTheProcessAreThoseThatTheEnvironmentLeaves) {
  const char* allowed = std::getenv("STRATA_DIGEST_ISA");
  const CpuFeatures detected = detect_cpu_features();
  EXPECT_EQ(cpu_features(), allowed == nullptr ? detected : *restricted(detected, allowed));
}

#if defined(__x86_64__)
// What the kernel of the operating system says about the processor, as a check on our CPUID code:
// without this a dispatch that finds nothing would pass every other test, by OpenSSL.
TEST(CpuFeatures, AreWhatTheOperatingSystemSaysOfTheProcessor) {
  std::ifstream file("/proc/cpuinfo");
  const std::string text(std::istreambuf_iterator<char>(file), {});
  const auto flag = [&](const std::string& name) {
    return text.find(" " + name + " ") != std::string::npos;
  };
  const bool bmi = flag("bmi1") && flag("bmi2");
  const CpuFeatures wanted = {
      .sha_ni = flag("sha_ni") && flag("sse4_1"),
      .avx2 = flag("avx2") && bmi,
      .avx512 = flag("avx512f") && flag("avx512bw") && flag("avx512vl") && bmi,
      .intel = text.find("GenuineIntel") != std::string::npos,
  };
  EXPECT_EQ(detect_cpu_features(), wanted);
}

template <typename State>
void expect_supported_as_named(std::span<const LaneKernel<State>> kernels) {
  EXPECT_EQ(kernels.size(), 3U);
  for (const auto& kernel : kernels) {
    const bool avx512 = kernel.name.starts_with("avx-512");
    EXPECT_TRUE(avx512 || kernel.name.starts_with("avx2")) << kernel.name;
    EXPECT_EQ(kernel.supported, avx512 ? cpu_features().avx512 : cpu_features().avx2)
        << kernel.name;
    EXPECT_TRUE(kernel.name.ends_with("x" + std::to_string(kernel.lanes))) << kernel.name;
  }
}

TEST(CpuFeatures, DecideWhichKernelsForLanesMayRun) {
  expect_supported_as_named(sha1_lane_kernels());
  expect_supported_as_named(sha256_lane_kernels());
  expect_supported_as_named(sha512_lane_kernels());
}
#endif

}  // namespace
}  // namespace strata::digest
