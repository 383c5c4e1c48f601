// Resumable uploads when the power goes, or the disk fails, in any call: what was acknowledged is
// there, the upload goes on behind it, and becomes the right image.
#include <gtest/gtest.h>
#include <lzma.h>

#include <functional>

#include "strata/digest/hasher.h"
#include "tests/crash/upload_world.h"
#include "tests/support/codec_forge.h"
#include "tests/support/codec_streams.h"

namespace strata::test {
namespace {

using Client = UploadWorld::Client;
constexpr std::chrono::seconds kPatience{20};  // a concatenation is tried again after 5
constexpr std::uint64_t kCallsMax = 2000;

std::string gzip_members(const std::string& plain) {
  std::string out;
  for (std::size_t at = 0; at < plain.size(); at += 60'000) {
    GzipParts parts;
    parts.data = plain.substr(at, 60'000);
    out += forge_gzip(parts);
  }
  return out;
}

std::string xz_of_two_blocks(const std::string& plain) {
  lzma_stream stream = LZMA_STREAM_INIT;
  EXPECT_EQ(lzma_easy_encoder(&stream, 0, LZMA_CHECK_CRC64), LZMA_OK);
  std::string out(2 * plain.size() + 65'536, '\0');
  stream.next_out = reinterpret_cast<std::uint8_t*>(out.data());
  stream.avail_out = out.size();
  stream.next_in = reinterpret_cast<const std::uint8_t*>(plain.data());
  stream.avail_in = plain.size() / 2;
  EXPECT_EQ(lzma_code(&stream, LZMA_FULL_FLUSH), LZMA_STREAM_END);
  stream.avail_in = plain.size() - plain.size() / 2;
  EXPECT_EQ(lzma_code(&stream, LZMA_FINISH), LZMA_STREAM_END);
  out.resize(static_cast<std::size_t>(stream.total_out));
  lzma_end(&stream);
  return out;
}

Client client_of(const std::string& name) {
  const std::string plain = sample_data(name == "identity" ? 2'300'000 : 250'000, 5);
  Client client;
  client.decoded = digest::digest_of(plain);
  client.stored = name == "gzip" ? gzip_members(plain)
                  : name == "xz" ? xz_of_two_blocks(plain)
                                 : plain;
  return client;
}

class UploadCrashTest : public testing::TestWithParam<const char*> {
 protected:
  const Client client_ = client_of(GetParam());
  Watchdog watchdog_{kPatience};
};

TEST_P(UploadCrashTest, PowerCutAfterEachCall) {
  for (const Ending& ending : all_endings()) {
    for (std::uint64_t k = 0;; ++k) {
      ASSERT_LT(k, kCallsMax);
      SCOPED_TRACE(describe(ending) + ", k " + std::to_string(k));
      UploadWorld world(ending, watchdog_);
      Client client = client_;
      world.plan().cut_power_after(k);
      const Status first = world.upload(client);
      const bool cut = world.plan().power_is_off();
      ASSERT_TRUE(first || cut) << first.error().message();
      world.reboot(true);
      const Status started = world.start();
      ASSERT_TRUE(started) << started.error().message();
      const Status second = world.upload(client);
      ASSERT_TRUE(second) << second.error().message();
      world.verify(client);
      if (HasFailure()) return;
      if (!cut) break;
    }
  }
}

// The disk has no room, or fails, once or until somebody repairs it.
TEST_P(UploadCrashTest, AnErrorInEachCall) {
  for (const Errc code : {Errc::kNoSpace, Errc::kIo}) {
    for (const auto then : {FaultPlan::Then::kRecover, FaultPlan::Then::kKeepFailing}) {
      for (std::uint64_t k = 0;; ++k) {
        ASSERT_LT(k, kCallsMax);
        SCOPED_TRACE("error " + std::to_string(static_cast<int>(code)) + ", then " +
                     std::to_string(static_cast<int>(then)) + ", k " + std::to_string(k));
        UploadWorld world({}, watchdog_);
        Client client = client_;
        world.plan().fail_after(k, code, then);
        const Status first = world.upload(client);
        if (!first) {
          EXPECT_TRUE(first.error().code() == code || first.error().code() == Errc::kIo)
              << first.error().message();
        }
        const bool reached = world.plan().calls() > k;
        ASSERT_TRUE(first || reached) << first.error().message();
        world.plan().reset();
        Status second = world.upload(client);
        for (int tries = 0; !second && tries < 3; ++tries) {
          world.sweep();
          second = world.upload(client);
        }
        ASSERT_TRUE(second) << second.error().message();
        // What could not be removed, the next start removes.
        world.reboot(false);
        ASSERT_TRUE(world.start());
        world.verify(client);
        if (HasFailure()) return;
        if (!reached) break;
      }
    }
  }
}

INSTANTIATE_TEST_SUITE_P(All, UploadCrashTest, testing::Values("identity", "gzip", "xz"),
                         [](const auto& value) { return std::string(value.param); });

class Concatenation {
 public:
  Concatenation() : whole_(client_of("xz")) {
    first_.kind = second_.kind = upload::Kind::kPartial;
    const std::size_t half = whole_.stored.size() / 2 + 11;
    first_.stored = whole_.stored.substr(0, half);
    second_.stored = whole_.stored.substr(half);
    whole_.kind = upload::Kind::kFinal;
  }
  [[nodiscard]] const Client& whole() const { return whole_; }

  // From wherever it is.
  Status run(UploadWorld& world) {
    if (!whole_.token) whole_.token = world.find_final();  // its answer was lost
    if (!whole_.token) {
      for (Client* part : {&first_, &second_}) {
        if (const Status sent = world.upload(*part); !sent) return sent;
      }
      whole_.parts = {*first_.token, *second_.token};
      if (const Status created = world.create(whole_); !created) return created;
    }
    const auto session = world.uploads().find(whole_.token->text(), "alice");
    if (!session) return session.error();
    whole_.image = (*session)->view().record.image;
    return world.completion(whole_);
  }

 private:
  Client whole_, first_, second_;
};

TEST(UploadConcatenationCrashTest, PowerCutAfterEachCall) {
  Watchdog watchdog(kPatience);
  for (const Ending& ending : all_endings()) {
    for (std::uint64_t k = 0;; ++k) {
      ASSERT_LT(k, kCallsMax);
      SCOPED_TRACE(describe(ending) + ", k " + std::to_string(k));
      UploadWorld world(ending, watchdog);
      Concatenation flow;
      world.plan().cut_power_after(k);
      const Status first = flow.run(world);
      const bool cut = world.plan().power_is_off();
      ASSERT_TRUE(first || cut) << first.error().message();
      world.reboot(true);
      const Status started = world.start();
      ASSERT_TRUE(started) << started.error().message();
      const Status second = flow.run(world);
      ASSERT_TRUE(second) << second.error().message();
      world.verify(flow.whole());
      if (testing::Test::HasFailure()) return;
      if (!cut) break;
    }
  }
}

}  // namespace
}  // namespace strata::test
