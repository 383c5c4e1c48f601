#include "storage/client/push.h"

#include "strata/base/text.h"
#include "tests/support/image_document.h"
#include "tests/support/push_fixture.h"

// Uploading to a server that behaves, and errors that no retry mends.
namespace strata::client {
namespace {

using test::UploadServer;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

class Push : public test::PushFixture {};

TEST_F(Push, SendsTheFileAndWhatIsSaidOfIt) {
  make_file(3'000'001);
  start();
  options_.is_public = true;
  options_.metadata = {{"os", "Debian"}, {"title", "a & b=c"}, {"description", ""}};
  options_.tags = {"web", "ö"};
  options_.expected.sha256 = digest::digest_of(content_).sha256;
  std::uint64_t last = 0;
  const auto image = push([&](std::uint64_t done, std::uint64_t total) {
    EXPECT_GE(done, last);
    EXPECT_EQ(total, content_.size());
    last = done;
  });
  ASSERT_TRUE(image) << image.error().message();
  expect_image(*image);
  EXPECT_EQ(last, content_.size());
  EXPECT_EQ(server_->count("POST"), 1U);
  EXPECT_EQ(server_->count("PATCH"), 1U);
  EXPECT_EQ(server_->count("HEAD"), 0U);
  const std::map<std::string, std::string> said = {
      {"filename", "disk.qcow2"},
      {"visibility", "public"},
      {"os", "Debian"},
      {"title", "a & b=c"},
      {"description", ""},
      {"tags", "web,ö"},
      {"sha-256", digest::digest_of(content_).sha256.hex()}};
  EXPECT_EQ(server_->metadata(), said);
  EXPECT_THAT(notes_, IsEmpty());
}

TEST_F(Push, TheImageIsTheServersTextUnchanged) {
  make_file(10);
  start();
  EXPECT_EQ(push()->json,
            test::image_document(content_, "disk", "0192f0c1-2345-7abc-8def-000000000000"));
}

TEST_F(Push, AnyNameAndAnEmptyFile) {
  make_file(0);
  start();
  options_.name = "a/b?c#d %2f ä,=";
  expect_pushed();
  EXPECT_EQ(server_->metadata()["filename"], options_.name);
  EXPECT_EQ(server_->count("PATCH"), 0U);
}

TEST_F(Push, TheLocationMayNameAnotherHost) {
  make_file(1000);
  UploadServer::Settings settings;
  settings.public_url = "https://images.example:8444";
  start(settings);
  expect_pushed();
}

TEST_F(Push, WaitsWhileTheServerVerifies) {
  make_file(1000);
  UploadServer::Settings settings;
  settings.verifying_polls = 8;
  start(settings);
  expect_pushed();
  using std::chrono::milliseconds;
  const std::vector<milliseconds> waits = {
      milliseconds(50),  milliseconds(100),  milliseconds(200),  milliseconds(400),
      milliseconds(800), milliseconds(1000), milliseconds(1000), milliseconds(1000)};
  EXPECT_EQ(time_.waits(), waits);
}

TEST_F(Push, AServerThatStoredOtherBytesIsFoundOut) {
  write_file("the bytes");
  for (const char* other : {"the bYtes", "the bytes and more"}) {
    UploadServer::Settings settings;
    settings.answer_about = other;
    start(settings);
    EXPECT_EQ(failed_push().code(), Errc::kVerification);
    EXPECT_THAT(state_files(), IsEmpty());
    options_.verify = false;
    start(settings);
    EXPECT_EQ(push().has_value(), content_.size() == settings.answer_about.size())
        << "the size costs nothing to compare";
    options_.verify = true;
  }
}

TEST_F(Push, ARefusalEndsItAtOnce) {
  make_file(1000);
  struct Case {
    const char* method;
    int status;
    Errc code;
  };
  for (const Case& one : {Case{"POST", 400, Errc::kMalformed},
                          {"POST", 401, Errc::kUnauthorized},
                          {"POST", 403, Errc::kForbidden},
                          {"POST", 404, Errc::kNotFound},
                          {"POST", 412, Errc::kPreconditionFailed},
                          {"POST", 413, Errc::kTooLarge},
                          {"PATCH", 401, Errc::kUnauthorized},
                          {"PATCH", 403, Errc::kForbidden},
                          {"PATCH", 413, Errc::kTooLarge},
                          {"PATCH", 415, Errc::kUnsupportedMedia},
                          {"PATCH", 422, Errc::kDigestMismatch},
                          {"PATCH", 507, Errc::kNoSpace},
                          {"GET", 401, Errc::kUnauthorized}}) {
    UploadServer::Settings settings;
    settings.fault = [&](const Request& request) {
      return request.method == one.method ? answer(one.status) : Fault{};
    };
    start(settings);
    EXPECT_EQ(failed_push().code(), one.code) << one.method << " " << one.status;
    EXPECT_EQ(server_->count(one.method), 1U) << one.method << " " << one.status;
    for (const std::string& file : state_files()) std::filesystem::remove(file);
  }
  EXPECT_TRUE(time_.waits().empty());
}

TEST_F(Push, WhatIsRefusedForGoodIsForgotten) {
  make_file(1000);
  const std::string type = "Content-Type: application/problem+json\r\n";
  start(patch_fault(0, answer(413, type, R"({"type":"too-large","detail":"at most 5 bytes"})")));
  const Error error = failed_push();
  EXPECT_EQ(error.code(), Errc::kTooLarge);
  EXPECT_EQ(error.detail(), "at most 5 bytes");
  EXPECT_THAT(state_files(), IsEmpty());
  EXPECT_EQ(server_->count("DELETE"), 1U);
  EXPECT_EQ(server_->open_uploads(), 0U);
}

TEST_F(Push, AFailureOfProcessingComesBackAsItself) {
  make_file(1000);
  UploadServer::Settings settings;
  settings.failure = R"({"type": "corrupt-xz", "detail": "block 3 at offset 77"})";
  for (const bool answer_is_lost : {false, true}) {
    if (answer_is_lost) {
      Fault mute;
      mute.mute = true;
      settings.fault = patch_fault(0, mute).fault;
    }
    start(settings);
    const Error error = failed_push();
    EXPECT_EQ(error.code(), Errc::kCorruptXz);
    EXPECT_EQ(error.detail(), "block 3 at offset 77");
    EXPECT_THAT(state_files(), IsEmpty());
  }
}

TEST_F(Push, WhatIsWrongHereReachesNoServer) {
  make_file(1);
  start();
  EXPECT_EQ(client::push(endpoint(), directory_.path() + "/none", options_).error().code(),
            Errc::kNotFound);
  EXPECT_EQ(client::push(endpoint(), directory_.path(), options_).error().code(), Errc::kUsage);
  options_.tags = {"a,b"};
  EXPECT_EQ(failed_push().code(), Errc::kUsage);
  options_.tags.clear();
  options_.metadata = {{"a key", "x"}};
  EXPECT_EQ(failed_push().code(), Errc::kUsage);
  EXPECT_TRUE(server_->requests().empty());
}

TEST_F(Push, StopEndsItAndSaysHowToGoOn) {
  make_file(100'000);
  Fault stall = cut(60'000);
  stall.stall = true;
  UploadServer::Settings settings = patch_fault(0, stall);
  start(settings);
  std::thread stopper([this] {
    EXPECT_TRUE(server_->wait_for_bytes(60'000));
    stop_.request_stop();
  });
  const Error error = failed_push();
  stopper.join();
  EXPECT_EQ(error.code(), Errc::kCancelled);
  EXPECT_THAT(error.detail(), HasSubstr("run the same command again to resume"));
  EXPECT_EQ(state_files().size(), 1U);
}

}  // namespace
}  // namespace strata::client
