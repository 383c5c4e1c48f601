// The list of bad inputs, B19 to B39 (peers.md §5.3), of resumable uploads: each answer is a
// refusal that leaves the upload, the others and the server as they were. B29 to B31 are in
// tests/crash and tests/unit/uploads_test.cc.
#include <gtest/gtest.h>

#include <atomic>
#include <thread>

#include "strata/digest/hasher.h"
#include "tests/support/upload_daemon.h"

namespace strata::test {
namespace {

class UploadBadInputsTest : public UploadDaemonTest {
 protected:
  Reply create(Fields fields) const { return tus("POST", "/v1/uploads", std::move(fields)); }
  std::string part() const {
    return tus_create({{"Upload-Concat", "partial"}, {"Upload-Length", "3"}});
  }
  Reply join(const std::string& urls, Fields fields = {}) const {
    fields.emplace_back("Upload-Concat", "final;" + urls);
    return create(std::move(fields));
  }
  static std::string sum(std::string_view bytes) {
    return "sha-256=:" + digest::digest_of(bytes).sha256.base64() + ":";
  }
  static std::string sum512(std::string_view bytes) {
    return "sha-512=:" + digest::digest_of(bytes).sha512.base64() + ":";
  }
};

TEST_F(UploadBadInputsTest, B19AClientThatDoesNotWaitForContinueAndAnHttp10Peer) {
  start();
  const std::string location = tus_create({{"Upload-Length", "10"}});
  Fields early = chunk_fields(0);
  early.emplace_back("Expect", "100-continue");
  EXPECT_EQ(ask("PATCH", location, early, "01234").status, 204);
  RawSocket old = connect();
  EXPECT_TRUE(old.send(
      head("POST", "/v1/uploads",
           {{"Upload-Complete", "?1"}, {"Content-Length", "3"}, {"Expect", "100-continue"}},
           "1.0") +
      "abc"));
  EXPECT_EQ(old.read_reply().status, 201);
}

TEST_F(UploadBadInputsTest, B20AnotherOffset) {
  start();
  const std::string location = tus_create({{"Upload-Length", "10"}});
  EXPECT_EQ(tus_patch(location, 0, "01234").status, 204);
  for (const std::uint64_t offset : {std::uint64_t{0}, std::uint64_t{4}, std::uint64_t{6},
                                     std::uint64_t{10}, std::uint64_t{11}, ~std::uint64_t{0}}) {
    const Reply reply = tus_patch(location, offset, "x");
    EXPECT_EQ(reply.status, 409) << offset;
    EXPECT_EQ(reply.field("Upload-Offset"), "5");
  }
  for (const std::string offset : {"", "-1", "+5", "5.0", "0x5", "18446744073709551616", "5, 5"}) {
    Fields fields = chunk_fields(0);
    fields.back().second = offset;
    EXPECT_EQ(ask("PATCH", location, fields, "x").status, 400) << offset;
  }
  const Reply done = tus_patch(location, 5, "56789");
  EXPECT_EQ(image_bytes(done.field("Strata-Image")), "0123456789");
}

TEST_F(UploadBadInputsTest, B21TwoAtTheSameOffset) {
  start();
  const std::string one = pattern(300'000, 1);
  for (const std::string& two : {one, pattern(300'000, 2)}) {
    const std::string location = tus_create({{"Upload-Length", "300000"}});
    Reply replies[2];
    std::thread first([&] { replies[0] = tus_patch(location, 0, one); });
    std::thread second([&] { replies[1] = tus_patch(location, 0, two); });
    first.join();
    second.join();
    for (const Reply& reply : replies) {
      EXPECT_TRUE(reply.status == 204 || reply.status == 409) << reply.head;
    }
    // One may have cut the other: then the rest comes, of the one whose bytes are there.
    const auto offset = offset_of(location);
    ASSERT_TRUE(offset);
    if (*offset == 300'000) {
      const std::string stored = image_bytes(tus("HEAD", location).field("Strata-Image"));
      EXPECT_TRUE(stored == one || stored == two);
    }
  }
}

TEST_F(UploadBadInputsTest, B22MoreOrLessThanAnnounced) {
  start();
  const std::string location = tus_create({{"Upload-Length", "10"}});
  EXPECT_EQ(tus_patch(location, 0, "0123456789x").status, 413);
  EXPECT_EQ(offset_of(location), 0u);
  RawSocket broken = hang("PATCH", location, chunk_fields(0), "0123", 10);
  broken.shutdown_send();
  EXPECT_EQ(final_reply(broken).status, 503);
  EXPECT_EQ(offset_of(location), 4u);  // kept as far as it came
  const Reply done = tus_patch(location, 4, "456789");
  EXPECT_EQ(image_bytes(done.field("Strata-Image")), "0123456789");
}

TEST_F(UploadBadInputsTest, B23LengthsThatAreNone) {
  start();
  for (const std::string length : {"-1", "+5", "5.0", "5e3", "0x10", " ", "5 5", "5,5",
                                   "18446744073709551616", "1_000", "\xd9\xa5"}) {
    EXPECT_EQ(create({{"Upload-Length", length}}).status, 400) << length;
    EXPECT_EQ(
        ask("POST", "/v1/uploads", {{"Upload-Complete", "?0"}, {"Upload-Length", length}}).status,
        400)
        << length;
  }
  EXPECT_EQ(create({{"Upload-Length", "9223372036854775808"}}).status, 413);
  // Structured Integers have 15 digits.
  EXPECT_EQ(ask("POST", "/v1/uploads",
                {{"Upload-Complete", "?0"}, {"Upload-Length", "9223372036854775808"}})
                .status,
            400);
  const std::string location = tus_create({{"Upload-Length", "10"}});
  EXPECT_EQ(tus_patch(location, 0, "01", {{"Upload-Length", "11"}}).status, 400);
  EXPECT_EQ(offset_of(location), 0u);
  EXPECT_EQ(tus("HEAD", location).field("Upload-Length"), "10");
}

TEST_F(UploadBadInputsTest, B24BooleansThatAreNone) {
  start();
  const std::string location = ietf_create();
  for (const std::string value :
       {"1", "?2", "true", "", "?1, ?1", "?1?", "? 1", "\"?1\"", "?1, ?0"}) {
    EXPECT_EQ(ask("POST", "/v1/uploads", {{"Upload-Complete", value}}, "abc").status, 400) << value;
    EXPECT_EQ(ask("PATCH", location,
                  {{"Content-Type", "application/partial-upload"},
                   {"Upload-Offset", "0"},
                   {"Upload-Complete", value}},
                  "abc")
                  .status,
              400)
        << value;
  }
  const Fields twice = {{"Upload-Complete", "?1"}, {"Upload-Complete", "?1"}};
  EXPECT_EQ(ask("POST", "/v1/uploads", twice, "abc").status, 400);
  EXPECT_EQ(offset_of(location), 0u);
  EXPECT_EQ(image_count(), 0u);
}

TEST_F(UploadBadInputsTest, B25ChecksumsThatCannotBeCompared) {
  start();
  const std::string location = tus_create({{"Upload-Length", "10"}});
  const std::string good = digest::digest_of("01234").sha1.base64();
  const std::vector<std::pair<std::string, int>> cases = {
      {"sha1 " + digest::digest_of("other").sha1.base64(), 460},
      {"md5 " + base64(std::string(16, 'x')), 400},
      {"sha1 ####", 400},
      {"sha1 " + good.substr(0, good.size() - 1), 400},
      {"sha1 " + base64("short"), 400},
      {"sha1", 400},
      {"", 400},
      {"SHA1" + good, 400}};
  for (const auto& [value, status] : cases) {
    EXPECT_EQ(tus_patch(location, 0, "01234", {{"Upload-Checksum", value}}).status, status)
        << value;
    EXPECT_EQ(offset_of(location), 0u) << value;
  }
  const Fields trailed = {{"Transfer-Encoding", "chunked"}, {"Trailer", "Upload-Checksum"}};
  const Reply missing = tus_patch(location, 0, "5\r\n01234\r\n0\r\n\r\n", trailed);
  EXPECT_EQ(missing.status, 400) << missing.body;
  EXPECT_EQ(offset_of(location), 0u);
  EXPECT_EQ(tus_patch(location, 0, "5\r\n01234\r\n0\r\nUpload-Checksum: md5 AAAA\r\n\r\n", trailed)
                .status,
            400);
  EXPECT_EQ(offset_of(location), 0u);
  EXPECT_EQ(tus_patch(location, 0, "01234", {{"Upload-Checksum", "sha1 " + good}}).status, 204);
}

// A foreign tenant's is not tried: only one principal may write, as long as there are no accounts.
TEST_F(UploadBadInputsTest, B26PartsThatCannotBeJoined) {
  start();
  const std::string mine = part();
  EXPECT_EQ(tus_patch(mine, 0, "abc").status, 204);
  const std::string plain = tus_create({{"Upload-Length", "3"}});
  const std::string deleted = part();
  EXPECT_EQ(tus("DELETE", deleted).status, 204);
  const std::string path = mine.substr(url().size());
  std::string many;
  for (int i = 0; i < 500; ++i) many += path + " ";
  for (const std::string& urls :
       {std::string(), std::string(" "), plain, deleted, mine + " " + mine, mine + " " + path,
        "http://evil.example" + path, std::string("javascript:alert(1)"), "//evil.example" + path,
        "/v1/images" + path, path + "/../x", path + "?a", url() + "@evil.example" + path,
        url() + "0" + path, many}) {
    const Reply reply = join(urls);
    EXPECT_EQ(reply.status, 400) << urls.substr(0, 200) << reply.body;
  }
  std::string huge = "final;";
  for (int i = 0; i < 100'000; ++i) huge += path + " ";
  EXPECT_EQ(create({{"Upload-Concat", huge}}).status, 431);
  // Unfinished is allowed; itself is not possible before it has a name, and a whole is no part.
  const Reply whole = join(mine + " " + part());
  ASSERT_EQ(whole.status, 201) << whole.body;
  EXPECT_EQ(join(whole.field("Location")).status, 400);
  EXPECT_EQ(join(mine).status, 400);  // it is the other's by now
  EXPECT_EQ(image_count(), 0u);
}

TEST_F(UploadBadInputsTest, B27MetadataThatIsNone) {
  start();
  const auto with = [&](const std::string& metadata) {
    return create({{"Upload-Length", "3"}, {"Upload-Metadata", metadata}});
  };
  for (const std::string metadata :
       {"filename ####", "filename YQ=", "filename YR==", "filename a b",
        ",filename YQ==", "filename YQ==,", "filename YQ==,filename Yg==", " , "}) {
    EXPECT_EQ(with(metadata).status, 400) << metadata;
  }
  for (const std::string& name :
       {std::string("../../etc/passwd"), std::string(".."), std::string("a/b"),
        std::string("a\r\nX-Evil: 1"), std::string("a\0b", 3), std::string("\xff"),
        std::string(256, 'n')}) {
    const Reply reply = with("filename " + base64(name));
    EXPECT_EQ(reply.status, 400) << name;
    EXPECT_EQ(reply.field("X-Evil"), "");
  }
  EXPECT_EQ(with("filename " + base64(std::string(1 << 20, 'x'))).status, 431);
  // CR, LF and NUL stay in base64 where the value means nothing here, and come back as they came.
  const std::string odd = "note " + base64(std::string("a\r\nX-Evil: 1\0", 13));
  const Reply made = with(odd);
  ASSERT_EQ(made.status, 201) << made.body;
  const Reply shown = tus("HEAD", made.field("Location"));
  EXPECT_EQ(shown.field("Upload-Metadata"), odd);
  EXPECT_EQ(shown.field("X-Evil"), "");
  // A raw one is no header.
  RawSocket raw = connect();
  EXPECT_TRUE(raw.send(head("POST", "/v1/uploads",
                            {{"Tus-Resumable", "1.0.0"},
                             {"Upload-Length", "3"},
                             {"Upload-Metadata", std::string("a\0b YQ==", 8)}})));
  EXPECT_EQ(final_reply(raw).status, 400);
}

TEST_F(UploadBadInputsTest, B28TokensThatAreNone) {
  start();
  const std::string location = tus_create({{"Upload-Length", "3"}});
  const std::string token = location.substr(location.rfind('/') + 1);
  for (const std::string& bad :
       {std::string("..%2f"), std::string("..%2f..%2fadmin.token"), token + "%00", token + ".info",
        token + "%2f", token + "/", token.substr(1), token + "0", std::string(300, 'a'),
        std::string("%d0%b0") + token.substr(1), std::string("%"), std::string("%zz"),
        std::string(".."), std::string(32, '0')}) {
    for (const std::string method : {"HEAD", "GET", "DELETE"}) {
      const int status = tus(method, "/v1/uploads/" + bad).status;
      EXPECT_TRUE(status == 404 || status == 400) << method << " " << bad << " " << status;
    }
    const int status = tus_patch("/v1/uploads/" + bad, 0, "abc").status;
    EXPECT_TRUE(status == 404 || status == 400) << bad << " " << status;
  }
  EXPECT_EQ(tus_patch(location, 0, "abc").status, 204);
}

TEST_F(UploadBadInputsTest, B32TheQuotaHoldsAgainstManyAtOnce) {
  config.limits.open_uploads_per_user = 10;
  start();
  std::atomic<int> made = 0;
  std::atomic<int> refused = 0;
  std::vector<std::thread> clients;
  for (int i = 0; i < 64; ++i) {
    clients.emplace_back([&, i] {
      const Reply reply = i % 2 == 0 ? create({{"Upload-Length", "3"}})
                                     : ask("POST", "/v1/uploads", {{"Upload-Complete", "?0"}});
      if (reply.status == 201) ++made;
      if (reply.status == 429 && !reply.field("Retry-After").empty()) ++refused;
    });
  }
  for (std::thread& client : clients) client.join();
  EXPECT_EQ(made, 10);
  EXPECT_EQ(refused, 54);
}

// What anyone on loopback began cannot be ended without a credential once one is asked for.
TEST_F(UploadBadInputsTest, B33PermissionRevokedMeanwhile) {
  start();
  const std::string location = tus_create({{"Upload-Length", "3"}});
  EXPECT_EQ(tus_patch(location, 0, "ab").status, 204);
  config.auth_required = true;
  start();
  const std::string path = location.substr(location.find("/v1/"));
  EXPECT_EQ(tus_patch(path, 2, "c").status, 401);
  EXPECT_EQ(ietf_patch(path, 2, true, "c").status, 401);
  EXPECT_EQ(tus("DELETE", path).status, 401);
  EXPECT_EQ(tus_patch(path, 2, "c", {{"Authorization", "Bearer wrong"}}).status, 401);
  EXPECT_EQ(image_count(), 0u);
  // Nothing is lost for who still may.
  EXPECT_EQ(tus_patch(path, 2, "c", {{"Authorization", "Bearer " + admin_token()}}).status, 204);
}

TEST_F(UploadBadInputsTest, B34DeletedMeanwhile) {
  start();
  // Of a concatenation while it waits for a part, and of that part.
  const std::string first = part();
  const std::string second = part();
  const Reply whole = join(first + " " + second);
  ASSERT_EQ(whole.status, 201) << whole.body;
  EXPECT_EQ(tus_patch(first, 0, "abc").status, 204);
  EXPECT_EQ(tus("DELETE", second).status, 409);
  EXPECT_EQ(tus("DELETE", whole.field("Location")).status, 204);
  EXPECT_EQ(tus_patch(second, 0, "def").status, 404);
  // Of an upload that is being verified: either it is an image, or it never was.
  const std::string bytes = pattern(4 << 20);
  const std::string location = tus_create({{"Upload-Length", std::to_string(bytes.size())}});
  Reply sent;
  std::thread client([&] { sent = tus_patch(location, 0, bytes); });
  const std::string other = location;
  while (ask("GET", location, {}).body.find("\"offset\":0,") != std::string::npos) {
  }
  EXPECT_EQ(tus("DELETE", other).status, 204);
  client.join();
  EXPECT_EQ(tus("HEAD", location).status, 404);
  EXPECT_LE(image_count(), 1u);
  if (sent.status == 204) {
    EXPECT_TRUE(image_bytes(sent.field("Strata-Image")) == bytes);
  }
}

TEST_F(UploadBadInputsTest, B35ManyEmptyCreations) {
  config.limits.upload_records_per_user = 20;
  start();
  int made = 0;
  for (int i = 0; i < 30; ++i) {
    const Reply reply = create({{"Upload-Length", "0"}});  // complete at once: never open
    if (reply.status == 201) ++made;
    if (reply.status != 201) {
      EXPECT_EQ(reply.status, 429);
    }
  }
  EXPECT_EQ(made, 20);
}

TEST_F(UploadBadInputsTest, B37AReprDigestThatIsNotMet) {
  start();
  const Reply once =
      ask("POST", "/v1/uploads", {{"Upload-Complete", "?1"}, {"Repr-Digest", sum("x")}}, "abc");
  EXPECT_EQ(once.status, 422) << once.body;
  EXPECT_EQ(problem_type(once), "digest-mismatch");
  EXPECT_EQ(once.field("Upload-Complete"), "?1");
  const std::string location = ietf_create({{"Repr-Digest", sum("x")}});
  EXPECT_EQ(ietf_patch(location, 0, false, "ab").status, 204);
  const Reply last = ietf_patch(location, 2, true, "c");
  EXPECT_EQ(last.status, 422);
  EXPECT_EQ(problem_type(last), "digest-mismatch");
  EXPECT_EQ(settled_state(location), "failed");
  EXPECT_EQ(image_count(), 0u);
}

TEST_F(UploadBadInputsTest, B38OneDigestRightTheOtherWrong) {
  start();
  const Reply whole =
      ask("POST", "/v1/uploads",
          {{"Upload-Complete", "?1"}, {"Repr-Digest", sum("abc") + ", " + sum512("x")}}, "abc");
  EXPECT_EQ(whole.status, 422);
  EXPECT_EQ(problem_type(whole), "digest-mismatch");
  const std::string location = ietf_create();
  const Reply piece =
      ietf_patch(location, 0, true, "abc", {{"Content-Digest", sum("abc") + ", " + sum512("x")}});
  EXPECT_EQ(piece.status, 422);
  EXPECT_EQ(offset_of(location), 0u);
  // Two values of one algorithm, by field and by parameter.
  const std::string hex = digest::digest_of("x").sha256.hex();
  EXPECT_EQ(ask("POST", "/v1/uploads?sha-256=" + hex,
                {{"Upload-Complete", "?1"}, {"Repr-Digest", sum("abc")}}, "abc")
                    .status /
                100,
            4);
  EXPECT_EQ(image_count(), 0u);
}

TEST_F(UploadBadInputsTest, B39WishesForDigestsThatMakeNoSense) {
  start();
  const auto wish = [&](const std::string& want) {
    const Reply reply =
        ask("POST", "/v1/uploads", {{"Upload-Complete", "?1"}, {"Want-Repr-Digest", want}}, "abc");
    EXPECT_EQ(reply.status, 201) << want << reply.body;
    return reply.field("Repr-Digest");
  };
  EXPECT_EQ(wish("sha-512=3"), sum512("abc"));
  EXPECT_EQ(wish("sha-256=10, sha-512=3"), sum("abc") + ", " + sum512("abc"));
  EXPECT_EQ(wish("sha-256=11, sha-512=3"), sum512("abc"));
  EXPECT_EQ(wish("sha-256=0, sha-512=1"), sum512("abc"));
  for (const std::string want : {"sha-256=11", "sha-512=-1", "md5=3", "nonsense=", "sha-256=0.5"}) {
    EXPECT_EQ(wish(want), sum("abc") + ", " + sum512("abc")) << want;  // as if it did not say which
  }
}

}  // namespace
}  // namespace strata::test
