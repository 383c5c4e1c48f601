#include "storage/client/storage_api.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <mutex>

#include "tests/support/image_document.h"
#include "tests/support/scripted_server.h"

// The typed calls, against a server that answers from a table.
namespace strata::client {
namespace {

using test::image_document;
using test::kEvery;
using test::Peer;
using test::plain_response;
using test::ScriptedServer;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

constexpr const char* kId = "0192f0c1-2345-7abc-8def-0123456789ab";
constexpr const char* kOtherId = "0192f0c1-2345-7abc-8def-0123456789ac";
constexpr const char* kJson = "Content-Type: application/json\r\n";

std::string page_of(std::initializer_list<std::string> images) {
  std::string body = "{\"images\": [";
  for (const std::string& image : images) body += (body.back() == '[' ? "" : ", ") + image;
  return body + "]}";
}

class Api : public testing::Test {
 protected:
  // Request line (method and target) -> response; others get 404 with a problem.
  std::map<std::string, std::string> table_;

  StorageApi api() { return StorageApi({*http::Url::parse(server_.url()), {}, {}}); }
  std::vector<std::string> lines() {
    const std::lock_guard lock(mutex_);
    return lines_;
  }
  std::string last_body() {
    const std::lock_guard lock(mutex_);
    return body_;
  }

