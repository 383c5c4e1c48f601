#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "storage/client/push_state.h"
#include "storage/client/upload_api.h"
#include "storage/client/upload_metadata.h"

namespace strata::client {
namespace {

using State = UploadStatus::State;

PushState sample() {
  PushState state;
  state.origin = "http://127.0.0.1:8080";
  state.path = "/images/disk \"1\".raw";
  state.file = {18'446'744'073'709'551'615U, 2, 10, -5};
  state.metadata = "filename ZGlzaw==";
  state.created = 1'764'000'000'000;
  state.upload = "/v1/uploads/c";
  state.parts = {{"/v1/uploads/a", 0, 6}, {"/v1/uploads/b", 6, 4}};
  return state;
}

TEST(PushState, ComesBackFromItsJson) {
  const PushState state = sample();
  const std::string json = to_json(state);
  EXPECT_EQ(json,
            R"({"version":1,"origin":"http://127.0.0.1:8080","path":"/images/disk \"1\".raw",)"
            R"("device":18446744073709551615,"inode":2,"size":10,"mtime_ns":-5,)"
            R"("metadata":"filename ZGlzaw==","created":"2025-11-24T16:00:00Z",)"
            R"("upload":"/v1/uploads/c","parts":[["/v1/uploads/a",0,6],["/v1/uploads/b",6,10]]})");
  const auto back = push_state_from_json(json);
  ASSERT_TRUE(back);
  EXPECT_EQ(to_json(*back), json);
  EXPECT_EQ(back->parts, state.parts);
  EXPECT_EQ(back->file, state.file);
}

TEST(PushState, WhatIsNoneIsRefused) {
  const std::string good = to_json(sample());
  const auto with = [&](const std::string& old, const std::string& replacement) {
    std::string text = good;
    const std::size_t at = text.find(old);
    EXPECT_NE(at, std::string::npos) << old;
    return text.replace(at, old.size(), replacement);
  };
  for (const std::string& text :
       {std::string(), std::string("[]"), std::string("{}"), good.substr(0, good.size() / 2),
        with("\"version\":1", "\"version\":0"), with("\"version\":1", "\"version\":\"1\""),
        with("\"inode\":2", "\"inode\":-2"), with("\"size\":10", "\"size\":9"),
        with("\"size\":10", "\"size\":11"), with("0,6]", "0,5]"), with("0,6]", "1,6]"),
        with("[\"/v1/uploads/b\",6,10]", ""), with("\"/v1/uploads/a\",0", "\"elsewhere\",0"),
        with("\"/v1/uploads/c\"", "\"\""), with("2025-11-24T16:00:00Z", "now"),
        with("\"parts\":[[",
             "\"parts\":[["
             "7],["),
        with("\"origin\"", "\"origami\"")}) {
    const auto state = push_state_from_json(text);
    ASSERT_FALSE(state) << text;
    EXPECT_EQ(state.error().code(), Errc::kMalformed) << text;
  }
  EXPECT_EQ(push_state_from_json(R"({"version":2})").error().code(), Errc::kUsage);
}

TEST(UploadStatus, OfEachState) {
  EXPECT_EQ(parse_upload_status(R"({"state":"receiving","offset":1,"image":null})")->state,
            State::kReceiving);
  EXPECT_EQ(parse_upload_status(R"({"state":"verifying"})")->state, State::kVerifying);
  const auto complete =
      parse_upload_status(R"({"state":"complete","image":"0192f0c1-2345-7abc-8def-0123456789ab"})");
  EXPECT_EQ(complete->image->text(), "0192f0c1-2345-7abc-8def-0123456789ab");
  EXPECT_FALSE(parse_upload_status(R"({"state":"complete","image":null})")->image) << "a part";
  const auto failed = parse_upload_status(
      R"({"state":"failed","error":{"type":"size-mismatch","detail":"5 of 6"}})");
  EXPECT_EQ(failed->error->code(), Errc::kSizeMismatch);
  EXPECT_EQ(failed->error->detail(), "5 of 6");
  EXPECT_TRUE(parse_upload_status(R"({"state":"failed","error":null})")->error);
}

TEST(UploadStatus, WhatIsNone) {
  for (const char* text : {"", "[]", "{}", R"({"state":"other"})", R"({"state":1})",
                           R"({"state":"complete","image":"../../x"})", "an image's bytes"}) {
    EXPECT_EQ(parse_upload_status(text).error().code(), Errc::kMalformed) << text;
  }
}

TEST(UploadMetadata, IsInAFixedOrder) {
  PushOptions options;
  options.tags = {"b", "a"};
  options.metadata = {{"os", "Debian"}, {"description", ""}};
  options.expected.bytes = 7;
  EXPECT_EQ(
      *upload_metadata("disk", options),
      "filename ZGlzaw==,visibility cHJpdmF0ZQ==,tags Yixh,description,os RGViaWFu,bytes Nw==");
  options.is_public = true;
  EXPECT_THAT(*upload_metadata("disk", options), testing::HasSubstr("visibility cHVibGlj"));
}

TEST(UploadMetadata, WhatNoServerWouldTake) {
  PushOptions options;
  EXPECT_EQ(upload_metadata("", options).error().code(), Errc::kUsage);
  for (const char* key : {"", "a b", "a,b", "a\r\nb"}) {
    options.metadata = {{key, "x"}};
    EXPECT_EQ(upload_metadata("disk", options).error().code(), Errc::kUsage) << key;
  }
}

}  // namespace
}  // namespace strata::client
