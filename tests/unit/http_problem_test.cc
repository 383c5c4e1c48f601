#include "strata/http/problem.h"

#include <gtest/gtest.h>

namespace strata::http {
namespace {

TEST(Problem, HasTheFiveMembers) {
  EXPECT_EQ(problem_json(Error(Errc::kNotFound, "there is no image x"), "r-1"),
            R"({"type":"not-found","title":"Not found","status":404,)"
            R"("detail":"there is no image x","request_id":"r-1"})");
}

TEST(Problem, EscapesWhatCameFromOutside) {
  const std::string json =
      problem_json(Error(Errc::kMalformed, "a \"b\" \\ \n \x01 </script>"), "r");
  EXPECT_NE(json.find(R"("detail":"a \"b\" \\ \n \u0001 </script>")"), std::string::npos) << json;
  const std::string bad_utf8 = problem_json(Error(Errc::kMalformed, "x\xff\xc3(y"), "r");
  EXPECT_NE(bad_utf8.find(R"("detail":"x??(y")"), std::string::npos) << bad_utf8;
}

TEST(Problem, AnErrorThatIsNoServersBecomes500) {
  EXPECT_NE(problem_json(Error(Errc::kUnreachable, "x"), "r").find(R"("status":500)"),
            std::string::npos);
}

TEST(Problem, CarriesExtras) {
  const ProblemExtras extras{std::string(kMismatchingOffsetType),
                             {{"expected-offset", std::uint64_t{12345678901}},
                              {"provided-offset", std::uint64_t{0}},
                              {"why", "a\"\xff"}}};
  const std::string json = problem_json(Error(Errc::kOffsetMismatch, "no"), "r", extras);
  EXPECT_EQ(
      json,
      R"({"type":"https://iana.org/assignments/http-problem-types#mismatching-upload-offset",)"
      R"("title":"The offset is not the current one","status":409,"detail":"no",)"
      R"("request_id":"r","expected-offset":12345678901,"provided-offset":0,"why":"a\"?"})");
  EXPECT_EQ(error_from_response(409, kProblemType, json).code(), Errc::kOffsetMismatch);
  EXPECT_NE(problem_json(Error(Errc::kGone, "x"), "r", {{}, {{"n", std::uint64_t{UINT64_MAX}}}})
                .find(R"("type":"gone")"),
            std::string::npos);
}

TEST(ErrorFromResponse, TheTypesOfResumableUploads) {
  const auto code = [](int status, std::string_view type) {
    return error_from_response(status, kProblemType,
                               R"({"type":")" + std::string(type) + R"(","detail":"d"})")
        .code();
  };
  EXPECT_EQ(code(409, kMismatchingOffsetType), Errc::kOffsetMismatch);
  EXPECT_EQ(code(400, kCompletedUploadType), Errc::kGone);
  EXPECT_EQ(code(422, kInconsistentLengthType), Errc::kMalformed);
}

TEST(ErrorFromResponse, EveryErrorComesBackAsItself) {
  for (int i = 0; i <= static_cast<int>(Errc::kCancelled); ++i) {
    const auto code = static_cast<Errc>(i);
    if (error_info(code).status == 0 || code == Errc::kIo) continue;  // kIo says kInternal outside
    const Error error(code, "detail of " + std::to_string(i));
    const Error back =
        error_from_response(error.info().status, kProblemType, problem_json(error, "r"));
    EXPECT_EQ(back.code(), code);
    EXPECT_EQ(back.detail(), error.detail());
  }
}

TEST(ErrorFromResponse, OtherServersAnswers) {
  EXPECT_EQ(error_from_response(404, "text/html", "<html>").code(), Errc::kNotFound);
  EXPECT_EQ(error_from_response(404, "text/html", "<html>").detail(), "the server answered 404");
  EXPECT_EQ(error_from_response(409, "", "").code(), Errc::kConflict);
  EXPECT_EQ(error_from_response(418, "", "").code(), Errc::kMalformed);
  EXPECT_EQ(error_from_response(502, "", "").code(), Errc::kUnavailable);
  EXPECT_EQ(error_from_response(599, "", "").code(), Errc::kInternal);
  EXPECT_EQ(error_from_response(302, "", "").code(), Errc::kNotImplemented);
  EXPECT_EQ(error_from_response(403, "text/plain; charset=utf-8", "no, you\r\nmore").detail(),
            "the server answered 403: no, you");
}

TEST(ErrorFromResponse, BadOrPartialDocuments) {
  const std::string type = "application/problem+json; charset=utf-8";
  EXPECT_EQ(error_from_response(503, type, "{").code(), Errc::kUnavailable);
  EXPECT_EQ(error_from_response(503, type, "[1]").code(), Errc::kUnavailable);
  EXPECT_EQ(error_from_response(503, type, R"({"type":7,"detail":[]})").code(), Errc::kUnavailable);
  EXPECT_EQ(error_from_response(422, type, R"({"type":"https://x/problems/size-mismatch"})").code(),
            Errc::kSizeMismatch);
  EXPECT_EQ(error_from_response(400, type, R"({"title":"Bad thing"})").detail(), "Bad thing");
  // A server cannot make this client believe that the client itself failed.
  EXPECT_EQ(error_from_response(500, type, R"({"type":"cancelled"})").code(), Errc::kInternal);
}

}  // namespace
}  // namespace strata::http
