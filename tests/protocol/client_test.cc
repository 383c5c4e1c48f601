#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <future>

#include "tests/protocol/client_requests.h"

// http::Client against a server that plays given bytes: connections and answers.
namespace strata::http {
namespace {

using std::chrono::steady_clock;
using ::testing::HasSubstr;

TEST(Client, SendsAPlainRequestAndReadsTheAnswer) {
  std::string head;
  ScriptedServer server({[&](Peer& peer) {
    head = peer.read_head();
    peer.write(plain_response("hello", "200 OK", "X-Thing: 1\r\n"));
  }});
  ClientOptions options;
  options.bearer_token = "secret";
  auto client = client_of(server, options);
  auto request = get("/v1/images?limit=2");
  request.headers.add("Accept", "application/json");
  const auto response = client.send(request);
  ASSERT_TRUE(response) << response.error().message();
  EXPECT_EQ(response->head.status, 200);
  EXPECT_EQ(response->head.headers.get("x-thing"), "1");
  EXPECT_EQ(response->body, "hello");
  EXPECT_EQ(head,
            "GET /v1/images?limit=2 HTTP/1.1\r\nHost: 127.0.0.1:" + std::to_string(server.port()) +
                "\r\nUser-Agent: strata/0.1\r\nAuthorization: Bearer secret\r\n"
                "Accept: application/json\r\n\r\n");
}

TEST(Client, OneConnectionCarriesManyRequests) {
  ScriptedServer server({[&](Peer& peer) {
    while (!peer.read_head().empty()) peer.write(plain_response("x"));
  }});
  auto client = client_of(server);
  for (int i = 0; i < 5; ++i) ASSERT_TRUE(client.send(get()));
  EXPECT_EQ(server.connections(), 1U);
}

TEST(Client, AConnectionThatIsToCloseIsNotUsedAgain) {
  ScriptedServer server(kEvery, [&](Peer& peer) {
    peer.read_head();
    peer.write(plain_response("x", "200 OK", "Connection: close\r\n"));
    peer.read_to_end();
  });
  auto client = client_of(server);
  ASSERT_TRUE(client.send(get()));
  ASSERT_TRUE(client.send(get()));
  EXPECT_EQ(server.connections(), 2U);
}

TEST(Client, BodiesInMemory) {
  std::string head;
  std::string body;
  ScriptedServer server({[&](Peer& peer) {
    for (int round = 0; round < 2; ++round) {
      head = peer.read_head();
      body = peer.read_exactly(head.find("Content-Length: 4") != std::string::npos ? 4 : 0);
      peer.write(plain_response(""));
    }
  }});
  auto client = client_of(server);
  ClientRequest request;
  request.method = "POST";
  request.body = "data";
  request.target = "/";
  ASSERT_TRUE(client.send(request));
  EXPECT_EQ(body, "data");
  request.body.clear();
  ASSERT_TRUE(client.send(request));
  EXPECT_THAT(head, HasSubstr("Content-Length: 0\r\n"));
}

TEST(Client, InterimResponsesAreSkippedButNotWithoutEnd) {
  ScriptedServer server(kEvery, [&](Peer& peer) {
    const bool endless = peer.read_head().starts_with("GET /endless");
    std::string interim = "HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n";
    for (int i = 0; endless && i < 100; ++i) peer.write(interim);
    peer.write(interim + "HTTP/1.1 104 Upload Resumption\r\n\r\n" + plain_response("end"));
    peer.read_to_end();
  });
  auto client = client_of(server);
  const auto response = client.send(get());
  ASSERT_TRUE(response) << response.error().message();
  EXPECT_EQ(response->head.status, 200);
  EXPECT_EQ(response->body, "end");
  EXPECT_EQ(code_of(client_of(server).send(get("/endless"))), Errc::kMalformed);
}

TEST(Client, AChunkedAnswerInSingleBytes) {
  const std::string wire =
      "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
      "5;ext=1\r\nhello\r\nA\r\n, 10 bytes\r\n0\r\nX-Note: x\r\n\r\n";
  ScriptedServer server({[&](Peer& peer) {
    for (int round = 0; round < 2; ++round) {
      peer.read_head();
      for (const char& byte : wire) peer.write({&byte, 1});
    }
  }});
  auto client = client_of(server);
  for (int round = 0; round < 2; ++round) {
    const auto response = client.send(get());
    ASSERT_TRUE(response) << response.error().message();
    EXPECT_EQ(response->body, "hello, 10 bytes");
  }
  EXPECT_EQ(server.connections(), 1U);
}

TEST(Client, ABodyThatEndsWithTheConnection) {
  ScriptedServer server(kEvery, [&](Peer& peer) {
    peer.read_head();
    peer.write("HTTP/1.0 200 OK\r\n\r\nall of ");
    peer.write("it");
  });
  auto client = client_of(server);
  const auto response = client.send(get());
  ASSERT_TRUE(response) << response.error().message();
  EXPECT_EQ(response->body, "all of it");
  ASSERT_TRUE(client.send(get()));
  EXPECT_EQ(server.connections(), 2U);
}

TEST(Client, ACutAnswerIsLostNotShort) {
  for (const char* wire : {"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n123456789",
                           "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n",
                           "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhel",
                           "HTTP/1.1 200 OK\r\nContent-Le", ""}) {
    ScriptedServer server({[&](Peer& peer) {
      peer.read_head();
      peer.write(wire);
    }});
    auto client = client_of(server);
    EXPECT_EQ(code_of(client.send(get())), Errc::kConnectionLost) << wire;
    EXPECT_EQ(server.connections(), 1U);
  }
}

TEST(Client, WhatIsNoHttpIsRefused) {
  for (const char* wire :
       {"SSH-2.0-OpenSSH_9.2\r\n\r\n", "HTTP/1.1 2x0 OK\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nhello!",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
        "HTTP/1.1 101 Switching Protocols\r\n\r\n"}) {
    ScriptedServer server({[&](Peer& peer) {
      peer.read_head();
      peer.write(wire);
      peer.read_to_end();
    }});
    EXPECT_EQ(code_of(client_of(server).send(get())), Errc::kMalformed) << wire;
  }
}

TEST(Client, HeadHasALengthAndNoBody) {
  ScriptedServer server({[&](Peer& peer) {
    peer.read_head();
    peer.write("HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\nAccept-Ranges: bytes\r\n\r\n");
    peer.read_head();
    peer.write(plain_response("next"));
  }});
  auto client = client_of(server);
  auto request = get();
  request.method = "HEAD";
  const auto response = client.send(request);
  ASSERT_TRUE(response) << response.error().message();
  EXPECT_EQ(response->head.headers.get("Content-Length"), "1000000");
  EXPECT_EQ(response->body, "");
  EXPECT_EQ(client.send(get())->body, "next");
  EXPECT_EQ(server.connections(), 1U);
}

TEST(Client, RedirectsAreAValue) {
  ScriptedServer server({[&](Peer& peer) {
    peer.read_head();
    peer.write(plain_response("", "302 Found", "Location: http://127.0.0.1:1/\r\n"));
    peer.read_to_end();
  }});
  const auto response = client_of(server).send(get());
  ASSERT_TRUE(response) << response.error().message();
  EXPECT_EQ(response->head.status, 302);
  EXPECT_EQ(response->head.headers.get("Location"), "http://127.0.0.1:1/");
}

TEST(Client, AnIdleConnectionThatDiedIsReopened) {
  std::promise<void> closed;
  ScriptedServer server({[&](Peer& peer) {
                           peer.read_head();
                           peer.write(plain_response("1"));
                           peer.close();
                           closed.set_value();
                         },
                         [&](Peer& peer) {
                           peer.read_head();
                           peer.write(plain_response("2"));
                         }});
  auto client = client_of(server);
  ASSERT_TRUE(client.send(get()));
  closed.get_future().wait();
  ClientRequest post;
  post.method = "POST";
  post.target = "/";
  const auto response = client.send(post);
  ASSERT_TRUE(response) << response.error().message();
  EXPECT_EQ(response->body, "2");
}

// The server closes when the second request is already on its way.
ScriptedServer::Script answers_one_and_closes_on_the_next() {
  return [](Peer& peer) {
    peer.read_head();
    peer.write(plain_response("1"));
    peer.read_head();
  };
}

TEST(Client, ARequestThatMetACloseIsRepeatedOnce) {
  const auto drops = [](Peer& peer) { peer.read_head(); };
  ScriptedServer server({answers_one_and_closes_on_the_next(), drops});
  auto client = client_of(server);
  ASSERT_TRUE(client.send(get()));
  EXPECT_EQ(code_of(client.send(get())), Errc::kConnectionLost);
  EXPECT_EQ(server.connections(), 2U);
}

TEST(Client, APostThatMetACloseIsNotRepeated) {
  ScriptedServer server({answers_one_and_closes_on_the_next()});
  auto client = client_of(server);
  ASSERT_TRUE(client.send(get()));
  ClientRequest post;
  post.method = "POST";
  post.target = "/";
  EXPECT_EQ(code_of(client.send(post)), Errc::kConnectionLost);
  EXPECT_EQ(server.connections(), 1U);
}

TEST(Client, SilenceTimesOut) {
  ScriptedServer server(kEvery, [&](Peer& peer) {
    if (peer.read_head().starts_with("GET /body")) {
      peer.write("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n12345");
    }
    peer.read_to_end();
  });
  ClientOptions options;
  options.io_timeout = milliseconds(150);
  EXPECT_EQ(code_of(client_of(server, options).send(get())), Errc::kUnreachable);
  EXPECT_EQ(code_of(client_of(server, options).send(get("/body"))), Errc::kUnreachable);
}

TEST(Client, StopEndsEveryWait) {
  std::stop_source stop;
  ScriptedServer server(kEvery, [&](Peer& peer) {
    if (peer.read_head().starts_with("GET /body")) {
      peer.write("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n12345");
    }
    stop.request_stop();
    peer.read_to_end();
  });
  for (const char* target : {"/head", "/body"}) {
    stop = std::stop_source();
    const auto start = steady_clock::now();
    auto client = client_of(server, {}, stop.get_token());
    EXPECT_EQ(code_of(client.send(get(target))), Errc::kCancelled) << target;
    EXPECT_LT(steady_clock::now() - start, milliseconds(5'000)) << "not the 60 s of io_timeout";
    EXPECT_EQ(code_of(client.send(get())), Errc::kCancelled) << "a stopped client starts nothing";
  }
}

TEST(Client, NobodyListens) {
  std::uint16_t port = 0;
  {
    ScriptedServer server(std::vector<ScriptedServer::Script>{});
    port = server.port();
  }
  Client client(*Url::parse("http://127.0.0.1:" + std::to_string(port)));
  EXPECT_EQ(code_of(client.send(get())), Errc::kUnreachable);
}

TEST(Client, SinksGetSuccessOnly) {
  ScriptedServer server({[&](Peer& peer) {
    peer.read_head();
    peer.write(plain_response("partial", "206 Partial Content"));
    peer.read_head();
    peer.write(plain_response("problem", "404 Not Found"));
  }});
  std::string sunk;
  const Client::Sink sink = [&](std::span<const std::byte> data) -> Status {
    sunk.append(reinterpret_cast<const char*>(data.data()), data.size());
    return {};
  };
  auto client = client_of(server);
  EXPECT_EQ(client.send(get(), sink)->body, "");
  EXPECT_EQ(sunk, "partial");
  EXPECT_EQ(client.send(get(), sink)->body, "problem");
  EXPECT_EQ(sunk, "partial");
}

TEST(Client, SinkAndHeadCheckCanEndTheTransfer) {
  ScriptedServer server(kEvery, [&](Peer& peer) {
    peer.read_head();
    peer.write(plain_response(std::string(100'000, 'x')));
    peer.read_to_end();
  });
  auto client = client_of(server);
  const auto full = [](std::span<const std::byte>) -> Status {
    return Error(Errc::kNoSpace, "disk full");
  };
  const auto by_sink = client.send(get(), full);
  EXPECT_EQ(code_of(by_sink), Errc::kNoSpace);
  EXPECT_EQ(by_sink.error().detail(), "disk full");

  bool sunk = false;
  auto ranged = get();
  ranged.on_head = [](const ResponseHead& head) -> Status {
    if (head.status == 206) return {};
    return Error(Errc::kVerification, "200 for a range");
  };
  const auto by_head = client.send(ranged, [&](std::span<const std::byte>) -> Status {
    sunk = true;
    return {};
  });
  EXPECT_EQ(code_of(by_head), Errc::kVerification);
  EXPECT_FALSE(sunk);
}

TEST(Client, BodiesInMemoryAreBounded) {
  ScriptedServer server(kEvery, [&](Peer& peer) {
    const bool refuse = peer.read_head().starts_with("GET /refuse");
    peer.write(plain_response(std::string(100'000, 'x'), refuse ? "500 Oh" : "200 OK"));
    peer.read_to_end();
  });
  auto client = client_of(server);
  EXPECT_EQ(code_of(client.send(get(), {}, 99'999)), Errc::kTooLarge);
  EXPECT_EQ(client.send(get(), {}, 100'000)->body.size(), 100'000U);
  const auto refusal = client_of(server).send(get("/refuse"), {}, 1'000);
  ASSERT_TRUE(refusal) << refusal.error().message();
  EXPECT_EQ(refusal->body.size(), 1'000U);
}

TEST(Client, NothingCanBeSmuggledIntoTheHead) {
  ScriptedServer server(kEvery, [](Peer& peer) { peer.read_to_end(); });
  auto client = client_of(server);
  auto target = get("/x HTTP/1.1\r\nHost: evil");
  EXPECT_EQ(code_of(client.send(target)), Errc::kUsage);
  auto value = get();
  value.headers.add("X", "1\r\nHost: evil");
  EXPECT_EQ(code_of(client.send(value)), Errc::kUsage);
  auto name = get();
  name.headers.add("X: y\r\nZ", "1");
  EXPECT_EQ(code_of(client.send(name)), Errc::kUsage);
  EXPECT_EQ(server.connections(), 0U);
}

}  // namespace
}  // namespace strata::http