 private:
  void serve(Peer& peer) {
    for (std::string head; !(head = peer.read_head()).empty();) {
      const std::string line = head.substr(0, head.find(" HTTP/"));
      const std::size_t length = head.find("Content-Length: ");
      const std::lock_guard lock(mutex_);
      if (length != std::string::npos) {
        body_ = peer.read_exactly(static_cast<std::size_t>(std::stoul(head.substr(length + 16))));
      }
      lines_.push_back(line);
      const auto found = table_.find(line);
      peer.write(found != table_.end()
                     ? found->second
                     : plain_response(R"({"type":"not-found","detail":"nothing here"})", "404 No",
                                      "Content-Type: application/problem+json\r\n"));
    }
  }
  std::mutex mutex_;
  std::vector<std::string> lines_;
  std::string body_;
  ScriptedServer server_{kEvery, [this](Peer& peer) { serve(peer); }};
};

TEST_F(Api, PagesFollowTheLink) {
  const std::string first = page_of({image_document("1", "one")});
  const std::string second = page_of({image_document("2", "two", kOtherId)});
  // The public URL in the link may differ from the address that is asked.
  table_["GET /v1/images?visibility=public&tag=a%20b&limit=1"] =
      plain_response(first, "200 OK",
                     "Link: <https://public.example/x>; rel=\"prev\", "
                     "<https://public.example/v1/images?cursor=a%2Fb&limit=1>; rel=\"next\"\r\n");
  table_["GET /v1/images?cursor=a%2Fb&limit=1"] = plain_response(second, "200 OK", kJson);
  auto storage = api();
  StorageApi::Filter filter;
  filter.visibility = "public";
  filter.tag = "a b";
  filter.limit = 1;
  const auto page = storage.list(filter);
  ASSERT_TRUE(page) << page.error().message();
  EXPECT_EQ(page->json, first);
  ASSERT_EQ(page->images.size(), 1U);
  EXPECT_EQ(page->images[0].name, "one");
  EXPECT_EQ(page->images[0].owner_name, "Olga");
  EXPECT_EQ(page->images[0].decoded, digest::digest_of("1"));
  ASSERT_TRUE(page->next);
  const auto last = storage.next_page(*page->next);
  ASSERT_TRUE(last) << last.error().message();
  EXPECT_EQ(last->images[0].name, "two");
  EXPECT_FALSE(last->next);
}

TEST_F(Api, ShowAndRemove) {
  const std::string target = std::string("/v1/images/") + kId;
  table_["GET " + target] = plain_response(image_document("1"), "200 OK", kJson);
  table_["DELETE " + target] = "HTTP/1.1 204 No Content\r\n\r\n";
  auto storage = api();
  const auto image = storage.show(*ImageId::parse(kId));
  ASSERT_TRUE(image) << image.error().message();
  EXPECT_EQ(image->json, image_document("1"));
  EXPECT_EQ(image->registration_state, "pending");
  EXPECT_EQ(image->entry_url, "");
  EXPECT_TRUE(storage.remove(image->id));
  const auto missing = storage.remove(*ImageId::parse(kOtherId));
  ASSERT_FALSE(missing);
  EXPECT_EQ(missing.error().code(), Errc::kNotFound);
  EXPECT_EQ(missing.error().detail(), "nothing here");
}

TEST_F(Api, ResolveTriesTheFormThatFits) {
  const std::string document = image_document("1");
  const DigestSet set = digest::digest_of("1");
  const std::string identifier = Identifier::from_sha1(set.sha1).text();
  const std::string page = plain_response(page_of({document}), "200 OK", kJson);
  table_[std::string("GET /v1/images/") + kId] = plain_response(document, "200 OK", kJson);
  table_["GET /v1/images?identifier=" + identifier + "&limit=20"] = page;
  table_["GET /v1/images?sha256=" + set.sha256.hex() + "&limit=20"] = page;
  table_["GET /v1/images?name=my%20disk&limit=20"] = page;
  auto storage = api();
  for (const std::string& text :
       {std::string(kId), identifier, "sha256:" + set.sha256.hex(), std::string("my disk")}) {
    const auto image = storage.resolve(text);
    ASSERT_TRUE(image) << text << ": " << image.error().message();
    EXPECT_EQ(image->id.text(), kId);
  }
  EXPECT_EQ(storage.resolve("sha256:abc").error().code(), Errc::kUsage);
}

TEST_F(Api, ResolveOfNothingAndOfSeveral) {
  const std::string none = plain_response(page_of({}), "200 OK", kJson);
  table_["GET /v1/images?name=none&limit=20"] = none;
  table_["GET /v1/images?name=two&limit=20"] = plain_response(
      page_of({image_document("1", "two"), image_document("2", "two", kOtherId)}), "200 OK", kJson);
  auto storage = api();
  EXPECT_EQ(storage.resolve("none").error().code(), Errc::kNotFound);
  const auto two = storage.resolve("two");
  ASSERT_FALSE(two);
  EXPECT_EQ(two.error().code(), Errc::kAmbiguous);
  EXPECT_THAT(two.error().detail(), HasSubstr(kId));
  EXPECT_THAT(two.error().detail(), HasSubstr(kOtherId));
}

TEST_F(Api, AnIdentifierThatNobodyHasMayBeAName) {
  const std::string name(27, 'A');
  table_["GET /v1/images?identifier=" + name + "&limit=20"] =
      plain_response(page_of({}), "200 OK", kJson);
  table_["GET /v1/images?name=" + name + "&limit=20"] =
      plain_response(page_of({image_document("1", name)}), "200 OK", kJson);
  EXPECT_EQ(api().resolve(name)->name, name);
  EXPECT_EQ(lines().size(), 2U);
}

TEST_F(Api, AnswersThatAreNotUnderstood) {
  const std::string good = image_document("1");
  std::string no_bytes = good;
  no_bytes.replace(no_bytes.find("\"bytes\": 1"), 10, "\"bytes\":-1");
  std::string bad_digest = good;
  bad_digest.replace(bad_digest.find("\"sha-256\": \"") + 12, 1, "x");
  auto storage = api();
  for (const std::string& body : {std::string(), std::string("[]"), std::string("{}"), no_bytes,
                                  bad_digest, good.substr(0, good.size() - 1)}) {
    table_[std::string("GET /v1/images/") + kId] = plain_response(body, "200 OK", kJson);
    const auto image = storage.show(*ImageId::parse(kId));
    ASSERT_FALSE(image) << body;
    EXPECT_EQ(image.error().code(), Errc::kMalformed) << body;
  }
}

TEST_F(Api, Tickets) {
  table_[std::string("POST /v1/images/") + kId + "/tickets"] =
      plain_response(R"({"url":"https://public.example/t"})", "201 Created", kJson);
  const auto url =
      api().ticket(*ImageId::parse(kId), StorageApi::View::kDecoded, std::chrono::seconds(60));
  ASSERT_TRUE(url) << url.error().message();
  EXPECT_EQ(*url, "https://public.example/t");
  EXPECT_EQ(last_body(), R"({"expires_in":60,"view":"decoded"})");
}

}  // namespace
}  // namespace strata::client
