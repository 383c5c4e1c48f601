#include <algorithm>
#include <set>
#include <thread>

#include "storage/client/push_session.h"
#include "tests/support/push_fixture.h"

// Pushes in several parts at the same time, by concatenation.
namespace strata::client {
namespace {

using std::chrono::milliseconds;
using test::UploadServer;
using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

class PushParallel : public test::PushFixture {
 protected:
  static constexpr std::size_t kSize = 4 * kMiB + 5;

  PushParallel() {
    options_.parallel = 4;
    make_file(kSize);  // 2 + 2 MiB and 5 bytes
  }
  // Requests to the upload with this number meet `fault` the first time.
  static UploadServer::Settings fault_of_part(const std::string& number, const Fault& fault) {
    UploadServer::Settings settings;
    auto first = std::make_shared<std::atomic<bool>>(true);  // copies of the function share it
    settings.fault = [=](const Request& request) {
      const bool hit = request.method == "PATCH" && request.target == "/v1/uploads/" + number &&
                       first->exchange(false);
      return hit ? fault : Fault{};
    };
    return settings;
  }
};

TEST_F(PushParallel, PartsAreEqualMultiplesOfAMebibyte) {
  using Lengths = std::vector<std::uint64_t>;
  const auto lengths = [](std::uint64_t size, std::size_t parallel) {
    Lengths all;
    std::uint64_t end = 0;
    for (const UploadPart& part : divide(size, parallel)) {
      EXPECT_EQ(part.first, end);
      end += part.length;
      all.push_back(part.length);
    }
    EXPECT_EQ(end, size);
    return all;
  };
  EXPECT_EQ(lengths(0, 4), Lengths{0});
  EXPECT_EQ(lengths(5, 1), Lengths{5});
  EXPECT_EQ(lengths(5, 16), Lengths{5});
  EXPECT_EQ(lengths(kTiB + 1, 1), Lengths{kTiB + 1});
  EXPECT_EQ(lengths(4 * kMiB, 4), (Lengths{kMiB, kMiB, kMiB, kMiB}));
  EXPECT_EQ(lengths(3 * kMiB, 4), (Lengths{kMiB, kMiB, kMiB})) << "fewer than asked for";
  EXPECT_EQ(lengths(4 * kMiB + 1, 4), (Lengths{2 * kMiB, 2 * kMiB, 1}));
  EXPECT_EQ(lengths(10 * kMiB, 4), (Lengths{3 * kMiB, 3 * kMiB, 3 * kMiB, kMiB}));
}

TEST_F(PushParallel, SendsPartsAndJoinsThem) {
  start();
  options_.metadata = {{"os", "Debian"}};
  expect_pushed();
  std::vector<std::string> concats;
  for (const Request& request : server_->requests()) {
    if (request.method != "POST") continue;
    concats.emplace_back(request.headers.get("Upload-Concat").value_or(""));
    const bool final_one = concats.back().starts_with("final");
    EXPECT_EQ(request.headers.get("Upload-Metadata").has_value(), final_one);
    EXPECT_EQ(request.headers.get("Upload-Length").has_value(), !final_one);
  }
  EXPECT_THAT(concats, ElementsAre("partial", "partial", "partial",
                                   "final;/v1/uploads/0 /v1/uploads/1 /v1/uploads/2"));
  EXPECT_EQ(server_->metadata()["os"], "Debian");
  EXPECT_EQ(server_->count("PATCH"), 3U);
}

TEST_F(PushParallel, SmallFilesAreOneUpload) {
  make_file(kMiB);
  start();
  expect_pushed();
  EXPECT_EQ(server_->count("POST"), 1U);
}

TEST_F(PushParallel, EachPartResumesOnItsOwn) {
  for (const char* part : {"0", "1", "2"}) {
    for (const std::uint64_t bytes : {std::uint64_t{0}, std::uint64_t{3}, kMiB, 2 * kMiB - 1}) {
      if (*part == '2' && bytes >= 5) continue;
      start(fault_of_part(part, cut(bytes)));
      expect_pushed();
      EXPECT_EQ(server_->count("PATCH"), 4U);
      EXPECT_EQ(server_->count("HEAD"), 1U);
      EXPECT_EQ(server_->received(), kSize);
    }
  }
}

TEST_F(PushParallel, AnOutageOfAllPartsIsToldInFewWords) {
  UploadServer::Settings settings;
  settings.fault = [](const Request& request) {
    const bool down = request.index >= 4 && request.index < 16;
    return down ? answer(503) : Fault{};
  };
  start(settings);
  expect_pushed();
  const auto count = [&](const char* text) {
    return std::count_if(notes_.begin(), notes_.end(), [&](const std::string& line) {
      return line.find(text) != std::string::npos;
    });
  };
  EXPECT_GE(count("trying again"), 1);
  EXPECT_LE(count("trying again"), 3) << "twelve tries fail";
  EXPECT_EQ(count("resuming"), count("trying again"));
}

TEST_F(PushParallel, AnotherRunGoesOnWithEachPart) {
  UploadServer::Settings settings;
  auto away = std::make_shared<std::atomic<bool>>(true);  // shared with the test
  settings.fault = [=](const Request& request) {
    if (!*away || request.method != "PATCH") return Fault{};
    return request.target.ends_with("/2") ? Fault{}
                                          : cut(request.target.ends_with("/0") ? 77 : kMiB);
  };
  start(settings);
  options_.retry_for = milliseconds(0);
  const Error error = failed_push();
  EXPECT_EQ(error.code(), Errc::kUnreachable);
  EXPECT_THAT(error.detail(), HasSubstr("run the same command again to resume"));
  *away = false;
  options_.parallel = 1;  // how it was begun counts
  expect_pushed();
  EXPECT_EQ(server_->count("POST"), 4U);
  EXPECT_THAT(notes_, Contains(HasSubstr("(server has it)")));
}

TEST_F(PushParallel, ALostPartStartsAllOver) {
  UploadServer::Settings settings;
  settings.fault = [](const Request& request) {
    if (!request.target.ends_with("/uploads/1")) return Fault{};
    return request.method == "DELETE" ? Fault{} : answer(404);
  };
  start(settings);
  expect_pushed();
  EXPECT_THAT(notes_, Contains(HasSubstr("starting over")));
  EXPECT_EQ(server_->count("POST"), 8U);
  EXPECT_EQ(server_->count("DELETE"), 4U);
}

TEST_F(PushParallel, PartsMayBeGoneWhenTheWholeIsThere) {
  Fault mute;
  mute.mute = true;
  UploadServer::Settings settings;
  settings.fault = [mute](const Request& request) {
    return request.method == "PATCH" ? mute : Fault{};
  };
  settings.forget_parts = true;
  start(settings);
  expect_pushed();
  EXPECT_EQ(server_->count("POST"), 4U);
}

// The whole still says "receiving"; by the time the parts are asked for, it is complete and they
// are gone. The image is there, and nothing is sent again.
TEST_F(PushParallel, PartsMayGoBetweenTwoQuestions) {
  for (const std::size_t polls : {1, 2}) {
    UploadServer::Settings settings;
    settings.forget_parts = true;
    settings.joining_polls = 1;
    settings.verifying_polls = polls - 1;
    start(settings);
    expect_pushed();
    EXPECT_EQ(server_->count("POST"), 4U);
    EXPECT_EQ(server_->count("PATCH"), 3U);
    EXPECT_EQ(server_->count("DELETE"), 0U);
    EXPECT_EQ(server_->images().size(), 1U);
  }
}

// The same when another run asks.
TEST_F(PushParallel, AnotherRunFindsThePartsGone) {
  UploadServer::Settings settings;
  auto away = std::make_shared<std::atomic<bool>>(true);  // shared with the test
  settings.fault = [=](const Request& request) {
    return *away && request.method == "GET" ? answer(503) : Fault{};
  };
  settings.forget_parts = true;
  settings.joining_polls = 1;
  start(settings);
  options_.retry_for = milliseconds(0);
  EXPECT_EQ(failed_push().code(), Errc::kUnreachable);
  *away = false;
  expect_pushed();
  EXPECT_EQ(server_->count("POST"), 4U);
  EXPECT_EQ(server_->count("DELETE"), 0U);
  EXPECT_EQ(server_->images().size(), 1U);
  EXPECT_THAT(notes_, Contains(HasSubstr("the server has all of it from an earlier push")));
}

TEST_F(PushParallel, AnErrorOfOnePartEndsAll) {
  Fault stall = cut(1);
  stall.stall = true;
  UploadServer::Settings settings;
  settings.fault = [stall](const Request& request) {
    if (request.method != "PATCH") return Fault{};
    return request.target.ends_with("/1") ? answer(413) : stall;
  };
  start(settings);
  EXPECT_EQ(failed_push().code(), Errc::kTooLarge);
  EXPECT_EQ(server_->open_uploads(), 0U);
  EXPECT_TRUE(state_files().empty());
}

TEST_F(PushParallel, AFailureOfProcessingIsTheWholes) {
  UploadServer::Settings settings;
  settings.failure = R"({"type": "digest-mismatch", "detail": "sha-256 is another"})";
  start(settings);
  EXPECT_EQ(failed_push().code(), Errc::kDigestMismatch);
}

TEST_F(PushParallel, ALostAnswerToTheWholeMakesNoSecondImage) {
  UploadServer::Settings settings;
  settings.fault = [](const Request& request) {
    Fault fault;
    fault.mute = request.index == 3;  // the final POST
    return fault;
  };
  start(settings);
  const auto image = push();
  ASSERT_TRUE(image) << image.error().message();
  EXPECT_EQ(server_->images().size(), 1U);
  EXPECT_EQ(server_->count("POST"), 8U);
}

TEST_F(PushParallel, ACreationThatFailsLeavesNothing) {
  UploadServer::Settings settings;
  settings.fault = [](const Request& request) {
    const bool third = request.method == "POST" && request.index == 2;
    return third ? answer(413) : Fault{};
  };
  start(settings);
  EXPECT_EQ(failed_push().code(), Errc::kTooLarge);
  EXPECT_EQ(server_->count("DELETE"), 2U);
  EXPECT_EQ(server_->open_uploads(), 0U);
}

}  // namespace
}  // namespace strata::client
