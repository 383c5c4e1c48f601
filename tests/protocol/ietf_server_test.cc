// Resumable uploads of the IETF (draft-ietf-httpbis-resumable-upload-12) as clients speak it,
// against a whole daemon. Older drafts, digests and 100-continue: ietf_dialects_test.cc.
#include <gtest/gtest.h>

#include <boost/json.hpp>

#include "strata/http/problem.h"
#include "tests/support/upload_daemon.h"

namespace strata::test {
namespace {

class IetfServerTest : public UploadDaemonTest {
 protected:
  const std::string bytes_ = pattern(2'000'000);
  const std::string_view all_ = bytes_;
};

TEST_F(IetfServerTest, A104NamesTheUploadBeforeTheAnswer) {
  config.limits.stored_bytes_max = 5'000'000;
  config.limits.upload_idle_max = std::chrono::seconds(3600);
  start();
  RawSocket socket = hang("POST", "/v1/uploads", {{"Upload-Complete", "?1"}}, "", bytes_.size());
  const Reply interim = socket.read_reply();  // before a byte of content
  ASSERT_EQ(interim.status, 104) << interim.head;
  const std::string location = interim.field("Location");
  EXPECT_TRUE(location.starts_with(url() + "/v1/uploads/")) << location;
  EXPECT_EQ(interim.field("Upload-Limit"), "max-size=5000000, max-age=3600");
  EXPECT_EQ(interim.field("Upload-Offset"), "");
  EXPECT_EQ(interim.field("Content-Length"), "");
  EXPECT_TRUE(socket.send(bytes_));
  const Reply done = final_reply(socket);
  ASSERT_EQ(done.status, 201) << done.body;
  EXPECT_EQ(done.field("Upload-Complete"), "?1");
  EXPECT_EQ(done.field("Upload-Offset"), "2000000");
  const std::string image(boost::json::parse(done.body).at("id").as_string());
  EXPECT_EQ(done.field("Location"), url() + "/v1/images/" + image);
  EXPECT_TRUE(image_bytes(image) == bytes_);
}

// The same when the first request is an ordinary PUT (URLSession of Apple adds the field to any).
TEST_F(IetfServerTest, AnOrdinaryPutCanBeResumed) {
  start();
  RawSocket socket = hang("PUT", "/v1/upload/disk.img", {{"Upload-Complete", "?1"}},
                          all_.substr(0, 500'000), bytes_.size());
  const Reply interim = socket.read_reply();
  ASSERT_EQ(interim.status, 104);
  const std::string location = interim.field("Location");
  wait_for_bytes(500'000);
  socket.reset();
  EXPECT_EQ(offset_of(location), 500'000u);
  const Reply done = ietf_patch(location, 500'000, true, all_.substr(500'000));
  ASSERT_EQ(done.status, 201) << done.body;
  EXPECT_EQ(boost::json::parse(done.body).at("name").as_string(), "disk.img");
  EXPECT_TRUE(image_bytes(done.field("Strata-Image")) == bytes_);
}

TEST_F(IetfServerTest, NoInterimAnswerForHttp10) {
  start();
  RawSocket socket = connect();
  socket.send(
      head("POST", "/v1/uploads", {{"Upload-Complete", "?1"}, {"Content-Length", "3"}}, "1.0") +
      "abc");
  const Reply first = socket.read_reply();
  EXPECT_EQ(first.status, 201) << first.head;
  const std::string location = ietf_create();
  RawSocket patch = connect();
  patch.send(head("PATCH", location.substr(url().size()),
                  {{"Upload-Complete", "?1"},
                   {"Upload-Offset", "0"},
                   {"Content-Type", "application/partial-upload"},
                   {"Content-Length", "3"}},
                  "1.0") +
             "abc");
  EXPECT_EQ(patch.read_reply().status, 201);
}

// Each offset that has become durable is told while bytes are still coming, without a Location.
TEST_F(IetfServerTest, ProgressIsTold) {
  config.limits.upload_checkpoint_bytes = 100'000;
  start();
  const std::string all = pattern(8 << 20, 7);
  const std::string location = ietf_create();
  RawSocket patch = hang("PATCH", location,
                         {{"Content-Type", "application/partial-upload"},
                          {"Upload-Offset", "0"},
                          {"Upload-Complete", "?1"}},
                         "", all.size());
  std::uint64_t told = 0;
  std::vector<Reply> interims;
  std::size_t sent = 0;
  patch.patience = std::chrono::milliseconds(5);
  while (sent < all.size() - 200'000) {
    EXPECT_TRUE(patch.send(std::string_view(all).substr(sent, 100'000)));
    sent += 100'000;
    Reply interim = patch.read_reply();
    if (interim.status == 0) continue;
    EXPECT_LE(std::stoull(interim.field("Upload-Offset")), sent);
    interims.push_back(std::move(interim));
  }
  EXPECT_FALSE(interims.empty());
  patch.patience = std::chrono::seconds(10);
  EXPECT_TRUE(patch.send(std::string_view(all).substr(sent)));
  const Reply done = final_reply(patch, &interims);
  ASSERT_EQ(done.status, 201) << done.body;
  for (const Reply& each : interims) {
    EXPECT_EQ(each.status, 104);
    EXPECT_EQ(each.field("Location"), "");
    EXPECT_GT(std::stoull(each.field("Upload-Offset")), told);
    told = std::stoull(each.field("Upload-Offset"));
  }
  EXPECT_TRUE(image_bytes(done.field("Strata-Image")) == all);
}

// The same Location in each answer to the creation.
TEST_F(IetfServerTest, AnIncompleteCreationKeepsItsLocation) {
  start();
  std::vector<Reply> interims;
  const Reply made = ask("POST", "/v1/uploads", {{"Upload-Complete", "?0"}}, bytes_, &interims);
  ASSERT_EQ(made.status, 201) << made.body;
  ASSERT_FALSE(interims.empty());
  EXPECT_EQ(made.field("Location"), interims[0].field("Location"));
  EXPECT_EQ(made.field("Upload-Complete"), "?0");
  EXPECT_EQ(made.field("Upload-Offset"), "2000000");
  EXPECT_NE(made.field("Upload-Limit"), "");
}

// "Careful creation": an empty POST, whose Location is in the final answer for who never sees 104.
TEST_F(IetfServerTest, CarefulCreationAndAppends) {
  start();
  const Reply made = ask("POST", "/v1/uploads",
                         {{"Upload-Complete", "?0"},
                          {"Upload-Length", "2000000"},
                          {"Content-Disposition", "attachment; filename=\"a b.img\""}});
  ASSERT_EQ(made.status, 201);
  EXPECT_EQ(made.field("Upload-Complete"), "?0");
  EXPECT_EQ(made.field("Upload-Offset"), "0");
  EXPECT_NE(made.field("Upload-Limit"), "");
  const std::string location = made.field("Location");
  Reply reply = ietf_patch(location, 0, false, all_.substr(0, 777'777));
  EXPECT_EQ(reply.status, 204) << reply.body;
  EXPECT_EQ(reply.field("Upload-Complete"), "?0");
  EXPECT_EQ(reply.field("Upload-Offset"), "777777");
  EXPECT_EQ(reply.field("Location"), "");

  reply = ask("HEAD", location, {});
  EXPECT_EQ(reply.status, 204);
  EXPECT_EQ(reply.field("Upload-Offset"), "777777");
  EXPECT_EQ(reply.field("Upload-Complete"), "?0");
  EXPECT_EQ(reply.field("Upload-Length"), "2000000");
  EXPECT_NE(reply.field("Upload-Limit"), "");
  EXPECT_EQ(reply.field("Cache-Control"), "no-store");
  EXPECT_EQ(reply.field("Tus-Resumable"), "");

  reply = ietf_patch(location, 777'777, true, all_.substr(777'777));
  ASSERT_EQ(reply.status, 201) << reply.body;
  EXPECT_EQ(reply.field("Upload-Complete"), "?1");
  EXPECT_EQ(boost::json::parse(reply.body).at("name").as_string(), "a b.img");
  reply = ask("HEAD", location, {});
  EXPECT_EQ(reply.field("Upload-Offset"), "2000000");
  EXPECT_EQ(reply.field("Upload-Complete"), "?1");
}

// Without a length, the last append says where the end is: also an empty one.
TEST_F(IetfServerTest, TheLengthMayBeKnownAtTheEndOnly) {
  start();
  const std::string location = ietf_create();
  EXPECT_EQ(ask("HEAD", location, {}).field("Upload-Length"), "");
  EXPECT_EQ(ietf_patch(location, 0, false, "abc").status, 204);
  const Reply done = ietf_patch(location, 3, true, "");
  ASSERT_EQ(done.status, 201) << done.body;
  EXPECT_EQ(image_bytes(done.field("Strata-Image")), "abc");

  const std::string chunked = ietf_create();
  const Reply other =
      ietf_patch(chunked, 0, true, "2\r\nab\r\n0\r\n\r\n", {{"Transfer-Encoding", "chunked"}});
  ASSERT_EQ(other.status, 201) << other.body;
  EXPECT_EQ(image_bytes(other.field("Strata-Image")), "ab");

  const Reply empty = ask("POST", "/v1/uploads", {{"Upload-Complete", "?1"}});
  ASSERT_EQ(empty.status, 201) << empty.body;
  EXPECT_EQ(image_bytes(empty.field("Strata-Image")), "");
}

TEST_F(IetfServerTest, AWrongOffsetIsToldTheRightOne) {
  start();
  const std::string location = ietf_create({{"Upload-Length", "10"}});
  EXPECT_EQ(ietf_patch(location, 0, false, "01234").status, 204);
  for (const std::uint64_t offset : {0u, 4u, 6u, 9u, 999'999'999u}) {
    const Reply reply = ietf_patch(location, offset, false, "x");
    EXPECT_EQ(reply.status, 409) << offset << reply.body;
    EXPECT_EQ(reply.field("Upload-Offset"), "5");
    EXPECT_EQ(reply.field("Upload-Complete"), "?0");
    EXPECT_EQ(reply.field("Content-Type"), "application/problem+json");
    EXPECT_EQ(problem_type(reply), http::kMismatchingOffsetType);
    const auto problem = boost::json::parse(reply.body);
    EXPECT_EQ(problem.at("expected-offset").to_number<std::uint64_t>(), 5u);
    EXPECT_EQ(problem.at("provided-offset").to_number<std::uint64_t>(), offset);
  }
  const Reply done = ietf_patch(location, 5, true, "56789");
  EXPECT_EQ(image_bytes(done.field("Strata-Image")), "0123456789");
}

// Two lengths for one upload: it is given up, whichever way they contradict each other.
TEST_F(IetfServerTest, AnInconsistentLengthInvalidatesTheUpload) {
  start();
  const auto expect_refused = [&](const Reply& reply, const std::string& what) {
    EXPECT_EQ(reply.status, 400) << what << reply.body;
    EXPECT_EQ(problem_type(reply), http::kInconsistentLengthType) << what;
  };
  expect_refused(
      ask("POST", "/v1/uploads", {{"Upload-Complete", "?1"}, {"Upload-Length", "4"}}, "abc"),
      "creation");
  const auto expect_gone = [&](const std::string& location, const std::string& what) {
    const int status = ask("HEAD", location, {}).status;
    EXPECT_TRUE(status == 404 || status == 410) << what << " " << status;
  };
  std::string location = ietf_create({{"Upload-Length", "10"}});
  expect_refused(ietf_patch(location, 0, true, "012345678"), "ends below");
  expect_gone(location, "ends below");
  location = ietf_create({{"Upload-Length", "10"}});
  expect_refused(ietf_patch(location, 0, false, "0123456789x"), "beyond");
  expect_gone(location, "beyond");
  location = ietf_create({{"Upload-Length", "10"}});
  expect_refused(ietf_patch(location, 0, false, "01", {{"Upload-Length", "11"}}), "another length");
  expect_gone(location, "another length");
  location = ietf_create();
  expect_refused(ietf_patch(location, 0, true, "01", {{"Upload-Length", "3"}}), "in one request");
  expect_gone(location, "in one request");
  EXPECT_EQ(image_count(), 0u);
}

// The same when only the bytes themselves show it: no Content-Length.
TEST_F(IetfServerTest, ChunksBeyondTheLengthInvalidateTheUpload) {
  start();
  const std::string beyond = "b\r\n0123456789x\r\n0\r\n\r\n";
  const std::string below = "3\r\n012\r\n0\r\n\r\n";
  const Fields chunked = {{"Transfer-Encoding", "chunked"}};
  for (const bool complete : {false, true}) {
    const std::string location = ietf_create({{"Upload-Length", "10"}});
    const Reply reply = ietf_patch(location, 0, complete, beyond, chunked);
    EXPECT_EQ(reply.status / 100, 4) << reply.head;
    EXPECT_NE(settled_state(location), "complete");
    const int status = ask("HEAD", location, {}).status;
    EXPECT_TRUE(status == 404 || status == 410) << status;
  }
  const std::string location = ietf_create({{"Upload-Length", "10"}});
  const Reply reply = ietf_patch(location, 0, true, below, chunked);
  EXPECT_EQ(reply.status, 400) << reply.body;
  const int status = ask("HEAD", location, {}).status;
  EXPECT_TRUE(status == 404 || status == 410) << status;
  const Reply created =
      ask("POST", "/v1/uploads", {{"Upload-Complete", "?1"}, {"Upload-Length", "10"}, chunked[0]},
          beyond);
  EXPECT_EQ(created.status / 100, 4) << created.head;
  EXPECT_EQ(image_count(), 0u);
}

TEST_F(IetfServerTest, ACompleteUploadTakesNoMore) {
  start();
  const std::string location = ietf_create({{"Upload-Length", "3"}});
  EXPECT_EQ(ietf_patch(location, 0, true, "abc").status, 201);
  Reply reply = ietf_patch(location, 3, false, "d");
  EXPECT_EQ(reply.status, 400);
  EXPECT_EQ(problem_type(reply), http::kInconsistentLengthType);
  reply = ietf_patch(location, 3, false, "");
  EXPECT_EQ(reply.status, 410);
  EXPECT_EQ(problem_type(reply), http::kCompletedUploadType);
  EXPECT_EQ(reply.field("Upload-Complete"), "?1");
  // An empty last append asks for the answer that was lost.
  reply = ietf_patch(location, 3, true, "");
  EXPECT_EQ(reply.status, 201);
  EXPECT_EQ(image_bytes(reply.field("Strata-Image")), "abc");
  EXPECT_EQ(image_count(), 1u);
}

TEST_F(IetfServerTest, LimitsAreToldWithEachRefusal) {
  config.limits.stored_bytes_max = 10;
  start();
  for (const Fields& fields : {Fields{{"Upload-Complete", "?0"}, {"Upload-Length", "11"}},
                               Fields{{"Upload-Complete", "?0"}, {"Content-Length", "11"}},
                               Fields{{"Upload-Complete", "?1"}, {"Content-Length", "11"}}}) {
    const Reply reply = ask("POST", "/v1/uploads", fields,
                            fields[1].first == "Content-Length" ? "0123456789x" : "");
    EXPECT_EQ(reply.status, 413) << reply.head;
    EXPECT_TRUE(reply.field("Upload-Limit").starts_with("max-size=10,")) << reply.head;
  }
  const Reply options = ask("OPTIONS", "/v1/uploads", {});
  EXPECT_EQ(options.field("Accept-Patch"), "application/partial-upload");
  EXPECT_TRUE(options.field("Upload-Limit").starts_with("max-size=10,"));
}

TEST_F(IetfServerTest, DeleteCancels) {
  start();
  const std::string location = ietf_create({{"Upload-Length", "10"}});
  EXPECT_EQ(ietf_patch(location, 0, false, "01234").status, 204);
  EXPECT_EQ(ask("DELETE", location, {}).status, 204);
  for (const std::string method : {"HEAD", "GET", "DELETE"}) {
    EXPECT_EQ(ask(method, location, {}).status, 404) << method;
  }
  const Reply reply = ietf_patch(location, 5, true, "56789");
  EXPECT_EQ(reply.status, 404);
  EXPECT_EQ(reply.field("Upload-Offset"), "");
}

// The answer to the last append is that of the whole, also when it is a refusal.
TEST_F(IetfServerTest, AProcessingFailureIsTheLastAnswer) {
  start();
  const std::string bad("\x1f\x8b\x08\x00garbage-that-is-no-gzip", 27);
  const Reply once = ask("POST", "/v1/uploads", {{"Upload-Complete", "?1"}}, bad);
  EXPECT_EQ(once.status, 422) << once.body;
  EXPECT_EQ(problem_type(once), "corrupt-gzip");
  EXPECT_EQ(once.field("Upload-Complete"), "?1");
  const std::string location = ietf_create();
  const Reply last = ietf_patch(location, 0, true, bad);
  EXPECT_EQ(last.status, 422);
  EXPECT_EQ(last.field("Upload-Complete"), "?1");
  EXPECT_EQ(settled_state(location), "failed");
  EXPECT_EQ(ask("HEAD", location, {}).status, 410);
  EXPECT_EQ(image_count(), 0u);
}

// One resource for both protocols: begun with one, it can be ended with the other.
TEST_F(IetfServerTest, BothProtocolsShareTheResource) {
  start();
  const std::string location = ietf_create({{"Upload-Length", "10"}});
  EXPECT_EQ(tus_patch(location, 0, "01234").status, 204);
  EXPECT_EQ(tus("HEAD", location).field("Upload-Offset"), "5");
  const Reply done = ietf_patch(location, 5, true, "56789");
  EXPECT_EQ(image_bytes(done.field("Strata-Image")), "0123456789");
}

}  // namespace
}  // namespace strata::test
