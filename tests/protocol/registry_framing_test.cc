#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>

#include "../support/raw_socket.h"
#include "../support/registry_process.h"

// strata-registry on raw sockets: framing, sizes, slow peers, hosts (B14, B16, B18).
namespace strata::test {
namespace {

using testing::HasSubstr;

class RegistryFramingTest : public testing::Test {
 protected:
  static void SetUpTestSuite() {
    folder_ = new TemporaryDirectory;
    const std::string config = folder_->path() + "/registry.toml";
    std::ofstream(config) << "[limits]\nheader_timeout = 1\nrate_window = 1\nkeep_alive_idle = 2\n";
    daemon_ = new DaemonProcess(registry_command(folder_->path(), {"--config", config}));
  }
  static void TearDownTestSuite() {
    delete daemon_;
    delete folder_;
  }
  RawSocket::Reply ask(const std::string& bytes) {
    RawSocket socket(daemon_->port());
    EXPECT_TRUE(socket.send(bytes));
    return socket.read_reply();
  }
  static std::string request(const std::string& line, const std::string& fields = {}) {
    return line + " HTTP/1.1\r\nHost: 127.0.0.1\r\n" + fields + "\r\n";
  }
  // Whatever came before, the daemon answers the next one.
  void TearDown() override { EXPECT_EQ(ask(request("GET /healthz")).status, 200); }

