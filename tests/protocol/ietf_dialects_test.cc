// Around the IETF draft's core: clients that ship with an older draft, digests of RFC 9530, and
// Expect: 100-continue beside 104.
#include <gtest/gtest.h>

#include <boost/json.hpp>

#include "strata/digest/hasher.h"
#include "tests/support/upload_daemon.h"

namespace strata::test {
namespace {

class IetfDialectsTest : public UploadDaemonTest {
 protected:
  static std::string sum(std::string_view bytes) {
    return "sha-256=:" + digest::digest_of(bytes).sha256.base64() + ":";
  }
};

// 3 = draft -01 asks whether it is incomplete; before 6 an append has any media type. The version
// is echoed on 104 and on the final answer.
TEST_F(IetfDialectsTest, EveryShippedVersionUploads) {
  start();
  for (int version = 3; version <= 8; ++version) {
    SCOPED_TRACE(version);
    const std::string name = version == 3 ? "Upload-Incomplete" : "Upload-Complete";
    const std::string yes = version == 3 ? "?0" : "?1";
    const std::string no = version == 3 ? "?1" : "?0";
    const Fields dialect = {{"Upload-Draft-Interop-Version", std::to_string(version)}};
    const auto expect_echo = [&](const Reply& reply) {
      EXPECT_EQ(reply.field("Upload-Draft-Interop-Version"), std::to_string(version)) << reply.head;
    };
    std::vector<Reply> interims;
    const Reply made = ask("POST", "/v1/uploads", {dialect[0], {name, no}}, "01234", &interims);
    ASSERT_EQ(made.status, 201) << made.body;
    expect_echo(made);
    EXPECT_EQ(made.field(name), no);
    EXPECT_EQ(made.field("Upload-Offset"), "5");
    ASSERT_FALSE(interims.empty());
    EXPECT_EQ(interims[0].status, 104);
    expect_echo(interims[0]);
    const std::string location = made.field("Location");
    EXPECT_EQ(interims[0].field("Location"), location);

    const Reply shown = ask("HEAD", location, dialect);
    expect_echo(shown);
    EXPECT_EQ(shown.field(name), no);
    EXPECT_EQ(shown.field("Upload-Offset"), "5");

    const Reply wrong = ask("PATCH", location,
                            {dialect[0],
                             {name, no},
                             {"Upload-Offset", "4"},
                             {"Content-Type", "application/partial-upload"}},
                            "x");
    EXPECT_EQ(wrong.status, 409);
    expect_echo(wrong);
    EXPECT_EQ(wrong.field(name), no);

    const Fields plain = {dialect[0],
                          {name, yes},
                          {"Upload-Offset", "5"},
                          {"Content-Type", "application/octet-stream"}};
    Reply done = ask("PATCH", location, plain, "56789");
    EXPECT_EQ(done.status, version < 6 ? 201 : 415) << done.body;
    if (version >= 6) {
      Fields typed = plain;
      typed[3].second = "application/partial-upload";
      done = ask("PATCH", location, typed, "56789");
    }
    ASSERT_EQ(done.status, 201) << done.body;
    expect_echo(done);
    EXPECT_EQ(done.field(name), yes);
    EXPECT_EQ(image_bytes(done.field("Strata-Image")), "0123456789");
  }
}

// A version that nobody knows: the rules of draft -12, without an echo.
TEST_F(IetfDialectsTest, AnUnknownVersionIsNotEchoed) {
  start();
  for (const std::string version : {"2", "9", "-3", "x", "3.0", "99999999999999999999"}) {
    const Reply reply =
        ask("POST", "/v1/uploads",
            {{"Upload-Draft-Interop-Version", version}, {"Upload-Complete", "?1"}}, "abc");
    EXPECT_EQ(reply.status, 201) << version << reply.body;
    EXPECT_EQ(reply.field("Upload-Draft-Interop-Version"), "");
  }
}

TEST_F(IetfDialectsTest, AnAppendHasItsMediaType) {
  start();
  const std::string location = ietf_create();
  for (const std::string type : {"", "application/octet-stream", "application/partial-uploads"}) {
    Fields fields = {{"Upload-Complete", "?0"}, {"Upload-Offset", "0"}};
    if (!type.empty()) fields.emplace_back("Content-Type", type);
    EXPECT_EQ(ask("PATCH", location, fields, "abc").status, 415) << type;
  }
  EXPECT_EQ(offset_of(location), 0u);
}

// Of one request: what differs is not appended, and the upload goes on.
TEST_F(IetfDialectsTest, ContentDigestIsOfTheRequest) {
  start();
  const std::string location = ietf_create();
  const Reply refused = ietf_patch(location, 0, false, "012x4", {{"Content-Digest", sum("01234")}});
  EXPECT_EQ(refused.status, 422) << refused.body;
  EXPECT_EQ(problem_type(refused), "digest-mismatch");
  EXPECT_EQ(refused.field("Upload-Offset"), "0");
  EXPECT_EQ(refused.field("Upload-Complete"), "?0");
  EXPECT_EQ(ietf_patch(location, 0, false, "01234", {{"Content-Digest", sum("01234")}}).status,
            204);
  EXPECT_EQ(ietf_patch(location, 5, true, "5678x", {{"Content-Digest", sum("56789")}}).status, 422);
  EXPECT_EQ(offset_of(location), 5u);
  // Unknown algorithms are ignored.
  const Reply done = ietf_patch(location, 5, true, "56789", {{"Content-Digest", "md5=:AAAA:"}});
  EXPECT_EQ(image_bytes(done.field("Strata-Image")), "0123456789");

  const Reply created = ask("POST", "/v1/uploads",
                            {{"Upload-Complete", "?1"}, {"Content-Digest", sum("other")}}, "abc");
  EXPECT_EQ(created.status, 422);
  EXPECT_EQ(offset_of(created.field("Location")), 0u);
  EXPECT_EQ(image_count(), 1u);
}

TEST_F(IetfDialectsTest, ReprDigestIsOfTheWhole) {
  start();
  const std::string good = ietf_create({{"Repr-Digest", sum("0123456789")}});
  EXPECT_EQ(ietf_patch(good, 0, false, "01234").status, 204);
  EXPECT_EQ(ietf_patch(good, 5, true, "56789").status, 201);
  EXPECT_EQ(
      ask("POST", "/v1/uploads", {{"Upload-Complete", "?1"}, {"Repr-Digest", "nonsense, :"}}, "abc")
          .status,
      400);
}

// A 104 does not stand for the 100 that a client waits for.
TEST_F(IetfDialectsTest, ExpectContinueIsAnsweredBesideThe104) {
  start();
  RawSocket socket =
      hang("POST", "/v1/uploads", {{"Upload-Complete", "?1"}, {"Expect", "100-continue"}}, "", 3);
  const Reply first = socket.read_reply();
  EXPECT_EQ(first.status, 104) << first.head;
  EXPECT_NE(first.field("Location"), "");
  EXPECT_EQ(socket.read_reply().status, 100);
  EXPECT_TRUE(socket.send("abc"));
  EXPECT_EQ(final_reply(socket).status, 201);
  // Refused before: neither.
  RawSocket refused =
      hang("POST", "/v1/uploads", {{"Upload-Complete", "2"}, {"Expect", "100-continue"}}, "", 3);
  EXPECT_EQ(refused.read_reply().status, 400);
}

}  // namespace
}  // namespace strata::test
