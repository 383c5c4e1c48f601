#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <future>
#include <string>
#include <vector>

#include "tests/protocol/client_requests.h"

// http::Client sending bodies: early refusals, 100-continue, sources that fail.
namespace strata::http {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

TEST(ClientUpload, AnEarlyRefusalIsReturnedAndEndsTheUpload) {
  ScriptedServer server({[&](Peer& peer) {
    peer.read_head();
    peer.read_exactly(1 << 20);
    peer.write(plain_response("too large", "413 Content Too Large", "Connection: close\r\n"));
    peer.read_to_end();
  }});
  std::uint64_t produced = 0;
  auto client = client_of(server);
  const auto response = client.send(upload(100 * kGiB, produced));
  ASSERT_TRUE(response) << response.error().message();
  EXPECT_EQ(response->head.status, 413);
  EXPECT_EQ(response->body, "too large");
  EXPECT_LT(produced, 1 * kGiB);
}

// The server does not read any more and closes: its answer is followed by a reset.
TEST(ClientUpload, AnEarlyRefusalSurvivesTheReset) {
  for (int round = 0; round < 20; ++round) {
    ScriptedServer server({[&](Peer& peer) {
      peer.read_head();
      peer.write(plain_response("no", "401 Unauthorized"));
      peer.close();  // with unread data: the kernel sends RST
    }});
    std::uint64_t produced = 0;
    auto client = client_of(server);
    const auto response = client.send(upload(100 * kGiB, produced));
    ASSERT_TRUE(response) << response.error().message();
    EXPECT_EQ(response->head.status, 401);
  }
}

TEST(ClientUpload, AServerThatVanishesInMidUploadIsLost) {
  ScriptedServer server({[&](Peer& peer) {
    peer.read_head();
    peer.read_exactly(1 << 20);
    peer.reset();
  }});
  std::uint64_t produced = 0;
  auto client = client_of(server);
  EXPECT_EQ(code_of(client.send(upload(100 * kGiB, produced))), Errc::kConnectionLost);
  EXPECT_EQ(server.connections(), 1U) << "a body that was partly sent is not sent again";
}

TEST(ClientUpload, UploadsWithAndWithoutLength) {
  std::string head;
  std::uint64_t received = 0;
  ScriptedServer server(kEvery, [&](Peer& peer) {
    head = peer.read_head();
    if (head.find("chunked") == std::string::npos) {
      received = peer.read_exactly(3'000'000).size();
    } else {
      received = peer.read_exactly(std::strlen("7\r\nchunk 1\r\n3\r\nend\r\n0\r\n\r\n")) ==
                         "7\r\nchunk 1\r\n3\r\nend\r\n0\r\n\r\n"
                     ? 10
                     : 0;
    }
    peer.write(plain_response("done", "201 Created"));
    peer.read_to_end();
  });
  auto client = client_of(server);
  std::uint64_t produced = 0;
  ASSERT_TRUE(client.send(upload(3'000'000, produced)));
  EXPECT_EQ(received, 3'000'000U);
  EXPECT_THAT(head, HasSubstr("Content-Length: 3000000\r\n"));

  auto chunked = upload(0, produced);
  chunked.length.reset();
  std::vector<std::string> pieces = {"end", "chunk 1"};
  chunked.source = [&](std::span<std::byte> out) -> Result<std::size_t> {
    if (pieces.empty()) return std::size_t{0};
    const std::string piece = pieces.back();
    pieces.pop_back();
    std::memcpy(out.data(), piece.data(), piece.size());
    return piece.size();
  };
  auto fresh = client_of(server);
  ASSERT_TRUE(fresh.send(chunked));
  EXPECT_EQ(received, 10U);
  EXPECT_THAT(head, HasSubstr("Transfer-Encoding: chunked\r\n"));
  EXPECT_THAT(head, Not(HasSubstr("Content-Length")));
}

TEST(ClientUpload, AFailedOrShortSourceCutsTheConnectionInMidBody) {
  std::promise<std::size_t> received;
  ScriptedServer server({[&](Peer& peer) {
                           peer.read_head();
                           received.set_value(peer.read_to_end().size());
                         },
                         [&](Peer& peer) { peer.read_to_end(); }});
  auto client = client_of(server);
  std::uint64_t produced = 0;
  auto failing = upload(1000, produced);
  bool first = true;
  failing.source = [&](std::span<std::byte> out) -> Result<std::size_t> {
    if (!std::exchange(first, false)) return Error(Errc::kCorruptData, "disk");
    out[0] = std::byte{'x'};
    return std::size_t{1};
  };
  EXPECT_EQ(code_of(client.send(failing)), Errc::kCorruptData);
  EXPECT_EQ(received.get_future().get(), 1U);

  auto ending = upload(1000, produced);
  ending.length = 2000;
  EXPECT_EQ(code_of(client.send(ending)), Errc::kIo);
}

TEST(ClientUpload, ContinueIsWaitedFor) {
  std::uint64_t produced = 0;
  std::uint64_t produced_before_continue = 1;
  std::string head;
  ScriptedServer server({[&](Peer& peer) {
    head = peer.read_head();
    produced_before_continue = produced;
    peer.write("HTTP/1.1 100 Continue\r\n\r\n");
    peer.read_exactly(100);
    peer.write(plain_response("", "201 Created"));
    peer.read_to_end();
  }});
  auto client = client_of(server);
  auto request = upload(100, produced);
  request.expect_continue = true;
  const auto response = client.send(request);
  ASSERT_TRUE(response) << response.error().message();
  EXPECT_EQ(response->head.status, 201);
  EXPECT_EQ(produced_before_continue, 0U);
  EXPECT_THAT(head, HasSubstr("Expect: 100-continue\r\n"));
}

TEST(ClientUpload, ARefusalInsteadOfContinueSavesTheBody) {
  ScriptedServer server(kEvery, [&](Peer& peer) {
    peer.read_head();
    peer.write(plain_response("", "507 Insufficient Storage"));
    peer.read_to_end();
  });
  auto client = client_of(server);
  std::uint64_t produced = 0;
  auto request = upload(100, produced);
  request.expect_continue = true;
  const auto response = client.send(request);
  ASSERT_TRUE(response) << response.error().message();
  EXPECT_EQ(response->head.status, 507);
  EXPECT_EQ(produced, 0U);
  // The body it announced was not sent, so the connection cannot go on.
  ASSERT_TRUE(client.send(get()));
  EXPECT_EQ(server.connections(), 2U);
}

TEST(ClientUpload, AServerThatIgnoresExpectGetsTheBodyAfterASecond) {
  ScriptedServer server({[&](Peer& peer) {
    peer.read_head();
    if (peer.read_exactly(100).size() == 100) peer.write(plain_response("", "201 Created"));
    peer.read_to_end();
  }});
  auto client = client_of(server);
  std::uint64_t produced = 0;
  auto request = upload(100, produced);
  request.expect_continue = true;
  const auto response = client.send(request);
  ASSERT_TRUE(response) << response.error().message();
  EXPECT_EQ(response->head.status, 201);
}

constexpr std::string_view k104 = "HTTP/1.1 104 Upload Resumption Supported\r\n";

// The server reads no further before the client has understood where its upload lives.
TEST(ClientUpload, InterimResponsesAreSeenWhileTheBodyIsSent) {
  for (const bool in_memory : {false, true}) {
    std::promise<void> seen;
    ScriptedServer server({[&](Peer& peer) {
      peer.read_head();
      peer.read_exactly(1 << 20);
      peer.write(std::string(k104) + "Location: /u/1\r\n\r\n");
      if (seen.get_future().wait_for(std::chrono::seconds(10)) != std::future_status::ready) return;
      peer.read_exactly((16 << 20) - (1 << 20));
      peer.write(std::string(k104) + "Upload-Offset: 16777216\r\n\r\n" +
                 plain_response("", "201 Created"));
      peer.read_to_end();
    }});
    auto client = client_of(server);
    std::uint64_t produced = 0;
    auto request = upload(16 * kMiB, produced);
    if (in_memory) {
      request.source = {};
      request.body = std::string(16 * kMiB, 'x');
    }
    std::vector<std::string> told;
    request.on_interim = [&](const ResponseHead& head) {
      EXPECT_EQ(head.status, 104);
      EXPECT_FALSE(told.empty() && !in_memory && produced == 16 * kMiB);
      const std::string offset(head.headers.get("Upload-Offset").value_or(""));
      told.push_back(std::string(head.headers.get("Location").value_or("")) + offset);
      if (told.size() == 1) seen.set_value();
    };
    request.on_head = [&](const ResponseHead&) -> Status {
      EXPECT_EQ(told.size(), 2U);
      return {};
    };
    const auto response = client.send(request);
    ASSERT_TRUE(response) << response.error().message();
    EXPECT_EQ(response->head.status, 201);
    EXPECT_EQ(told, (std::vector<std::string>{"/u/1", "16777216"}));
  }
}

TEST(ClientUpload, ContinueIsNoneOfTheInterimResponses) {
  ScriptedServer server({[&](Peer& peer) {
    peer.read_head();
    peer.write(std::string(k104) + "Location: /u/1\r\n\r\nHTTP/1.1 100 Continue\r\n\r\n");
    peer.read_exactly(100);
    peer.write(plain_response("", "201 Created"));
    peer.read_to_end();
  }});
  auto client = client_of(server);
  std::uint64_t produced = 0;
  auto request = upload(100, produced);
  request.expect_continue = true;
  std::vector<int> statuses;
  request.on_interim = [&](const ResponseHead& head) { statuses.push_back(head.status); };
  ASSERT_TRUE(client.send(request));
  EXPECT_EQ(statuses, std::vector<int>{104});
}

// One report for each 64 KiB: hundreds, most of them when all has left our own buffers.
TEST(ClientUpload, ALongUploadMayReportItsProgress) {
  ScriptedServer server({[&](Peer& peer) {
    peer.read_head();
    for (int i = 1; i <= 512; ++i) {
      peer.read_exactly(64 * kKiB);
      peer.write(std::string(k104) + "Upload-Offset: " + std::to_string(i * 65536) + "\r\n\r\n");
    }
    peer.write(plain_response("", "201 Created"));
    peer.read_to_end();
  }});
  auto client = client_of(server);
  std::uint64_t produced = 0;
  auto request = upload(32 * kMiB, produced);
  std::string last;
  int count = 0;
  request.on_interim = [&](const ResponseHead& head) {
    ++count;
    last = head.headers.get("Upload-Offset").value_or("");
  };
  const auto response = client.send(request);
  ASSERT_TRUE(response) << response.error().message();
  EXPECT_EQ(count, 512);
  EXPECT_EQ(last, "33554432");
}

TEST(ClientUpload, AServerThatOnlyReportsIsLeft) {
  ScriptedServer server({[&](Peer& peer) {
    peer.read_head();
    peer.read_exactly(100 * kKiB);
    while (peer.write(std::string(k104) + "\r\n")) {
    }
  }});
  auto client = client_of(server);
  std::uint64_t produced = 0;
  auto request = upload(100 * kKiB, produced);
  std::size_t count = 0;
  request.on_interim = [&](const ResponseHead&) { ++count; };
  EXPECT_EQ(code_of(client.send(request)), Errc::kMalformed);
  EXPECT_EQ(count, 64U + 100 / 16);  // the head is not worth another
}

TEST(ClientUpload, AServerThatDoesNotReadTimesOut) {
  std::promise<void> done;
  auto ended = done.get_future();
  ScriptedServer server({[&](Peer& peer) {
    peer.read_head();
    ended.wait();
  }});
  ClientOptions options;
  options.io_timeout = milliseconds(150);
  std::uint64_t produced = 0;
  EXPECT_EQ(code_of(client_of(server, options).send(upload(100 * kGiB, produced))),
            Errc::kUnreachable);
  done.set_value();
}

TEST(ClientUpload, StopEndsAnUpload) {
  std::stop_source stop;
  ScriptedServer server({[&](Peer& peer) {
    peer.read_head();
    peer.read_exactly(10 << 20);
    stop.request_stop();
    peer.read_to_end();
  }});
  std::uint64_t produced = 0;
  auto client = client_of(server, {}, stop.get_token());
  EXPECT_EQ(code_of(client.send(upload(100 * kGiB, produced))), Errc::kCancelled);
}

}  // namespace
}  // namespace strata::http