  static TemporaryDirectory* folder_;
  static DaemonProcess* daemon_;
};

TemporaryDirectory* RegistryFramingTest::folder_ = nullptr;
DaemonProcess* RegistryFramingTest::daemon_ = nullptr;

TEST_F(RegistryFramingTest, AmbiguousFramingIsRefusedAndTheConnectionClosed) {
  const std::string smuggled = request("GET /smuggled");
  for (const std::string& fields :
       {std::string("Content-Length: 4\r\nTransfer-Encoding: chunked\r\n"),
        std::string("Content-Length: 4\r\nContent-Length: 4\r\n"),
        std::string("Content-Length: 4\r\nContent-Length: 5\r\n"),
        std::string("Content-Length: 4, 4\r\n"), std::string("Content-Length: +4\r\n"),
        std::string("Content-Length: 0x4\r\n"), std::string("Content-Length: -1\r\n"),
        std::string("Content-Length: 99999999999999999999\r\n"),
        std::string("Transfer-Encoding: chunked, identity\r\n"),
        std::string("Transfer-Encoding: gzip\r\n"),
        std::string("Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n"),
        std::string("Host: other\r\n")}) {
    RawSocket socket(daemon_->port());
    ASSERT_TRUE(socket.send(request("POST /metadata", "Content-Type: text/xml\r\n" + fields) +
                            "0\r\n\r\n" + smuggled));
    const auto reply = socket.read_reply();
    EXPECT_TRUE(reply.status == 400 || reply.status == 413 || reply.status == 501)
        << fields << reply.head;
    // The stream ends, and what followed was not taken for a request: that would be a 404.
    const std::string rest = socket.read_to_end();
    EXPECT_THAT(rest, testing::Not(HasSubstr(" 404 "))) << fields;
  }
}

TEST_F(RegistryFramingTest, BadHeadsAreRefused) {
  EXPECT_EQ(ask("GET / HTTP/1.1\r\n\r\n").status, 400);
  EXPECT_EQ(ask(request("GET /", "Name : value\r\n")).status, 400);
  EXPECT_EQ(ask(request("GET /%00")).status, 400);
  EXPECT_EQ(ask(request("GET /%zz")).status, 400);
  const std::string long_field = "X: " + std::string(40'000, 'x') + "\r\n";
  const int too_long = ask(request("GET /", long_field)).status;
  EXPECT_EQ(too_long, 431);
  std::string many;
  for (int i = 0; i < 200; ++i) many += "X" + std::to_string(i) + ": y\r\n";
  EXPECT_EQ(ask(request("GET /", many)).status, 431);
  EXPECT_EQ(ask(request("GET /" + std::string(9000, 'a'))).status, 414);
}

TEST_F(RegistryFramingTest, OtherHostsAreMisdirected) {
  EXPECT_EQ(ask("GET / HTTP/1.1\r\nHost: evil.example\r\n\r\n").status, 421);
  EXPECT_EQ(ask("GET http://evil.example/ HTTP/1.1\r\nHost: evil.example\r\n\r\n").status, 421);
  EXPECT_EQ(ask("GET http://evil.example/ HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n").status, 400);
  EXPECT_EQ(ask("GET /healthz HTTP/1.0\r\n\r\n").status, 200);
  EXPECT_EQ(ask("GET /healthz HTTP/1.1\r\nHost: localhost:99\r\n\r\n").status, 200);
  EXPECT_EQ(ask("GET /healthz HTTP/1.1\r\nHost: [::1]\r\n\r\n").status, 200);
}

TEST_F(RegistryFramingTest, TooLongABodyIsRefusedBeforeItIsSent) {
  RawSocket socket(daemon_->port());
  ASSERT_TRUE(socket.send(
      request("POST /metadata", "Content-Type: text/xml\r\nContent-Length: 1048577\r\n")));
  EXPECT_EQ(socket.read_reply().status, 413);
  // And the answer survives a client that sends on.
  RawSocket eager(daemon_->port());
  (void)eager.send(
      request("POST /metadata", "Content-Type: text/xml\r\nContent-Length: 4000000\r\n"));
  (void)eager.send(std::string(2'000'000, 'x'));
  EXPECT_EQ(eager.read_reply().status, 413);
  EXPECT_EQ(ask(request("GET /healthz", "Content-Length: 1\r\n") + "x").status, 413);
}

TEST_F(RegistryFramingTest, TooLongAChunkedBodyIsRefused) {
  RawSocket socket(daemon_->port());
  ASSERT_TRUE(socket.send(
      request("POST /metadata", "Content-Type: text/xml\r\nTransfer-Encoding: chunked\r\n")));
  const std::string chunk = "10000\r\n" + std::string(0x10000, 'x') + "\r\n";
  for (int i = 0; i < 17; ++i) ASSERT_TRUE(socket.send(chunk));
  ASSERT_TRUE(socket.send("0\r\n\r\n"));
  EXPECT_EQ(socket.read_reply().status, 413);
}

TEST_F(RegistryFramingTest, ASmallChunkedBodyIsRead) {
  const std::string document = signed_document(image_of("chunked"), sample_endorser());
  char size[32];
  std::snprintf(size, sizeof(size), "%zx\r\n", document.size());
  EXPECT_EQ(
      ask(request("POST /metadata", "Content-Type: text/xml\r\nTransfer-Encoding: chunked\r\n") +
          size + document + "\r\n0\r\n\r\n")
          .status,
      201);
}

TEST_F(RegistryFramingTest, ExpectContinueIsAnswered) {
  const std::string document = signed_document(image_of("expected"), sample_endorser());
  RawSocket socket(daemon_->port());
  ASSERT_TRUE(socket.send(request("POST /metadata",
                                  "Content-Type: text/xml\r\nExpect: 100-continue\r\n"
                                  "Content-Length: " +
                                      std::to_string(document.size()) + "\r\n")));
  EXPECT_THAT(socket.read_head(), HasSubstr(" 100 "));
  ASSERT_TRUE(socket.send(document));
  EXPECT_EQ(socket.read_reply().status, 201);
}

TEST_F(RegistryFramingTest, ConnectionsAreKeptAndHeadHasNoBody) {
  RawSocket socket(daemon_->port());
  for (int i = 0; i < 3; ++i) {
    ASSERT_TRUE(socket.send(request("HEAD /healthz")));
    const auto reply = socket.read_reply(true);
    EXPECT_EQ(reply.status, 200);
    EXPECT_EQ(reply.field("Content-Length"), "3");
  }
}

TEST_F(RegistryFramingTest, MethodsThatAreNotThereNameThoseThatAre) {
  const auto reply = ask(request("DELETE /metadata"));
  EXPECT_EQ(reply.status, 405);
  EXPECT_EQ(reply.field("Allow"), "GET, HEAD, POST");
  EXPECT_EQ(ask(request("POST /v1/entries", "Content-Length: 0\r\n")).status, 405);
}

// B16: a byte now and then does not keep a connection.
TEST_F(RegistryFramingTest, SlowHeadersAndBodiesAreCut) {
  RawSocket head(daemon_->port());
  RawSocket body(daemon_->port());
  ASSERT_TRUE(head.send("GET / HTTP/1.1\r\nHost: 127.0.0.1\r\n"));
  ASSERT_TRUE(
      body.send(request("POST /metadata", "Content-Type: text/xml\r\nContent-Length: 1000\r\n")));
  for (RawSocket* socket : {&head, &body}) {
    bool open = true;
    // 100 bytes at most: 20 s, against limits of 1 s.
    for (int i = 0; i < 100 && open; ++i) {
      open = socket->send("x");
      socket->patience = std::chrono::milliseconds(200);
      const auto got = socket->receive();
      open = open && !(got && got->empty());
      if (!got && !socket->send("x")) open = false;
    }
    EXPECT_FALSE(open);
  }
}

}  // namespace
}  // namespace strata::test
