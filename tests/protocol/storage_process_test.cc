// The program strata-storage as a process: under limits of the system (a shell's ulimit), and with
// data that the disk has changed.
#include <gtest/gtest.h>

#include <algorithm>
#include <boost/json.hpp>
#include <filesystem>
#include <fstream>

#include "strata/http/client.h"
#include "tests/support/codec_forge.h"
#include "tests/support/daemon_process.h"
#include "tests/support/raw_socket.h"
#include "tests/support/temporary_directory.h"
#include "tests/support/tool.h"

namespace strata::test {
namespace {

class StorageProcessTest : public testing::Test {
 protected:
  // The program started by a shell that has run `limit` before.
  std::vector<std::string> under(const std::string& limit) {
    return {"/bin/sh",     "-c",     limit + R"( && exec "$0" "$@")", STRATA_STORAGE, "--listen",
            "127.0.0.1:0", "--data", folder_.path() + "/data"};
  }
  TemporaryDirectory folder_;
};

// SIGXFSZ ends a process that does not expect it.
TEST_F(StorageProcessTest, AFileLargerThanTheSystemAllowsIsRefused) {
  const DaemonProcess daemon(under("ulimit -f 4096"));
  http::ClientRequest put;
  put.method = "PUT";
  put.target = "/v1/upload/large";
  put.body = std::string(16 * kMiB, 'x');
  EXPECT_EQ(daemon.send(put).head.status, 507);
  std::size_t left = put.body.size();  // and without an announced length
  put.body.clear();
  put.source = [&left](std::span<std::byte> out) -> Result<std::size_t> {
    const std::size_t n = std::min(left, out.size());
    left -= n;
    return n;
  };
  EXPECT_EQ(daemon.send(put).head.status, 507);
  EXPECT_EQ(daemon.get("/readyz").head.status, 200);
}

// A login shell's soft limit is far below limits.connections_max.
TEST_F(StorageProcessTest, TheSoftLimitOfDescriptorsIsNoLimitOfConnections) {
  const DaemonProcess daemon(under("ulimit -Sn 100"));
  std::vector<RawSocket> connections;
  for (int i = 0; i < 200; ++i) {
    connections.emplace_back(daemon.port());
    connections.back().send("GET /v1/images HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n");
    ASSERT_EQ(connections.back().read_reply().status, 200) << "connection " << i;
  }
}

// The checksum of a gzip member stands behind its bytes: what it finds must still cut the answer,
// or the client takes damaged bytes for whole ones. Here it lies across the end of the first
// megabyte that the server reads, which holds all the bytes before it.
TEST_F(StorageProcessTest, ADecodedViewWhoseChecksumFailsIsNotWhole) {
  const DaemonProcess daemon(under("true"));
  http::ClientRequest put;
  put.method = "PUT";
  put.target = "/v1/upload/disk.gz";
  const std::size_t around = forge_gzip({.data = ""}).size();
  for (int i = 0; i < 15; ++i) put.body += forge_gzip({.data = std::string(65'535, 'a')});
  const std::size_t rest = kMiB + 4 - put.body.size() - around;
  put.body += forge_gzip({.data = std::string(rest, 'b')});
  const std::size_t size = 15 * 65'535 + rest;
  const auto made = daemon.send(put);
  ASSERT_EQ(made.head.status, 201) << made.body;
  const std::string target =
      "/v1/images/" + std::string(boost::json::parse(made.body).at("id").as_string()) + "/decoded";
  EXPECT_EQ(daemon.get(target).body.size(), size);

  for (const auto& entry :
       std::filesystem::recursive_directory_iterator(folder_.path() + "/data/store/blobs")) {
    if (!entry.is_regular_file() || entry.file_size() != put.body.size()) continue;
    std::fstream file(entry.path(), std::ios::in | std::ios::out | std::ios::binary);
    file.seekp(static_cast<std::streamoff>(put.body.size()) - 8);  // CRC32, ISIZE
    file.put(static_cast<char>(put.body[put.body.size() - 8] ^ 1));
  }
  RawSocket socket(daemon.port());
  socket.send("GET " + target + " HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n");
  const std::string head = socket.read_head();
  EXPECT_NE(head.find("Content-Length: " + std::to_string(size) + "\r\n"), std::string::npos)
      << head;
  EXPECT_LT(socket.read_to_end().size(), size);
}

// Each decoder may hold hundreds of MiB, so the number of those at work is bounded.
TEST_F(StorageProcessTest, DecodedViewsBeingSentAreBounded) {
  std::ofstream(folder_.path() + "/strata.toml") << "[limits]\ndecoded_streams_max = 1\n";
  auto command = under("true");
  command.insert(command.end(), {"--config", folder_.path() + "/strata.toml"});
  const DaemonProcess daemon(command);
  http::ClientRequest put;
  put.method = "PUT";
  put.target = "/v1/upload/zeros.gz";
  put.body = run_tool("head -c 15M /dev/zero | gzip -1");
  const auto made = daemon.send(put);
  ASSERT_EQ(made.head.status, 201) << made.body;
  const std::string target =
      "/v1/images/" + std::string(boost::json::parse(made.body).at("id").as_string()) + "/decoded";
  {
    RawSocket slow(daemon.port(), 4096);
    slow.send("GET " + target + " HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n");
    EXPECT_NE(slow.read_head().find(" 200 "), std::string::npos);
    const auto refused = daemon.get(target);
    EXPECT_EQ(refused.head.status, 503);
    EXPECT_TRUE(refused.head.headers.get("Retry-After"));
    http::ClientRequest head;
    head.method = "HEAD";
    head.target = target;
    EXPECT_EQ(daemon.send(head).head.status, 200);  // needs no decoder
  }
  int status = 503;  // until the server has seen that the first one is gone
  while (status == 503) status = daemon.get(target).head.status;
  EXPECT_EQ(status, 200);
}

// The client may have closed its half only: it is told, and it is no error of the server's.
TEST_F(StorageProcessTest, ABodyThatEndsEarlyIsTheClientsError) {
  const DaemonProcess daemon(under("true"));
  for (const char* framing :
       {"Content-Length: 10\r\n\r\nabc", "Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n"}) {
    RawSocket socket(daemon.port());
    socket.send(std::string("PUT /v1/upload/cut HTTP/1.1\r\nHost: 127.0.0.1\r\n") + framing);
    socket.shutdown_send();
    EXPECT_EQ(socket.read_reply().status, 400);
  }
  EXPECT_EQ(daemon.get("/v1/images").body, R"({"images":[],"next":null})");
}

}  // namespace
}  // namespace strata::test
