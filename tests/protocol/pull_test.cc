#include "storage/client/pull.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <random>

#include "storage/client/part_file.h"
#include "strata/digest/hasher.h"
#include "strata/http/digest_fields.h"
#include "tests/support/file_server.h"
#include "tests/support/temporary_directory.h"

// Pulling from a server with ranges that misbehaves.
namespace strata::client {
namespace {

using std::chrono::milliseconds;
using test::FileServer;
using Fault = FileServer::Fault;
using Get = FileServer::Get;
using ::testing::HasSubstr;

std::string random_content(std::size_t size, unsigned seed = 1) {
  std::mt19937_64 random(seed);
  std::string content(size, '\0');
  for (char& byte : content) byte = static_cast<char>(random());
  return content;
}

std::string read_file(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

void write_file(const std::string& path, std::string_view content) {
  std::ofstream(path, std::ios::binary) << content;
}

ExpectedDigests digests_of(std::string_view content) {
  const DigestSet set = digest::digest_of(content);
  return {set.bytes, set.sha1, set.sha256, set.sha512};
}

class Pull : public testing::Test {
 protected:
  static constexpr std::size_t kPiece = 256 * kKiB;
  static constexpr std::size_t kSize = 5 * kPiece + 123;

  Pull() {
    settings_.content = random_content(kSize);
    options_.connections = 3;
    options_.piece_bytes_max = kPiece;
    options_.retry_wait_first = milliseconds(1);
  }

  Result<PullReport> pull_from(const FileServer& server, const Progress& progress = {}) {
    return pull_url({*http::Url::parse(server.url()), {}, stop_.get_token()},
                    digests_of(settings_.content), destination_, options_, progress);
  }
  Errc failed_pull(const FileServer& server) {
    const auto report = pull_from(server);
    EXPECT_FALSE(report) << "an error was expected";
    return report ? Errc::kInternal : report.error().code();
  }
  // A pull that gets some pieces and then fails for good.
  void interrupt_a_pull() {
    settings_.fault = [](std::size_t index, const Get&) {
      return index < 2 ? Fault::kNone : Fault::kCut;
    };
    options_.retries_max = 0;
    options_.connections = 1;
    const FileServer server(settings_);
    ASSERT_EQ(failed_pull(server), Errc::kConnectionLost);
    ASSERT_TRUE(exists(".part") && exists(".part.state"));
    settings_.fault = {};
    options_.retries_max = 6;
    options_.connections = 3;
  }

  [[nodiscard]] bool exists(const std::string& suffix) const {
    return std::filesystem::exists(destination_ + suffix);
  }
  // Nothing but what a test expects may stay in the directory.
  void expect_only_the_file(const std::string& content) const {
    EXPECT_TRUE(read_file(destination_) == content) << "other bytes";
    EXPECT_FALSE(exists(".part"));
    EXPECT_FALSE(exists(".part.state"));
  }
  void expect_nothing() const { EXPECT_TRUE(std::filesystem::is_empty(directory_.path())); }

  static std::uint64_t bytes_asked(const FileServer& server) {
    std::uint64_t sum = 0;
    for (const Get& get : server.gets()) sum += get.range ? get.range->length : 0;
    return sum;
  }

  test::TemporaryDirectory directory_;
  std::string destination_ = directory_.path() + "/disk.img";
  FileServer::Settings settings_;
  PullOptions options_;
  std::stop_source stop_;
};

TEST_F(Pull, ParallelRangesAskForEachByteOnce) {
  const FileServer server(settings_);
  std::uint64_t last_done = 0;
  const auto report = pull_from(server, [&](std::uint64_t done, std::uint64_t total) {
    EXPECT_GE(done, last_done);
    EXPECT_EQ(total, kSize);
    last_done = done;
  });
  ASSERT_TRUE(report) << report.error().message();
  expect_only_the_file(settings_.content);
  EXPECT_TRUE(report->ranged);
  EXPECT_EQ(report->digests, digest::digest_of(settings_.content));
  EXPECT_EQ(report->resumed_bytes, 0U);
  EXPECT_EQ(last_done, kSize);
  EXPECT_EQ(server.gets().size(), 6U);
  EXPECT_EQ(bytes_asked(server), kSize);
}

TEST_F(Pull, TheFileHasThePermissionsOfAnyOther) {
  const FileServer server(settings_);
  ASSERT_TRUE(pull_from(server));
  write_file(destination_ + ".other", "");
  EXPECT_EQ(std::filesystem::status(destination_).permissions(),
            std::filesystem::status(destination_ + ".other").permissions());
}

TEST_F(Pull, SmallSizes) {
  for (const std::size_t size : {0, 1, 4095, 4097}) {
    settings_.content = random_content(size);
    options_.force = true;
    const FileServer server(settings_);
    const auto report = pull_from(server);
    ASSERT_TRUE(report) << size << ": " << report.error().message();
    EXPECT_EQ(report->digests.bytes, size);
    EXPECT_EQ(bytes_asked(server), size);
    expect_only_the_file(settings_.content);
  }
}

TEST_F(Pull, AnExistingDestinationStaysUnlessForced) {
  write_file(destination_, "precious");
  const FileServer server(settings_);
  EXPECT_EQ(failed_pull(server), Errc::kConflict);
  EXPECT_EQ(read_file(destination_), "precious");
  EXPECT_TRUE(server.gets().empty());
  options_.force = true;
  ASSERT_TRUE(pull_from(server));
  expect_only_the_file(settings_.content);
}

TEST_F(Pull, ADestinationThatAppearsMeanwhileStays) {
  settings_.fault = [this](std::size_t index, const Get&) {
    if (index == 0) write_file(destination_, "precious");
    return Fault::kNone;
  };
  const FileServer server(settings_);
  EXPECT_EQ(failed_pull(server), Errc::kConflict);
  EXPECT_EQ(read_file(destination_), "precious");
}

TEST_F(Pull, ACutPieceGoesOnWhereItWasCut) {
  settings_.fault = [](std::size_t index, const Get&) {
    return index == 1 || index == 3 ? Fault::kCut : Fault::kNone;
  };
  const FileServer server(settings_);
  const auto report = pull_from(server);
  ASSERT_TRUE(report) << report.error().message();
  expect_only_the_file(settings_.content);
  EXPECT_EQ(server.gets().size(), 8U);
  EXPECT_EQ(bytes_asked(server), kSize + kPiece) << "the second halves of two pieces";
}

TEST_F(Pull, AServerThatIsBusyIsAskedAgain) {
  settings_.fault = [](std::size_t index, const Get&) {
    return index < 3 ? Fault::kUnavailable : Fault::kNone;
  };
  const FileServer server(settings_);
  ASSERT_TRUE(pull_from(server));
  expect_only_the_file(settings_.content);
}

TEST_F(Pull, RetriesAreBounded) {
  settings_.fault = [](std::size_t, const Get&) { return Fault::kUnavailable; };
  options_.connections = 1;
  options_.retries_max = 3;
  const FileServer server(settings_);
  EXPECT_EQ(failed_pull(server), Errc::kUnavailable);
  EXPECT_EQ(server.gets().size(), 4U);
  expect_nothing();
}

TEST_F(Pull, AnInterruptedPullGoesOn) {
  interrupt_a_pull();
  const FileServer server(settings_);
  const auto report = pull_from(server);
  ASSERT_TRUE(report) << report.error().message();
  expect_only_the_file(settings_.content);
  EXPECT_GE(report->resumed_bytes, 2 * kPiece);
  EXPECT_EQ(bytes_asked(server), kSize - report->resumed_bytes);
}

TEST_F(Pull, WithoutResumeItBeginsAnew) {
  interrupt_a_pull();
  options_.resume = false;
  const FileServer server(settings_);
  const auto report = pull_from(server);
  ASSERT_TRUE(report) << report.error().message();
  EXPECT_EQ(bytes_asked(server), kSize);
}

TEST_F(Pull, OtherContentOnTheServerIsNotMixedWithTheOld) {
  interrupt_a_pull();
  settings_.content = random_content(kSize, 2);
  settings_.etag = "\"v2\"";
  const FileServer server(settings_);
  const auto report = pull_from(server);
  ASSERT_TRUE(report) << report.error().message();
  EXPECT_EQ(report->resumed_bytes, 0U);
  expect_only_the_file(settings_.content);
}

TEST_F(Pull, DamageInTheOldPartCostsASecondRunNotAWrongFile) {
  interrupt_a_pull();
  std::fstream part(destination_ + ".part", std::ios::in | std::ios::out | std::ios::binary);
  part.seekp(100);
  part.put(static_cast<char>(settings_.content[100] ^ 1));
  part.close();
  const FileServer server(settings_);
  const auto report = pull_from(server);
  ASSERT_TRUE(report) << report.error().message();
  expect_only_the_file(settings_.content);
  EXPECT_GT(bytes_asked(server), kSize);
}

TEST_F(Pull, ADamagedStateIsStartedOver) {
  for (const char* state :
       {"", "{", "[]", R"({"version":1,"size":1,"etag":"","sha256":"","done":[]})",
        R"({"version":1,"size":1310843,"etag":"\"v1\"","sha256":"","done":[[0,9e9]]})"}) {
    interrupt_a_pull();
    write_file(destination_ + ".part.state", state);
    const FileServer server(settings_);
    ASSERT_TRUE(pull_from(server)) << state;
    EXPECT_EQ(bytes_asked(server), kSize) << state;
    expect_only_the_file(settings_.content);
    std::filesystem::remove(destination_);
  }
}

TEST_F(Pull, ANewerStateIsLeftAlone) {
  write_file(destination_ + ".part", "bytes of a newer program");
  write_file(destination_ + ".part.state", R"({"version":2})");
  const FileServer server(settings_);
  EXPECT_EQ(failed_pull(server), Errc::kUsage);
  EXPECT_EQ(read_file(destination_ + ".part"), "bytes of a newer program");
}

TEST_F(Pull, TwoPullsDoNotWriteOneFile) {
  const auto other = PartFile::open(destination_);
  ASSERT_TRUE(other);
  const FileServer server(settings_);
  EXPECT_EQ(failed_pull(server), Errc::kInUse);
  EXPECT_TRUE(server.gets().empty());
}

// Each of these answers would put wrong bytes at a right place, or right ones at a wrong one.
TEST_F(Pull, AnswersToAnotherQuestionAreNeverWritten) {
  for (const Fault fault : {Fault::kWholeForRange, Fault::kOtherRange, Fault::kOtherEtag}) {
    settings_.fault = [fault](std::size_t, const Get&) { return fault; };
    const FileServer server(settings_);
    EXPECT_EQ(failed_pull(server), Errc::kVerification) << static_cast<int>(fault);
    expect_nothing();
    EXPECT_LE(server.gets().size(), options_.connections) << "not tried again";
  }
}

TEST_F(Pull, MoreThanTheRangeIsRefused) {
  settings_.fault = [](std::size_t, const Get&) { return Fault::kTooMuch; };
  const FileServer server(settings_);
  EXPECT_EQ(failed_pull(server), Errc::kVerification);
  EXPECT_FALSE(exists(""));
}

TEST_F(Pull, WrongBytesNeverGetTheFinalName) {
  settings_.fault = [](std::size_t index, const Get&) {
    return index == 4 ? Fault::kFlippedByte : Fault::kNone;
  };
  const FileServer server(settings_);
  EXPECT_EQ(failed_pull(server), Errc::kVerification);
  expect_nothing();
}

TEST_F(Pull, APromiseThatContradictsTheExpectationEndsItBeforeTheBytes) {
  settings_.repr_digest = http::repr_digest(digest::digest_of("other"));
  const FileServer other_digest(settings_);
  EXPECT_EQ(failed_pull(other_digest), Errc::kVerification);
  EXPECT_TRUE(other_digest.gets().empty());

  settings_.repr_digest = "not a digest field";
  FileServer::Settings longer = settings_;
  longer.content += "x";
  const FileServer other_size(longer);
  EXPECT_EQ(failed_pull(other_size), Errc::kVerification);
  EXPECT_TRUE(other_size.gets().empty());
  expect_nothing();
}

TEST_F(Pull, AChangeDuringThePullIsNoticed) {
  settings_.etag = "W/\"weak\"";  // no If-Match possible; the digest finds it
  settings_.fault = [](std::size_t index, const Get&) {
    return index == 2 ? Fault::kFlippedByte : Fault::kNone;
  };
  const FileServer server(settings_);
  EXPECT_EQ(failed_pull(server), Errc::kVerification);
  expect_nothing();
}

TEST_F(Pull, WithoutRangesItIsOneStreamThatBeginsAnew) {
  settings_.ranges = false;
  for (const bool length : {true, false}) {
    settings_.length = length;
    settings_.fault = [](std::size_t index, const Get&) {
      return index == 0 ? Fault::kCut : Fault::kNone;
    };
    options_.force = true;
    const FileServer server(settings_);
    const auto report = pull_from(server);
    ASSERT_TRUE(report) << report.error().message();
    EXPECT_FALSE(report->ranged);
    EXPECT_EQ(report->digests, digest::digest_of(settings_.content));
    EXPECT_EQ(server.gets().size(), 2U);
    expect_only_the_file(settings_.content);
  }
}

TEST_F(Pull, AStreamOfWrongBytesLeavesNothing) {
  settings_.ranges = false;
  settings_.fault = [](std::size_t, const Get&) { return Fault::kFlippedByte; };
  const FileServer server(settings_);
  EXPECT_EQ(failed_pull(server), Errc::kVerification);
  expect_nothing();
}

TEST_F(Pull, AnEndlessStreamIsEnded) {
  settings_.ranges = false;
  settings_.length = false;
  FileServer::Settings longer = settings_;
  longer.content += std::string(10 << 20, 'x');
  longer.repr_digest = http::repr_digest(digest::digest_of(settings_.content));
  const FileServer server(longer);
  EXPECT_EQ(failed_pull(server), Errc::kVerification);
  expect_nothing();
}

TEST_F(Pull, AServerWithoutHeadIsReadAsAStream) {
  for (const int status : {403, 405, 501}) {
    settings_.head_status = status;
    options_.force = true;
    const FileServer server(settings_);
    const auto report = pull_from(server);
    ASSERT_TRUE(report) << status << ": " << report.error().message();
    expect_only_the_file(settings_.content);
  }
}

TEST_F(Pull, WhatTheServerSaysIsTheError) {
  for (const auto& [status, code] :
       {std::pair(404, Errc::kNotFound), std::pair(401, Errc::kUnauthorized),
        std::pair(503, Errc::kUnavailable)}) {
    settings_.head_status = status;
    const FileServer server(settings_);
    EXPECT_EQ(failed_pull(server), code);
    expect_nothing();
  }
}

TEST_F(Pull, StopLeavesAPartToGoOnFrom) {
  settings_.fault = [this](std::size_t index, const Get&) {
    if (index < 2) return Fault::kNone;
    if (index == 4) stop_.request_stop();
    return Fault::kStall;
  };
  {
    const FileServer server(settings_);
    EXPECT_EQ(failed_pull(server), Errc::kCancelled);
  }
  EXPECT_FALSE(exists(""));
  stop_ = std::stop_source();
  settings_.fault = {};
  const FileServer server(settings_);
  const auto report = pull_from(server);
  ASSERT_TRUE(report) << report.error().message();
  EXPECT_GE(report->resumed_bytes, 2 * kPiece);
  expect_only_the_file(settings_.content);
}

TEST_F(Pull, NoDigestNoPull) {
  const FileServer server(settings_);
  ExpectedDigests size_only;
  size_only.bytes = kSize;
  const auto report =
      pull_url({*http::Url::parse(server.url()), {}, {}}, size_only, destination_, options_);
  ASSERT_FALSE(report);
  EXPECT_EQ(report.error().code(), Errc::kUsage);
}

TEST_F(Pull, ViewsOfAnImage) {
  const FileServer server(settings_);
  ImageInfo image;
  image.id = *ImageId::parse("0192f0c1-2345-7abc-8def-0123456789ab");
  image.decoded = digest::digest_of(settings_.content);
  image.stored = digest::digest_of("other");
  const Endpoint endpoint{*http::Url::parse(server.url()), {}, {}};
  EXPECT_FALSE(pull(endpoint, image, destination_, options_));
  EXPECT_TRUE(server.gets().empty()) << "the promise contradicts the digests of the stored bytes";
  options_.decoded = true;
  const auto report = pull(endpoint, image, destination_, options_);
  ASSERT_TRUE(report) << report.error().message();
  expect_only_the_file(settings_.content);
  EXPECT_EQ(server.gets()[0].target, "/v1/images/0192f0c1-2345-7abc-8def-0123456789ab/decoded");
}

}  // namespace
}  // namespace strata::client
