#include <chrono>
#include <filesystem>
#include <thread>

#include "../support/raw_socket.h"
#include "../support/registry_fixture.h"

// GET /v1/changes: the feed of accepted entries, and requests that wait for the next one.
namespace strata::test {
namespace {

namespace json = boost::json;
using std::chrono::milliseconds;
using testing::HasSubstr;

constexpr UnixMillis kSecond = 1000;

class RegistryChangesTest : public RegistryFixture {
 protected:
  json::object changes(const std::string& query) { return get_json("/v1/changes" + query); }
  void publish_number(int number) {
    publish(image_of(std::to_string(number)), kSampleTime + number * kSecond);
  }
  RawSocket ask(const std::string& query, const std::string& method = "GET") {
    RawSocket socket(daemon_->port());
    EXPECT_TRUE(
        socket.send(method + " /v1/changes" + query + " HTTP/1.1\r\nHost: localhost\r\n\r\n"));
    return socket;
  }
  // Until so many requests wait.
  void await_waiting(int count) {
    const std::string wanted = "\nstrata_http_requests_waiting " + std::to_string(count) + "\n";
    const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(10);
    while (daemon_->get("/metrics").body.find(wanted) == std::string::npos) {
      ASSERT_LT(std::chrono::steady_clock::now(), deadline) << daemon_->get("/metrics").body;
      std::this_thread::sleep_for(milliseconds(5));
    }
  }
};

TEST_F(RegistryChangesTest, ListsAcceptedEntriesInOrderWithTheirDigests) {
  for (int i = 0; i < 5; ++i) publish_number(i);
  // A newer entry of an image that is there, and posts that are no change.
  const std::string newer = sign(image_of("0"), kSampleTime + 9 * kSecond);
  EXPECT_EQ(post(newer).head.status, 201);
  EXPECT_EQ(post(newer).head.status, 200);
  EXPECT_EQ(post(sign(image_of("0"))).head.status, 409);

  std::uint64_t since = 0;
  std::uint64_t expected = 0;
  std::string last_body;
  do {
    const json::object page = changes("?limit=4&since=" + std::to_string(since));
    EXPECT_EQ(page.at("last"), 6);
    for (const auto& change : page.at("changes").as_array()) {
      EXPECT_EQ(change.at("sequence"), ++expected);
      EXPECT_EQ(change.at("endorser"), "ops@images.example");
      const auto entry = http::Url::parse(std::string(change.at("entry").as_string()));
      last_body = daemon_->get(entry->target).body;
      EXPECT_THAT(entry->target, HasSubstr(std::string(change.at("identifier").as_string())));
      EXPECT_THAT(entry->target, HasSubstr(std::string(change.at("created").as_string())));
      EXPECT_EQ(change.at("document").at("sha-256"),
                json::string(digest::digest_of(last_body).sha256.hex()));
      EXPECT_EQ(change.at("document").at("bytes"), last_body.size());
    }
    since = page.at("next").to_number<std::uint64_t>();
  } while (since < 6 && expected == since);
  EXPECT_EQ(expected, 6U);
  EXPECT_EQ(last_body, newer);
  EXPECT_EQ(changes("?since=5").at("changes").as_array().size(), 1U);
  EXPECT_EQ(changes("?since=6").at("changes").as_array().size(), 0U);
}

TEST_F(RegistryChangesTest, AnswersHeadAndRefusesWhatItDoesNotKnow) {
  publish_number(1);
  const auto reply = ask("", "HEAD").read_reply(true);
  EXPECT_EQ(reply.status, 200);
  EXPECT_EQ(reply.field("Content-Length"), std::to_string(daemon_->get("/v1/changes").body.size()));
  EXPECT_EQ(reply.field("Cache-Control"), "no-store");
  for (const char* bad :
       {"since=-1", "since=x", "since=1.0", "since=99999999999999999999", "limit=0",
        "limit=1000000000", "wait=-1", "wait=forever", "wait=1.5", "sort=created", "%20=1"}) {
    EXPECT_EQ(status_of("/v1/changes?" + std::string(bad)), 400) << bad;
  }
  EXPECT_EQ(status_of("/v1/changes/1"), 404);
  const auto posted = ask("", "DELETE").read_reply();
  EXPECT_EQ(posted.status, 405);
}

TEST_F(RegistryChangesTest, APageEndsWhereItsDocumentsAreTooMany) {
  restart_with("[limits]\nlist_bytes_max = 5000\n");
  for (int i = 0; i < 4; ++i) publish_number(i);
  const json::object page = changes("");
  const std::size_t count = page.at("changes").as_array().size();
  EXPECT_LT(count, 4U);
  EXPECT_GE(count, 1U);
  EXPECT_EQ(page.at("next"), count);
  EXPECT_EQ(page.at("last"), 4);
}

// A peer whose position is ahead of ours, or of another store, must be able to notice.
TEST_F(RegistryChangesTest, AStoreThatBeganAnewIsKnownByItsId) {
  publish_number(1);
  const json::object before = changes("?since=7");
  EXPECT_EQ(before.at("changes").as_array().size(), 0U);
  EXPECT_EQ(before.at("next"), 7);
  EXPECT_EQ(before.at("last"), 1);
  stop();
  start();
  EXPECT_EQ(changes("").at("store"), before.at("store"));
  stop();
  std::filesystem::remove_all(folder_.path() + "/entries");
  start();
  publish_number(1);
  EXPECT_NE(changes("").at("store"), before.at("store"));
  stop();
  std::ofstream(folder_.path() + "/registry.id") << "nonsense\n";
  const Finished refused = run_program(registry_command(folder_.path()));
  EXPECT_EQ(refused.code, 1);
  EXPECT_THAT(refused.output, HasSubstr("registry.id does not hold 32 lowercase hex digits"));
}

TEST_F(RegistryChangesTest, WaitsForTheNextEntry) {
  publish_number(1);
  EXPECT_EQ(changes("?wait=60").at("changes").as_array().size(), 1U);  // at once
  RawSocket waiting = ask("?since=1&wait=60");
  await_waiting(1);
  const auto begin = std::chrono::steady_clock::now();
  publish_number(2);
  const auto reply = waiting.read_reply();
  EXPECT_LT(std::chrono::steady_clock::now() - begin, std::chrono::seconds(5));
  EXPECT_EQ(reply.status, 200);
  const json::object page = json::parse(reply.body).as_object();
  EXPECT_EQ(page.at("changes").at(0).at("sequence"), 2);
  EXPECT_EQ(page.at("next"), 2);
  // The connection goes on, and waits again.
  ASSERT_TRUE(waiting.send("GET /v1/changes?since=2&wait=60 HTTP/1.1\r\nHost: localhost\r\n\r\n"));
  await_waiting(1);
  publish_number(3);
  EXPECT_THAT(waiting.read_reply().body, HasSubstr("\"sequence\":3"));
}

// Ahead of the store, because that was reset or restored: the peer must notice, not wait for it.
TEST_F(RegistryChangesTest, APeerAheadOfTheStoreIsAnsweredAtOnce) {
  publish_number(1);
  const auto begin = std::chrono::steady_clock::now();
  RawSocket ahead = ask("?since=2&wait=30");
  EXPECT_THAT(ahead.read_reply().body, HasSubstr("\"changes\":[],\"next\":2,\"last\":1"));
  EXPECT_LT(std::chrono::steady_clock::now() - begin, std::chrono::seconds(15));
}

TEST_F(RegistryChangesTest, WaitsNoLongerThanItMay) {
  // Waiting is not idling: neither the library's timeout nor the watchdog ends it.
  restart_with("[limits]\nlong_poll_max = 3\nkeep_alive_idle = 1\nheader_timeout = 1\n");
  const auto begin = std::chrono::steady_clock::now();
  RawSocket longest = ask("?wait=1000000000");
  RawSocket head = ask("?wait=1", "HEAD");
  EXPECT_EQ(head.read_reply(true).status, 200);
  const auto first = std::chrono::steady_clock::now() - begin;
  EXPECT_GE(first, milliseconds(1000));
  EXPECT_LT(first, milliseconds(2900));
  const auto reply = longest.read_reply();
  EXPECT_GE(std::chrono::steady_clock::now() - begin, milliseconds(3000));
  EXPECT_EQ(reply.status, 200);
  EXPECT_THAT(reply.body, HasSubstr("\"changes\":[]"));
}

TEST_F(RegistryChangesTest, ManyWaitWithoutAThreadEachAndAllAreWoken) {
  restart_with("threads = 2\n");
  std::vector<RawSocket> waiting;
  for (int i = 0; i < 200; ++i) waiting.push_back(ask("?wait=60"));
  await_waiting(200);
  EXPECT_EQ(daemon_->get("/healthz").body, "ok\n");
  publish_number(1);
  for (RawSocket& socket : waiting) {
    EXPECT_THAT(socket.read_reply().body, HasSubstr("\"sequence\":1"));
  }
  await_waiting(0);
}

TEST_F(RegistryChangesTest, MoreThanMayWaitAreAnsweredAtOnce) {
  restart_with("[limits]\nlong_polls_max = 2\n");
  RawSocket first = ask("?wait=60");
  RawSocket second = ask("?wait=60");
  await_waiting(2);
  EXPECT_EQ(changes("?wait=60").at("changes").as_array().size(), 0U);
  first.reset();
  await_waiting(1);
  RawSocket third = ask("?wait=60");
  await_waiting(2);
}

TEST_F(RegistryChangesTest, AClientThatGoesAwayLeavesNothingBehind) {
  {
    const RawSocket closed = ask("?wait=60");
    RawSocket reset = ask("?wait=60");
    await_waiting(2);
    reset.reset();
    await_waiting(1);
  }
  await_waiting(0);
  // Half closed: given up, too. libmicrohttpd sometimes closes before it sends the answer.
  RawSocket half = ask("?wait=60");
  await_waiting(1);
  half.shutdown_send();
  (void)half.read_to_end();
  await_waiting(0);
  // The next request of the connection waits for its turn.
  RawSocket two = ask("?wait=1");
  ASSERT_TRUE(two.send("GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n"));
  EXPECT_THAT(two.read_reply().body, HasSubstr("\"changes\":[]"));
  EXPECT_EQ(two.read_reply().body, "ok\n");
  // Connections are counted down after their requests.
  two.reset();
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(10);
  while (daemon_->get("/metrics").body.find("\nstrata_http_connections 1\n") == std::string::npos) {
    ASSERT_LT(std::chrono::steady_clock::now(), deadline) << daemon_->get("/metrics").body;
  }
}

TEST_F(RegistryChangesTest, ADrainAnswersThemAndDoesNotWait) {
  std::vector<RawSocket> waiting;
  for (int i = 0; i < 20; ++i) waiting.push_back(ask("?wait=60"));
  await_waiting(20);
  const auto begin = std::chrono::steady_clock::now();
  daemon_->signal(SIGTERM);
  for (RawSocket& socket : waiting) {
    const auto reply = socket.read_reply();
    EXPECT_EQ(reply.status, 200);
    EXPECT_EQ(reply.field("Connection"), "close");
    EXPECT_TRUE(socket.closed_cleanly());
  }
  EXPECT_EQ(daemon_->wait(), 0);
  EXPECT_LT(std::chrono::steady_clock::now() - begin, std::chrono::seconds(10));
}

// Waiters come, go and are woken at the same time.
TEST_F(RegistryChangesTest, SurvivesWakesAndDeparturesAtOnce) {
  std::vector<std::thread> peers;
  for (int i = 0; i < 8; ++i) {
    peers.emplace_back([this, i] {
      std::uint64_t next = 0;
      for (int round = 0; next < 20; ++round) {
        RawSocket socket = ask("?since=" + std::to_string(next) + "&wait=20");
        if (round % 3 == i % 3) continue;  // goes away while it waits, or just after
        const auto reply = socket.read_reply();
        ASSERT_EQ(reply.status, 200);
        next = json::parse(reply.body).at("next").to_number<std::uint64_t>();
      }
    });
  }
  for (int i = 1; i <= 20; ++i) publish_number(i);
  for (std::thread& peer : peers) peer.join();
  await_waiting(0);
}

}  // namespace
}  // namespace strata::test
