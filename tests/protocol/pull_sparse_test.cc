#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <random>

#include "storage/client/pull.h"
#include "strata/digest/hasher.h"
#include "tests/support/file_server.h"
#include "tests/support/temporary_directory.h"

// Pulling images with long runs of zeros: those that the server names are not fetched, those that
// arrive become holes, and no server's word makes a wrong file.
namespace strata::client {
namespace {

using test::FileServer;
using Fault = FileServer::Fault;
using Get = FileServer::Get;

constexpr const char* kId = "0192f0c1-2345-7abc-8def-0123456789ab";
constexpr std::size_t kRun = 1 * kMiB;

std::string data(std::size_t size) {
  std::mt19937_64 random(size);
  std::string content(size, '\0');
  for (char& byte : content) byte = static_cast<char>(random() | 1);
  return content;
}

std::string zeros(std::size_t size) {
  return std::string(size, '\0');
}

std::string read_file(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

std::uint64_t allocated(const std::string& path) {
  struct stat status {};
  EXPECT_EQ(::stat(path.c_str(), &status), 0);
  return static_cast<std::uint64_t>(status.st_blocks) * 512;
}

std::string json_answer(const std::string& body, const std::string& fields = {}) {
  return test::plain_response(body, "200 OK", "Content-Type: application/json\r\n" + fields);
}

std::string extent(std::uint64_t start, std::uint64_t length, bool zero) {
  return R"({"start":)" + std::to_string(start) + R"(,"length":)" + std::to_string(length) +
         R"(,"zero":)" + (zero ? "true" : "false") + "}";
}

class SparsePull : public testing::Test {
 protected:
  // zeros, data, zeros, data, zeros, data, and zeros to an end that is not that of a block
  static constexpr std::size_t kData = 3 * (kRun + 4096);
  SparsePull() {
    for (int i = 0; i < 3; ++i) settings_.content += zeros(kRun) + data(kRun + 4096);
    settings_.content += zeros(kRun + 123);
    options_.decoded = true;
    options_.connections = 3;
    options_.piece_bytes_max = 512 * kKiB;
    options_.retry_wait_first = std::chrono::milliseconds(1);
  }

  // The extents of the content in pages of two.
  void tell_extents() {
    settings_.extents = [this](const std::string& target) {
      asked_.push_back(target);
      const std::size_t cursor = target.find("cursor=");
      const std::size_t page =
          cursor == std::string::npos ? 0 : std::stoul(target.substr(cursor + 7));
      const std::uint64_t start = page * (2 * kRun + 4096);
      if (page == 3) {
        return json_answer("{\"extents\":[" + extent(start, kRun + 123, true) + "]}");
      }
      return json_answer("{\"extents\":[" + extent(start, kRun, true) + "," +
                             extent(start + kRun, kRun + 4096, false) + "]}",
                         "Link: </v1/images/" + std::string(kId) +
                             "/extents?cursor=" + std::to_string(page + 1) + ">; rel=\"next\"\r\n");
    };
  }
  // One answer for every question.
  void tell_extents(const std::string& answer) {
    settings_.extents = [answer](const std::string&) { return answer; };
  }

  Result<PullReport> pull_from(const FileServer& server) {
    ImageInfo image;
    image.id = *ImageId::parse(kId);
    image.decoded = digest::digest_of(settings_.content);
    image.stored = options_.decoded ? digest::digest_of("other") : image.decoded;
    return pull({*http::Url::parse(server.url()), {}, {}}, image, destination_, options_);
  }
  static std::uint64_t bytes_asked(const FileServer& server) {
    std::uint64_t sum = 0;
    for (const Get& get : server.gets()) sum += get.range ? get.range->length : 0;
    return sum;
  }
  // The right bytes, and no blocks for the zeros.
  void expect_a_sparse_file() const {
    EXPECT_TRUE(read_file(destination_) == settings_.content) << "other bytes";
    EXPECT_LE(allocated(destination_), kData + 64 * kKiB);
    EXPECT_FALSE(std::filesystem::exists(destination_ + ".part"));
    EXPECT_FALSE(std::filesystem::exists(destination_ + ".part.state"));
  }
  // Leaves a part of which some pieces are there.
  void interrupt_a_pull() {
    settings_.fault = [](std::size_t index, const Get&) {
      return index < 3 ? Fault::kNone : Fault::kCut;
    };
    options_.retries_max = 0;
    options_.connections = 1;
    const FileServer server(settings_);
    ASSERT_FALSE(pull_from(server));
    ASSERT_TRUE(std::filesystem::exists(destination_ + ".part.state"));
    settings_.fault = {};
    options_.retries_max = 6;
    options_.connections = 3;
  }

  test::TemporaryDirectory directory_;
  std::string destination_ = directory_.path() + "/disk.img";
  FileServer::Settings settings_;
  PullOptions options_;
  std::vector<std::string> asked_;  // for extents
};

TEST_F(SparsePull, ZerosThatTheServerNamesAreNotFetched) {
  tell_extents();
  for (const bool decoded : {true, false}) {  // the content of an image that is not encoded
    options_.decoded = decoded;
    options_.force = true;
    asked_.clear();
    const FileServer server(settings_);
    const auto report = pull_from(server);
    ASSERT_TRUE(report) << report.error().message();
    expect_a_sparse_file();
    EXPECT_EQ(bytes_asked(server), kData);
    EXPECT_EQ(report->skipped_bytes, settings_.content.size() - kData);
    EXPECT_EQ(report->digests, digest::digest_of(settings_.content));
    EXPECT_EQ(asked_.size(), 4U);
    EXPECT_EQ(asked_[0], "/v1/images/" + std::string(kId) + "/extents");
  }
}

TEST_F(SparsePull, NothingButZerosNeedsNoRange) {
  settings_.content = zeros(3 * kRun);
  tell_extents(json_answer("{\"extents\":[" + extent(0, 3 * kRun, true) + "]}"));
  const FileServer server(settings_);
  const auto report = pull_from(server);
  ASSERT_TRUE(report) << report.error().message();
  EXPECT_TRUE(server.gets().empty());
  EXPECT_TRUE(read_file(destination_) == settings_.content);
  EXPECT_EQ(allocated(destination_), 0U);
}

TEST_F(SparsePull, ShortRunsAreFetchedAndBecomeHolesAsTheyArrive) {
  tell_extents();
  options_.skipped_bytes_min = kRun + 1;  // only the last is longer
  const FileServer server(settings_);
  const auto report = pull_from(server);
  ASSERT_TRUE(report) << report.error().message();
  expect_a_sparse_file();
  EXPECT_EQ(report->skipped_bytes, kRun + 123);
}

TEST_F(SparsePull, AServerWithoutExtentsSendsAllAndTheFileIsSparse) {
  for (const bool ranges : {true, false}) {
    settings_.ranges = ranges;
    options_.force = true;
    const FileServer server(settings_);
    const auto report = pull_from(server);
    ASSERT_TRUE(report) << report.error().message();
    expect_a_sparse_file();
    EXPECT_EQ(report->skipped_bytes, 0U);
    EXPECT_EQ(report->ranged, ranges);
    EXPECT_EQ(bytes_asked(server), ranges ? settings_.content.size() : 0U);
  }
}

TEST_F(SparsePull, AnAnswerThatIsNoneIsAsNoAnswer) {
  const std::string endless =
      json_answer("{\"extents\":[" + extent(0, kRun, true) + "]}",
                  "Link: </v1/images/" + std::string(kId) + "/extents?again>; rel=\"next\"\r\n");
  for (const std::string& answer :
       {json_answer("{}"), json_answer("<html>"), endless, json_answer(""),
        json_answer("{\"extents\":[" + extent(0, settings_.content.size() + 1, true) + "]}"),
        test::plain_response("", "409 Conflict"), test::plain_response("", "500 Oops")}) {
    tell_extents(answer);
    options_.force = true;
    const FileServer server(settings_);
    const auto report = pull_from(server);
    ASSERT_TRUE(report) << answer << report.error().message();
    expect_a_sparse_file();
    EXPECT_EQ(bytes_asked(server), settings_.content.size()) << answer;
  }
}

TEST_F(SparsePull, ZerosThatAreNoneCostASecondRunNotAWrongFile) {
  tell_extents(json_answer("{\"extents\":[" + extent(kRun, kRun, true) + "]}"));
  const FileServer server(settings_);
  const auto report = pull_from(server);
  ASSERT_TRUE(report) << report.error().message();
  expect_a_sparse_file();
  EXPECT_EQ(report->skipped_bytes, 0U);
  EXPECT_EQ(bytes_asked(server), 2 * settings_.content.size() - kRun);
}

TEST_F(SparsePull, AnInterruptedPullGoesOn) {
  tell_extents();
  interrupt_a_pull();
  const FileServer server(settings_);
  const auto report = pull_from(server);
  ASSERT_TRUE(report) << report.error().message();
  expect_a_sparse_file();
  EXPECT_GE(report->resumed_bytes, kRun + 2 * 512 * kKiB) << "with the zeros that were passed";
  EXPECT_LT(bytes_asked(server), kData);
}

// What was written beyond the state, with or without a word of zeros, must not shine through.
TEST_F(SparsePull, HolesAreMadeInTheRestOfAnInterruptedPull) {
  for (const bool told : {true, false}) {
    settings_.extents = {};
    interrupt_a_pull();
    {
      std::fstream part(destination_ + ".part", std::ios::in | std::ios::out | std::ios::binary);
      part.seekp(static_cast<std::streamoff>(2 * kRun));
      const std::string garbage = data(settings_.content.size() - 2 * kRun);
      part.write(garbage.data(), static_cast<std::streamsize>(garbage.size()));
    }
    if (told) tell_extents();
    const FileServer server(settings_);
    const auto report = pull_from(server);
    ASSERT_TRUE(report) << report.error().message();
    EXPECT_GT(report->resumed_bytes, 0U);
    EXPECT_LT(bytes_asked(server), settings_.content.size()) << "verified at once";
    expect_a_sparse_file();
    std::filesystem::remove(destination_);
  }
}

TEST_F(SparsePull, ACutInTheMiddleOfZerosGoesOn) {
  settings_.fault = [](std::size_t index, const Get&) {
    return index % 2 == 0 ? Fault::kCut : Fault::kNone;
  };
  const FileServer server(settings_);
  const auto report = pull_from(server);
  ASSERT_TRUE(report) << report.error().message();
  expect_a_sparse_file();
}

TEST_F(SparsePull, AFailureAtTheStartLeavesNothing) {
  tell_extents();
  settings_.fault = [](std::size_t, const Get&) { return Fault::kWholeForRange; };
  const FileServer server(settings_);
  ASSERT_FALSE(pull_from(server));
  EXPECT_TRUE(std::filesystem::is_empty(directory_.path())) << "zeros alone are nothing to keep";
}

}  // namespace
}  // namespace strata::client
