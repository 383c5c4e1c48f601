#include <fcntl.h>
#include <sys/stat.h>

#include <thread>

#include "storage/client/push_state_file.h"
#include "tests/support/push_fixture.h"

// Pushes that are interrupted: by the network, by the server, by their own end.
namespace strata::client {
namespace {

using std::chrono::milliseconds;
using test::UploadServer;
using ::testing::AllOf;
using ::testing::Contains;
using ::testing::Each;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

class PushResume : public test::PushFixture {};

TEST_F(PushResume, AfterACutAtEveryByte) {
  make_file(40);
  for (std::uint64_t bytes = 0; bytes < content_.size(); ++bytes) {
    start(patch_fault(0, cut(bytes)));
    expect_pushed();
    EXPECT_THAT(patches(), ElementsAre(0U, bytes));
  }
}

TEST_F(PushResume, AfterACutAroundTheBordersOfBlocks) {
  make_file(2 * kMiB + 7);
  for (const std::uint64_t border : {64 * kKiB, 1 * kMiB, 2 * kMiB}) {
    for (const std::uint64_t bytes : {border - 1, border, border + 1}) {
      start(patch_fault(0, cut(bytes)));
      expect_pushed();
      EXPECT_THAT(patches(), ElementsAre(0U, bytes));
    }
  }
}

TEST_F(PushResume, AfterManyCuts) {
  make_file(100'003);
  UploadServer::Settings settings;
  settings.fault = [](const Request& request) {
    return request.method == "PATCH" ? cut(1'000) : Fault{};
  };
  start(settings);
  expect_pushed();
  EXPECT_THAT(time_.waits(), AllOf(SizeIs(100), Each(milliseconds(375))))
      << "each made headway: the wait is the first one";
  EXPECT_EQ(server_->received(), content_.size());
}

TEST_F(PushResume, BytesThatTheServerLostAreSentAgain) {
  make_file(10'000);
  Fault lossy = cut(5'000);
  lossy.forget = true;
  start(patch_fault(0, lossy));
  expect_pushed();
  EXPECT_THAT(patches(), ElementsAre(0U, 0U));
}

TEST_F(PushResume, AServerThatTakesLessThanWasSent) {
  make_file(300'000);
  Fault less;
  less.keep_only = 64 * kKiB;
  start(patch_fault(0, less));
  expect_pushed();
  EXPECT_THAT(patches(), ElementsAre(0U, 64 * kKiB));
}

TEST_F(PushResume, WhenOnlyTheLastAnswerIsLost) {
  make_file(10'000);
  Fault mute;
  mute.mute = true;
  start(patch_fault(0, mute));
  expect_pushed();
  EXPECT_EQ(server_->received(), content_.size());
}

TEST_F(PushResume, WhenAnyOtherAnswerIsLost) {
  make_file(1'000);
  for (const char* method : {"POST", "GET"}) {
    UploadServer::Settings settings;
    auto first = std::make_shared<std::atomic<bool>>(true);  // of the copies of the function
    settings.fault = [=](const Request& request) {
      Fault fault;
      fault.mute = request.method == method && first->exchange(false);
      return fault;
    };
    start(settings);
    const auto image = push();
    ASSERT_TRUE(image) << image.error().message();
    EXPECT_EQ(server_->images(), std::vector<std::string>{content_}) << "one image, not two";
  }
}

TEST_F(PushResume, SaysWhatItDoesOnceForAnOutage) {
  make_file(3 * kMiB);
  UploadServer::Settings settings;
  auto tries = std::make_shared<std::atomic<int>>(0);  // of the copies of the function
  settings.fault = [=](const Request& request) {
    if (request.method == "POST" || request.method == "GET") return Fault{};
    const int now = (*tries)++;
    if (now == 0) return cut(1 * kMiB);
    return now < 6 ? answer(503) : Fault{};
  };
  start(settings);
  expect_pushed();
  EXPECT_THAT(notes_, ElementsAre(HasSubstr("of 3.0 MiB, trying again in 0.4 s"),
                                  "resuming at 1.0 MiB of 3.0 MiB (server has it)"));
  EXPECT_THAT(notes_[0], HasSubstr("connection lost at "));
}

TEST_F(PushResume, RetryAfterIsHonoured) {
  make_file(1'000);
  for (const int status : {429, 503, 507}) {
    start(patch_fault(0, answer(status, "Retry-After: 17\r\n")));
    expect_pushed();
    EXPECT_THAT(time_.waits(), Contains(milliseconds(17'000))) << status;
  }
}

TEST_F(PushResume, ServerErrorsAreTriedAgainWithDoubledWaits) {
  make_file(1'000);
  UploadServer::Settings settings;
  settings.fault = [](const Request& request) {
    return request.index < 8 ? answer(500 + static_cast<int>(request.index) % 2 * 3) : Fault{};
  };
  start(settings);
  expect_pushed();
  // Jitter is in the middle: three quarters.
  EXPECT_THAT(time_.waits(),
              ElementsAre(milliseconds(375), milliseconds(750), milliseconds(1'500),
                          milliseconds(3'000), milliseconds(6'000), milliseconds(12'000),
                          milliseconds(22'500), milliseconds(22'500)));
}

TEST_F(PushResume, GivesUpWhenNothingMoves) {
  make_file(1'000);
  start(patch_fault(0, cut(400)));
  options_.retry_for = std::chrono::seconds(90);
  UploadServer::Settings settings;
  settings.fault = [](const Request& request) {
    if (request.method == "POST") return Fault{};
    return request.method == "PATCH" && request.index < 2 ? cut(400) : answer(503);
  };
  start(settings);
  const Error error = failed_push();
  EXPECT_EQ(error.code(), Errc::kUnreachable) << "exit code 5";
  EXPECT_THAT(error.detail(), AllOf(HasSubstr("given up, nothing moved for 90 s"),
                                    HasSubstr("run the same command again to resume")));
  milliseconds sum{0};
  for (const milliseconds wait : time_.waits()) sum += wait;
  EXPECT_EQ(sum, std::chrono::seconds(90)) << "the last try is at the end of the time";
  EXPECT_EQ(state_files().size(), 1U);

  Fault wait_longer = answer(503, "Retry-After: 3600\r\n");
  settings.fault = [=](const Request&) { return wait_longer; };
  start(settings);
  const std::size_t waits = time_.waits().size();
  const Error asked = failed_push();
  EXPECT_EQ(asked.code(), Errc::kUnreachable);
  EXPECT_THAT(asked.detail(), HasSubstr("the server asks to wait for 60 min"));
  EXPECT_EQ(time_.waits().size(), waits) << "an hour is more than it would wait";
}

TEST_F(PushResume, GivesUpAServerThatTakesBytesAndKeepsNone) {
  make_file(1'000);
  UploadServer::Settings settings;
  settings.fault = [](const Request& request) {
    Fault lossy = cut(500);
    lossy.forget = true;
    return request.method == "PATCH" ? lossy : Fault{};
  };
  start(settings);
  EXPECT_EQ(failed_push().code(), Errc::kUnreachable);
}

TEST_F(PushResume, NoRetryWhenToldSo) {
  make_file(1'000);
  start(patch_fault(0, cut(400)));
  options_.retry_for = milliseconds(0);
  const Error error = failed_push();
  EXPECT_EQ(error.code(), Errc::kUnreachable);
  EXPECT_TRUE(time_.waits().empty());
  EXPECT_THAT(notes_, IsEmpty());
}

TEST_F(PushResume, AnOffsetThatTheServerDisputesIsAskedFor) {
  make_file(1'000);
  start(patch_fault(0, answer(409)));
  expect_pushed();
  EXPECT_EQ(server_->count("HEAD"), 1U);
  EXPECT_TRUE(time_.waits().empty());

  UploadServer::Settings settings;  // a server that never agrees with itself
  settings.fault = [](const Request& request) {
    return request.method == "PATCH" ? answer(409) : Fault{};
  };
  start(settings);
  EXPECT_EQ(failed_push().code(), Errc::kUnreachable);
}

TEST_F(PushResume, ALockedUploadIsWaitedFor) {
  make_file(1'000);
  start(patch_fault(0, answer(423)));
  expect_pushed();
}

TEST_F(PushResume, WhenTheServerRestarts) {
  make_file(500'000);
  Fault stall = cut(200'000);
  stall.stall = true;
  start(patch_fault(0, stall));
  options_.time = &real_time();
  std::thread restart([this] {
    ASSERT_TRUE(server_->wait_for_bytes(200'000));
    server_->stop();
    std::this_thread::sleep_for(milliseconds(300));  // connections are refused for a while
    server_->start();
  });
  const auto image = push();
  restart.join();
  ASSERT_TRUE(image) << image.error().message();
  expect_image(*image);
  EXPECT_EQ(server_->received(), content_.size());
}

TEST_F(PushResume, WhenTheServerHasForgottenTheUpload) {
  make_file(10'000);
  Fault lose = cut(4'000);
  lose.lose = true;
  start(patch_fault(0, lose));
  expect_pushed();
  EXPECT_THAT(notes_, Contains("the server does not have the upload any more, starting over"));

  UploadServer::Settings settings;  // 410 instead of 404, on HEAD
  settings.fault = [](const Request& request) {
    if (request.method == "PATCH" && request.index == 1) return cut(4'000);
    const bool first = request.target.ends_with("/0");
    return first && (request.method == "HEAD" || request.method == "GET") ? answer(410) : Fault{};
  };
  start(settings);
  expect_pushed();
}

TEST_F(PushResume, AServerThatForgetsForEverIsGivenUp) {
  make_file(1'000);
  UploadServer::Settings settings;
  settings.fault = [](const Request& request) {
    Fault fault;
    fault.lose = request.method == "PATCH";
    return fault;
  };
  start(settings);
  EXPECT_EQ(failed_push().code(), Errc::kNotFound);
  EXPECT_EQ(server_->count("POST"), 6U);
}

// ---- another run of the command

TEST_F(PushResume, AnotherRunGoesOn) {
  make_file(2 * kMiB + 1);
  for (const std::uint64_t bytes : {std::uint64_t{0}, std::uint64_t{1}, kMiB - 1, kMiB, 2 * kMiB}) {
    interrupt_a_push(bytes);
    const auto files = state_files();
    ASSERT_THAT(files, SizeIs(1));
    struct stat found {};
    ASSERT_EQ(::stat(files[0].c_str(), &found), 0);
    EXPECT_EQ(found.st_mode & 0777, 0600U) << "it has the upload's token";
    expect_pushed();
    EXPECT_THAT(patches(), ElementsAre(0U, bytes));
    EXPECT_EQ(server_->count("POST"), 1U);
    EXPECT_THAT(notes_, ElementsAre(HasSubstr("(server has it)")));
  }
}

TEST_F(PushResume, WhatMayBeMendedKeepsTheUpload) {
  make_file(10'000);
  for (const int status : {400, 401, 403, 501, 507}) {
    Fault refusal = answer(status);
    start(patch_fault(0, refusal));
    EXPECT_THAT(failed_push().detail(), HasSubstr("run the same command again to resume"));
    EXPECT_EQ(server_->count("DELETE"), 0U);
    expect_pushed();
    EXPECT_EQ(server_->count("POST"), 1U) << status;
  }
}

TEST_F(PushResume, AnotherRunFindsItComplete) {
  make_file(10'000);
  for (const std::size_t polls : {0U, 3U}) {
    UploadServer::Settings settings;
    settings.verifying_polls = polls;
    auto away = std::make_shared<std::atomic<bool>>(true);  // shared with the test
    settings.fault = [=](const Request& request) {
      return request.method == "GET" && *away ? answer(503) : Fault{};
    };
    start(settings);
    options_.retry_for = milliseconds(0);
    EXPECT_EQ(failed_push().code(), Errc::kUnreachable);
    *away = false;
    expect_pushed();
    EXPECT_EQ(server_->count("PATCH"), 1U);
  }
}

TEST_F(PushResume, AResumedPushComparesTheWholeFile) {
  make_file(10'000);
  interrupt_a_push(5'000);
  // Somebody changes the part that is sent, and sets the time back.
  struct stat before {};
  ASSERT_EQ(::stat(path_.c_str(), &before), 0);
  std::fstream file(path_, std::ios::in | std::ios::out | std::ios::binary);
  file.seekp(100);
  file.put(static_cast<char>(content_[100] ^ 1));
  file.close();
  const timespec times[2] = {before.st_atim, before.st_mtim};
  ASSERT_EQ(::utimensat(AT_FDCWD, path_.c_str(), times, 0), 0);
  EXPECT_EQ(failed_push().code(), Errc::kVerification);
}

TEST_F(PushResume, AChangedFileStartsOver) {
  for (const bool replaced : {false, true}) {
    make_file(10'000);
    interrupt_a_push(5'000);
    if (replaced) std::filesystem::remove(path_);
    write_file(random_content(10'001, 7));
    expect_pushed();
    EXPECT_THAT(notes_, Contains(HasSubstr("the file has changed")));
    EXPECT_EQ(server_->count("DELETE"), 1U) << "the old upload is ended";
  }
}

TEST_F(PushResume, AFileThatChangesMeanwhileIsNoticed) {
  make_file(3 * kMiB);
  UploadServer::Settings settings;
  settings.fault = [this](const Request& request) {
    if (request.method == "PATCH") std::ofstream(path_, std::ios::app) << "more";
    return Fault{};
  };
  start(settings);
  const Error error = failed_push();
  EXPECT_EQ(error.code(), Errc::kVerification) << error.message();
  EXPECT_THAT(error.detail(), HasSubstr("changed while it was sent"));
  EXPECT_THAT(state_files(), IsEmpty());
}

TEST_F(PushResume, OtherOptionsOrAnotherServerAreAnotherUpload) {
  make_file(10'000);
  interrupt_a_push(5'000);
  const auto first = std::move(server_);
  start();
  ASSERT_TRUE(push()) << "another server";
  EXPECT_EQ(patches(), std::vector<std::uint64_t>{0});
  for (const std::string& file : state_files()) std::filesystem::remove(file);

  interrupt_a_push(5'000);
  options_.name = "other";
  ASSERT_TRUE(push());
  EXPECT_THAT(patches(), ElementsAre(0U, 0U));
  options_.name.clear();
  ASSERT_TRUE(push());
  EXPECT_THAT(patches(), ElementsAre(0U, 0U, 5'000U)) << "the first one is still known";
}

TEST_F(PushResume, TwoPushesOfOneFileDoNotShareAnUpload) {
  make_file(100'000);
  Fault stall = cut(50'000);
  stall.stall = true;
  start(patch_fault(0, stall));
  std::thread first([this] {
    PushOptions options = options_;
    options.note = {};
    options.retry_for = milliseconds(0);
    EXPECT_FALSE(client::push(endpoint(), path_, options));
  });
  ASSERT_TRUE(server_->wait_for_bytes(50'000));
  const auto image = push();
  ASSERT_TRUE(image) << image.error().message();
  EXPECT_THAT(notes_, ElementsAre(HasSubstr("another push of the same file runs")));
  EXPECT_EQ(server_->images(), std::vector<std::string>{content_});
  stop_.request_stop();
  first.join();
  EXPECT_EQ(state_files().size(), 1U) << "the first one can still be resumed";
}

TEST_F(PushResume, DamagedAndNewerStatesAreLeftAside) {
  make_file(10'000);
  interrupt_a_push(5'000);
  const std::string path = state_files().at(0);
  std::ofstream(path, std::ios::trunc) << "{\"version\":1,";
  ASSERT_TRUE(push());
  EXPECT_THAT(notes_, Contains(HasSubstr("damaged; starting over")));

  interrupt_a_push(5'000);
  const std::string newer = state_files().at(0);
  std::ofstream(newer, std::ios::trunc) << R"({"version":2,"what":"ever"})";
  ASSERT_TRUE(push());
  EXPECT_THAT(notes_, Contains(HasSubstr("newer strata (state version 2)")));
  EXPECT_THAT(state_files(), ElementsAre(newer)) << "it is the newer version's";
}

TEST_F(PushResume, WithoutAPlaceForItsStateItSaysSo) {
  make_file(10'000);
  options_.state_folder = path_ + "/below-a-file";
  start(patch_fault(0, cut(5'000)));
  const auto image = push();
  ASSERT_TRUE(image) << image.error().message();
  EXPECT_THAT(notes_, Contains(HasSubstr("cannot be resumed if it is interrupted")));

  start(patch_fault(0, answer(401)));
  EXPECT_EQ(failed_push().code(), Errc::kUnauthorized);
  EXPECT_EQ(server_->open_uploads(), 0U) << "nobody will ask for it";
}

TEST_F(PushResume, OldStatesAreTidiedAway) {
  make_file(10'000);
  start();
  PushState old;
  old.origin = "http://gone.example";
  old.path = "/gone";
  old.upload = "/v1/uploads/1";
  old.parts = {{"/v1/uploads/1", 0, 0}};
  old.created = SystemClock().now() - 29LL * 24 * 3600 * 1000;
  ASSERT_TRUE((*PushStateFile::open(options_.state_folder, old))->save(old));
  ASSERT_TRUE(push());
  EXPECT_EQ(state_files().size(), 1U);
  old.created -= 2LL * 24 * 3600 * 1000;
  ASSERT_TRUE((*PushStateFile::open(options_.state_folder, old))->save(old));
  ASSERT_TRUE(push());
  EXPECT_THAT(state_files(), IsEmpty());
}

}  // namespace
}  // namespace strata::client
