// tus 1.0.0 (tus.io/protocols/resumable-upload) as clients speak it: one upload at a time, against
// a whole daemon. Concatenation and requests that take each other over: tus_concat_test.cc,
// upload_takeover_test.cc.
#include <gtest/gtest.h>

#include "strata/base/clock.h"
#include "strata/digest/hasher.h"
#include "tests/support/upload_daemon.h"

namespace strata::test {
namespace {

using TusServerTest = UploadDaemonTest;

TEST_F(TusServerTest, OptionsNamesWhatIsSpoken) {
  config.limits.stored_bytes_max = 12345;
  start();
  for (const std::string target : {"/v1/uploads", "/v1/uploads/00112233445566778899aabbccddeeff"}) {
    const Reply reply = ask("OPTIONS", target, {{"Tus-Resumable", "0.2.2"}});  // ignored here
    EXPECT_EQ(reply.status, 204);
    EXPECT_EQ(reply.field("Tus-Version"), "1.0.0");
    EXPECT_EQ(reply.field("Tus-Resumable"), "1.0.0");
    EXPECT_EQ(reply.field("Tus-Max-Size"), "12345");
    EXPECT_EQ(reply.field("Tus-Checksum-Algorithm"), "sha1,sha256,sha512");
    const std::string extensions = "," + reply.field("Tus-Extension") + ",";
    for (const std::string name : {"creation", "creation-with-upload", "creation-defer-length",
                                   "checksum", "checksum-trailer", "expiration", "termination",
                                   "concatenation", "concatenation-unfinished"}) {
      EXPECT_NE(extensions.find("," + name + ","), std::string::npos) << name;
    }
    EXPECT_EQ(reply.field("Accept-Patch"), "application/partial-upload");  // of the IETF draft
  }
}

// 412 with the versions that are spoken, and nothing is done; GET and HEAD need no version.
TEST_F(TusServerTest, AnotherVersionIsRefusedAndNothingHappens) {
  start();
  const std::string location = tus_create({{"Upload-Length", "10"}});
  const Fields chunk = {{"Content-Type", "application/offset+octet-stream"},
                        {"Upload-Offset", "0"}};
  for (const std::string version : {"0.2.2", "1.0.1", "1.0.0, 1.0.0", "1", ""}) {
    const Fields other = {{"Tus-Resumable", version}};
    Fields patch = chunk;
    patch.push_back(other[0]);
    for (const Reply& reply : {ask("POST", "/v1/uploads", {{"Upload-Length", "10"}, other[0]}),
                               ask("PATCH", location, patch, "0123456789"),
                               ask("DELETE", location, other), ask("HEAD", location, other)}) {
      EXPECT_EQ(reply.status, 412) << version << reply.head;
      EXPECT_EQ(reply.field("Tus-Version"), "1.0.0");
      EXPECT_EQ(reply.field("Upload-Offset"), "");
    }
  }
  EXPECT_EQ(ask("PATCH", location, chunk, "0123456789").status, 412);  // none at all
  EXPECT_EQ(ask("POST", "/v1/uploads", {{"Upload-Defer-Length", "1"}}).status, 412);
  EXPECT_EQ(offset_of(location), 0u);
  EXPECT_EQ(ask("GET", location, {}).status, 200);
}

TEST_F(TusServerTest, CreationNamesAnUploadThatHeadDescribes) {
  config.public_url = "https://images.example/strata";  // whatever the request says
  start();
  const std::string metadata = "filename " + base64("disk.img") + ",filetype,x  " + base64("y");
  const Reply made = tus("POST", "/v1/uploads",
                         {{"Upload-Length", "100"},
                          {"Upload-Metadata", metadata},
                          {"X-Forwarded-Host", "evil.example"}});
  ASSERT_EQ(made.status, 201) << made.head << made.body;
  EXPECT_EQ(made.field("Tus-Resumable"), "1.0.0");
  EXPECT_EQ(made.field("Upload-Offset"), "");
  EXPECT_TRUE(parse_http_date(made.field("Upload-Expires"))) << made.head;
  const std::string prefix = config.public_url + "/v1/uploads/";
  ASSERT_TRUE(made.field("Location").starts_with(prefix)) << made.head;
  const std::string token = made.field("Location").substr(prefix.size());
  EXPECT_EQ(token.size(), 32u);

  const Reply shown = tus("HEAD", "/v1/uploads/" + token);
  EXPECT_EQ(shown.status, 200);
  EXPECT_EQ(shown.field("Upload-Offset"), "0");
  EXPECT_EQ(shown.field("Upload-Length"), "100");
  EXPECT_EQ(shown.field("Upload-Defer-Length"), "");
  EXPECT_EQ(shown.field("Upload-Metadata"), metadata);  // to the byte
  EXPECT_EQ(shown.field("Cache-Control"), "no-store");
  EXPECT_EQ(shown.field("Tus-Resumable"), "1.0.0");
}

TEST_F(TusServerTest, CreationSaysTheLengthOnce) {
  config.limits.stored_bytes_max = 1000;
  start();
  const std::vector<std::pair<Fields, int>> cases = {
      {{}, 400},
      {{{"Upload-Length", "5"}, {"Upload-Defer-Length", "1"}}, 400},
      {{{"Upload-Defer-Length", "0"}}, 400},
      {{{"Upload-Defer-Length", "2"}}, 400},
      {{{"Upload-Defer-Length", "true"}}, 400},
      {{{"Upload-Length", "5"}, {"Upload-Length", "5"}}, 400},
      {{{"Upload-Length", "1001"}}, 413},
      {{{"Upload-Length", "1000"}}, 201},
      {{{"Upload-Defer-Length", "1"}}, 201},
  };
  for (const auto& [fields, status] : cases) {
    const Reply reply = tus("POST", "/v1/uploads", fields);
    EXPECT_EQ(reply.status, status) << reply.head << reply.body;
    EXPECT_EQ(reply.field("Tus-Resumable"), "1.0.0");
    EXPECT_EQ(reply.field("Location").empty(), status != 201);
    if (status == 413) {
      EXPECT_EQ(reply.field("Tus-Max-Size"), "1000");
    }
  }
}

TEST_F(TusServerTest, AnUploadInPiecesBecomesAnImage) {
  start();
  const std::string bytes = pattern(3'000'001);
  const std::string location = tus_create({{"Upload-Length", std::to_string(bytes.size())},
                                           {"Upload-Metadata", "filename " + base64("disk.img")}});
  std::uint64_t offset = 0;
  for (const std::size_t piece : {1u, 0u, 1'000'000u, 2'000'000u}) {
    const Reply reply = tus_patch(location, offset, std::string_view(bytes).substr(offset, piece));
    EXPECT_EQ(reply.status, 204) << reply.head << reply.body;
    offset += piece;
    EXPECT_EQ(reply.field("Upload-Offset"), std::to_string(offset));
    EXPECT_EQ(reply.field("Tus-Resumable"), "1.0.0");
    const bool done = offset == bytes.size();
    EXPECT_EQ(reply.field("Upload-Expires").empty(), done) << reply.head;
    EXPECT_EQ(reply.field("Strata-Image").empty(), !done) << reply.head;
    if (done) {
      EXPECT_TRUE(image_bytes(reply.field("Strata-Image")) == bytes);
    }
  }
  // The whole is described for a while, also after a restart.
  for (int round = 0; round < 2; ++round) {
    const Reply shown = tus("HEAD", location.substr(location.find("/v1/")));
    EXPECT_EQ(shown.status, 200);
    EXPECT_EQ(shown.field("Upload-Offset"), std::to_string(bytes.size()));
    EXPECT_EQ(shown.field("Upload-Length"), std::to_string(bytes.size()));
    EXPECT_NE(shown.field("Strata-Image"), "");
    start();
  }
  EXPECT_EQ(image_count(), 1u);
}

TEST_F(TusServerTest, AnEmptyUploadIsCompleteAtOnce) {
  start();
  const Reply made = tus("POST", "/v1/uploads", {{"Upload-Length", "0"}});
  ASSERT_EQ(made.status, 201) << made.body;
  EXPECT_NE(made.field("Strata-Image"), "");
  EXPECT_EQ(settled_state(made.field("Location")), "complete");
  EXPECT_EQ(image_bytes(made.field("Strata-Image")), "");
}

TEST_F(TusServerTest, CreationWithUploadTakesTheFirstBytes) {
  start();
  const Fields typed = {{"Upload-Length", "10"},
                        {"Content-Type", "application/offset+octet-stream"}};
  const Reply whole = tus("POST", "/v1/uploads", typed, "0123456789");
  ASSERT_EQ(whole.status, 201) << whole.body;
  EXPECT_EQ(whole.field("Upload-Offset"), "10");
  EXPECT_EQ(image_bytes(whole.field("Strata-Image")), "0123456789");

  const Reply part = tus("POST", "/v1/uploads", typed, "01234");
  ASSERT_EQ(part.status, 201);
  EXPECT_EQ(part.field("Upload-Offset"), "5");
  EXPECT_EQ(tus_patch(part.field("Location"), 5, "56789").status, 204);

  const Reply none = tus("POST", "/v1/uploads", typed);
  ASSERT_EQ(none.status, 201);
  EXPECT_EQ(offset_of(none.field("Location")), 0u);

  // Another media type is no chunk.
  const Reply other = tus("POST", "/v1/uploads",
                          {{"Upload-Length", "10"}, {"Content-Type", "text/plain"}}, "01234");
  ASSERT_EQ(other.status, 201);
  EXPECT_EQ(other.field("Upload-Offset"), "");
  EXPECT_EQ(offset_of(other.field("Location")), 0u);
}

TEST_F(TusServerTest, PatchWantsItsMediaType) {
  start();
  const std::string location = tus_create({{"Upload-Length", "10"}});
  for (const std::string type : {"", "text/plain", "application/octet-stream",
                                 "application/partial-upload", "application/offset"}) {
    Fields fields = {{"Upload-Offset", "0"}};
    if (!type.empty()) fields.emplace_back("Content-Type", type);
    const Reply reply = tus("PATCH", location, fields, "01234");
    EXPECT_EQ(reply.status, 415) << type;
    EXPECT_EQ(reply.field("Tus-Resumable"), "1.0.0");
  }
  EXPECT_EQ(offset_of(location), 0u);
  const Fields spelt = {{"Upload-Offset", "0"},
                        {"Content-Type", "Application/Offset+Octet-Stream; charset=x"}};
  EXPECT_EQ(tus("PATCH", location, spelt, "01234").status, 204);
}

// Body beyond the length: 413 before a byte is taken when that is known by Content-Length.
TEST_F(TusServerTest, MoreThanTheLengthIsTooLarge) {
  start();
  const std::string location = tus_create({{"Upload-Length", "10"}});
  const Reply known = tus_patch(location, 0, "0123456789x");
  EXPECT_EQ(known.status, 413) << known.body;
  EXPECT_EQ(offset_of(location), 0u);
  const Reply chunked = tus_patch(location, 0, "5\r\n01234\r\n6\r\n56789x\r\n0\r\n\r\n",
                                  {{"Transfer-Encoding", "chunked"}});
  EXPECT_EQ(chunked.status, 413) << chunked.body;
  const Reply created =
      tus("POST", "/v1/uploads",
          {{"Upload-Length", "3"}, {"Content-Type", "application/offset+octet-stream"}}, "0123");
  EXPECT_EQ(created.status, 413);
  EXPECT_EQ(offset_of(created.field("Location")), 0u);  // created is created
}

TEST_F(TusServerTest, ADeferredLengthIsSaidOnceByAPatch) {
  config.limits.stored_bytes_max = 1000;
  start();
  const std::string location = tus_create({{"Upload-Defer-Length", "1"}});
  Reply shown = tus("HEAD", location);
  EXPECT_EQ(shown.field("Upload-Defer-Length"), "1");
  EXPECT_EQ(shown.field("Upload-Length"), "");
  EXPECT_EQ(tus_patch(location, 0, "01234").status, 204);
  EXPECT_EQ(tus_patch(location, 5, "", {{"Upload-Length", "4"}}).status,
            400);  // less than is there
  EXPECT_EQ(tus_patch(location, 5, "", {{"Upload-Length", "1001"}}).status, 413);
  EXPECT_EQ(tus_patch(location, 5, "56", {{"Upload-Length", "10"}}).status, 204);
  shown = tus("HEAD", location);
  EXPECT_EQ(shown.field("Upload-Length"), "10");
  EXPECT_EQ(shown.field("Upload-Defer-Length"), "");
  EXPECT_EQ(tus_patch(location, 7, "7", {{"Upload-Length", "11"}}).status, 400);
  EXPECT_EQ(offset_of(location), 7u);
  const Reply done = tus_patch(location, 7, "789", {{"Upload-Length", "10"}});  // the same again
  EXPECT_EQ(done.status, 204);
  EXPECT_EQ(image_bytes(done.field("Strata-Image")), "0123456789");

  // The length alone completes what is whole already.
  const std::string other = tus_create({{"Upload-Defer-Length", "1"}});
  EXPECT_EQ(tus_patch(other, 0, "abc").status, 204);
  const Reply ended = tus_patch(other, 3, "", {{"Upload-Length", "3"}});
  EXPECT_EQ(image_bytes(ended.field("Strata-Image")), "abc");
}

TEST_F(TusServerTest, TerminationForgets) {
  start();
  const std::string location = tus_create({{"Upload-Length", "10"}});
  EXPECT_EQ(tus_patch(location, 0, "01234").status, 204);
  const Reply gone = tus("DELETE", location);
  EXPECT_EQ(gone.status, 204);
  EXPECT_EQ(gone.field("Tus-Resumable"), "1.0.0");
  for (const std::string method : {"HEAD", "DELETE", "GET"}) {
    const Reply reply = tus(method, location);
    EXPECT_TRUE(reply.status == 404 || reply.status == 410) << method << " " << reply.status;
    EXPECT_EQ(reply.field("Upload-Offset"), "");
  }
  EXPECT_EQ(tus_patch(location, 5, "56789").status, 404);
  // That of a complete upload leaves its image.
  const std::string whole = tus_create({{"Upload-Length", "3"}});
  const std::string image = tus_patch(whole, 0, "abc").field("Strata-Image");
  EXPECT_EQ(tus("DELETE", whole).status, 204);
  EXPECT_EQ(tus("HEAD", whole).status, 404);
  EXPECT_EQ(image_bytes(image), "abc");
}

// For browsers and proxies that know GET and POST only; on POST alone.
TEST_F(TusServerTest, TheMethodMayBeOverriddenOnPost) {
  start();
  const std::string location = tus_create({{"Upload-Length", "10"}});
  const auto as = [&](std::string method, Fields fields, std::string_view body = {}) {
    fields.emplace_back("X-HTTP-Method-Override", std::move(method));
    return ask("POST", location, std::move(fields), body);
  };
  Reply reply = as("PATCH", chunk_fields(0), "01234");
  EXPECT_EQ(reply.status, 204) << reply.body;
  EXPECT_EQ(reply.field("Upload-Offset"), "5");
  reply = as("HEAD", {{"Tus-Resumable", "1.0.0"}});
  EXPECT_EQ(reply.status, 200);
  EXPECT_EQ(reply.field("Upload-Offset"), "5");
  for (const std::string method : {"", "PUT", "patch", "TRACE", "GET"}) {
    EXPECT_EQ(as(method, chunk_fields(5), "56789").status, 405) << method;
  }
  EXPECT_EQ(ask("POST", location, chunk_fields(5), "56789").status, 405);
  // A GET is a GET.
  EXPECT_EQ(ask("GET", location, {{"X-HTTP-Method-Override", "DELETE"}}).status, 200);
  EXPECT_EQ(as("DELETE", {{"Tus-Resumable", "1.0.0"}}).status, 204);
  EXPECT_EQ(tus("HEAD", location).status, 404);
}

// Each chunk has its own checksum; the good one goes in, sent before or (trailer) behind the bytes.
TEST_F(TusServerTest, ChecksumsAreCompared) {
  start();
  const std::string bytes = pattern(9 << 20);  // more than waits in memory
  const auto found = digest::digest_of(bytes);
  for (const std::string& value : {"sha1 " + found.sha1.base64(), "sha256 " + found.sha256.base64(),
                                   "sha512 " + found.sha512.base64()}) {
    const std::string location = tus_create({{"Upload-Length", std::to_string(bytes.size())}});
    std::string bad = bytes;
    bad[bad.size() / 2] = static_cast<char>(bad[bad.size() / 2] ^ 1);
    const Reply refused = tus_patch(location, 0, bad, {{"Upload-Checksum", value}});
    EXPECT_EQ(refused.status, 460) << refused.body;
    EXPECT_EQ(refused.field("Upload-Offset"), "0");
    const Reply taken = tus_patch(location, 0, bytes, {{"Upload-Checksum", value}});
    ASSERT_EQ(taken.status, 204) << taken.body;
    EXPECT_TRUE(image_bytes(taken.field("Strata-Image")) == bytes);
  }
  const std::string location = tus_create({{"Upload-Length", "3"}});
  const std::string sum = digest::digest_of("abc").sha1.base64();
  const Fields trailed = {{"Transfer-Encoding", "chunked"}, {"Trailer", "Upload-Checksum"}};
  const std::string chunks = "3\r\nabc\r\n0\r\nUpload-Checksum: sha1 ";
  const std::string wrong = digest::digest_of("abd").sha1.base64();
  EXPECT_EQ(tus_patch(location, 0, chunks + wrong + "\r\n\r\n", trailed).status, 460);
  EXPECT_EQ(offset_of(location), 0u);
  EXPECT_EQ(tus_patch(location, 0, chunks + sum + "\r\n\r\n", trailed).status, 204);
}

// What was promised of the whole is checked at its end: 422, and the upload has failed.
TEST_F(TusServerTest, AWholeThatIsNotWhatWasPromisedFails) {
  start();
  const std::string sum = digest::digest_of("other").sha256.hex();
  const std::string location =
      tus_create({{"Upload-Length", "3"}, {"Upload-Metadata", "sha-256 " + base64(sum)}});
  const Reply failed = tus_patch(location, 0, "abc");
  EXPECT_EQ(failed.status, 422);
  EXPECT_EQ(problem_type(failed), "digest-mismatch");
  EXPECT_EQ(settled_state(location), "failed");
  EXPECT_EQ(tus("HEAD", location).status, 410);
  EXPECT_EQ(image_count(), 0u);
  const Reply both = tus("POST", "/v1/uploads",
                         {{"Upload-Length", "3"}, {"Upload-Metadata", "bytes " + base64("4")}});
  EXPECT_EQ(both.status, 422);
  EXPECT_EQ(problem_type(both), "size-mismatch");
}

// Pages of a listed origin can read every field that a tus client needs.
TEST_F(TusServerTest, BrowsersSeeTheFields) {
  config.cors_origins = {"https://ui.example"};
  start();
  const Reply reply = ask("OPTIONS", "/v1/uploads", {{"Origin", "https://ui.example"}});
  EXPECT_EQ(reply.field("Access-Control-Allow-Origin"), "https://ui.example");
  const std::string exposed = reply.field("Access-Control-Expose-Headers");
  for (const std::string name :
       {"Upload-Offset", "Location", "Upload-Length", "Tus-Version", "Tus-Resumable",
        "Tus-Max-Size", "Tus-Extension", "Upload-Metadata", "Upload-Defer-Length", "Upload-Concat",
        "Upload-Expires"}) {
    EXPECT_NE(exposed.find(name), std::string::npos) << name;
  }
}

}  // namespace
}  // namespace strata::test
