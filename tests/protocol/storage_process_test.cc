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
  // Blobs and what lies beside them.
  [[nodiscard]] std::vector<std::string> stored_files() const {
    std::vector<std::string> paths;
    for (const auto& entry :
         std::filesystem::recursive_directory_iterator(folder_.path() + "/data/store/blobs")) {
      if (entry.is_regular_file()) paths.push_back(entry.path());
    }
    return paths;
  }
  static void flip_bit(const std::string& path, std::uint64_t offset) {
    std::fstream file(path, std::ios::in | std::ios::out | std::ios::binary);
    file.seekg(static_cast<std::streamoff>(offset));
    const int byte = file.get();
    file.seekp(static_cast<std::streamoff>(offset));
    file.put(static_cast<char>(byte ^ 1));
  }
  // Uploads, and gives the URL of the decoded view.
  static std::string upload(const DaemonProcess& daemon, const std::string& name,
                            const std::string& bytes) {
    http::ClientRequest put;
    put.method = "PUT";
    put.target = "/v1/upload/" + name;
    put.body = bytes;
    const auto made = daemon.send(put);
    EXPECT_EQ(made.head.status, 201) << made.body;
    return "/v1/images/" + std::string(boost::json::parse(made.body).at("id").as_string()) +
           "/decoded";
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

// Without a seek index the decoded view is one stream. The checksum of a gzip member stands behind
// its bytes: what it finds must still cut the answer, or the client takes damaged bytes for whole
// ones. Here it lies across the end of the first
// megabyte that the server reads, which holds all the bytes before it.
TEST_F(StorageProcessTest, ADecodedViewWhoseChecksumFailsIsNotWhole) {
  const DaemonProcess daemon(under("true"));
  std::string stored;
  const std::size_t around = forge_gzip({.data = ""}).size();
  for (int i = 0; i < 15; ++i) stored += forge_gzip({.data = std::string(65'535, 'a')});
  const std::size_t rest = kMiB + 4 - stored.size() - around;
  stored += forge_gzip({.data = std::string(rest, 'b')});
  const std::size_t size = 15 * 65'535 + rest;
  const std::string target = upload(daemon, "disk.gz", stored);
  for (const std::string& path : stored_files()) {
    if (path.ends_with(".index")) std::filesystem::remove(path);
    if (std::filesystem::path(path).has_extension()) continue;
    flip_bit(path, stored.size() - 8);  // CRC32, ISIZE
  }
  RawSocket socket(daemon.port());
  socket.send("GET " + target + " HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n");
  const std::string head = socket.read_head();
  EXPECT_NE(head.find("Content-Length: " + std::to_string(size) + "\r\n"), std::string::npos)
      << head;
  EXPECT_LT(socket.read_to_end().size(), size);
}

// With a seek index every block is compared with its checksum before a byte of it is sent.
TEST_F(StorageProcessTest, ADamagedBlockIsNeverSent) {
  DaemonProcess daemon(under("true"));
  const std::string plain = run_tool("head -c 6M /dev/urandom");
  const std::string stored = run_tool("gzip -1", plain);
  const std::string target = upload(daemon, "disk.gz", stored);
  constexpr std::uint64_t kDamaged = 4 << 20;
  for (const std::string& path : stored_files()) {
    if (!std::filesystem::path(path).has_extension()) flip_bit(path, kDamaged);
  }
  http::ClientRequest get;
  get.target = target;
  get.headers.add("Range", "bytes=100-199");
  const auto good = daemon.send(get);
  EXPECT_EQ(good.head.status, 206);
  EXPECT_EQ(good.body, plain.substr(100, 100));
  get.headers.set("Range", "bytes=4194304-4194313");  // nothing was sent yet: it can be said
  EXPECT_EQ(daemon.send(get).head.status, 500);
  EXPECT_TRUE(daemon.wait_for_log("checksum"));

  RawSocket socket(daemon.port());
  socket.send("GET " + target + " HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n");
  EXPECT_NE(socket.read_head().find(" 200 "), std::string::npos);
  const std::string sent = socket.read_to_end();
  EXPECT_GT(sent.size(), 1u << 20);
  EXPECT_LT(sent.size(), kDamaged);
  EXPECT_TRUE(plain.starts_with(sent));
}

// Each decoder of a stream may hold hundreds of MiB, so the number of those at work is bounded.
// One xz block cannot be entered but at its start, and without a copy it has no ranges.
TEST_F(StorageProcessTest, DecodedViewsBeingSentAreBounded) {
  std::ofstream(folder_.path() + "/strata.toml")
      << "[limits]\ndecoded_streams_max = 1\nseek_copy_bytes_max = 0\n";
  auto command = under("true");
  command.insert(command.end(), {"--config", folder_.path() + "/strata.toml"});
  const DaemonProcess daemon(command);
  const std::string target = upload(daemon, "yes.xz", run_tool("yes | head -c 15M | xz -0 -T1"));
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
