#include "tests/support/upload_daemon.h"

#include <boost/json.hpp>
#include <chrono>
#include <fstream>
#include <random>
#include <thread>

#include "strata/base/log.h"
#include "strata/base/text.h"

namespace strata::test {
namespace {

constexpr std::chrono::seconds kPatience{20};

std::string_view path_of(std::string_view target, std::string_view url) {
  if (target.starts_with(url)) target.remove_prefix(url.size());
  return target;
}

}  // namespace

UploadDaemonTest::UploadDaemonTest() {
  log::configure(log::Level::kError, log::Format::kText);
  config.data = folder_.path() + "/data";
  config.port = 0;
  config.limits.disk_reserve_bytes = 0;
}

void UploadDaemonTest::TearDown() {
  daemon_.reset();
}

void UploadDaemonTest::start() {
  daemon_.reset();
  daemon_ = std::make_unique<storage::Daemon>(config);
  const Status status = daemon_->start();
  ASSERT_TRUE(status) << status.error().message();
}

std::string UploadDaemonTest::admin_token() const {
  std::ifstream file(config.data + "/admin.token");
  std::string token;
  file >> token;
  return token;
}

std::string UploadDaemonTest::head(std::string_view method, std::string_view target,
                                   const Fields& fields, std::string_view version) {
  std::string text = std::string(method) + " " + std::string(target) + " HTTP/" +
                     std::string(version) + "\r\nHost: 127.0.0.1\r\n";
  for (const auto& [name, value] : fields) text += name + ": " + value + "\r\n";
  return text + "\r\n";
}

UploadDaemonTest::Reply UploadDaemonTest::final_reply(RawSocket& socket,
                                                      std::vector<Reply>* interims,
                                                      bool head_only) {
  for (;;) {
    Reply reply = socket.read_reply(head_only);
    if (reply.status / 100 != 1) return reply;
    if (interims != nullptr) interims->push_back(std::move(reply));
  }
}

UploadDaemonTest::Reply UploadDaemonTest::ask(std::string_view method, std::string_view target,
                                              Fields fields, std::string_view body,
                                              std::vector<Reply>* interims) const {
  bool framed = false;
  for (const auto& [name, value] : fields) {
    framed = framed || name == "Content-Length" || name == "Transfer-Encoding";
  }
  if (!framed && (!body.empty() || method == "POST" || method == "PATCH")) {
    fields.emplace_back("Content-Length", std::to_string(body.size()));
  }
  RawSocket socket = connect();
  // An early refusal may close before all is sent: what counts is the answer.
  (void)socket.send(head(method, path_of(target, url()), fields) + std::string(body));
  return final_reply(socket, interims, method == "HEAD");
}

RawSocket UploadDaemonTest::hang(std::string_view method, std::string_view target, Fields fields,
                                 std::string_view sent, std::size_t announced) const {
  fields.emplace_back("Content-Length", std::to_string(announced));
  RawSocket socket = connect();
  EXPECT_TRUE(socket.send(head(method, path_of(target, url()), fields) + std::string(sent)));
  return socket;
}

UploadDaemonTest::Reply UploadDaemonTest::tus(std::string_view method, std::string_view target,
                                              Fields fields, std::string_view body) const {
  fields.emplace_back("Tus-Resumable", "1.0.0");
  return ask(method, target, std::move(fields), body);
}

UploadDaemonTest::Fields UploadDaemonTest::chunk_fields(std::uint64_t offset, Fields more) {
  more.emplace_back("Tus-Resumable", "1.0.0");
  more.emplace_back("Content-Type", "application/offset+octet-stream");
  more.emplace_back("Upload-Offset", std::to_string(offset));
  return more;
}

UploadDaemonTest::Reply UploadDaemonTest::tus_patch(const std::string& location,
                                                    std::uint64_t offset, std::string_view body,
                                                    Fields fields) const {
  return ask("PATCH", location, chunk_fields(offset, std::move(fields)), body);
}

std::string UploadDaemonTest::tus_create(Fields fields) const {
  const Reply reply = tus("POST", "/v1/uploads", std::move(fields));
  EXPECT_EQ(reply.status, 201) << reply.head << reply.body;
  return reply.field("Location");
}

UploadDaemonTest::Reply UploadDaemonTest::ietf_patch(const std::string& location,
                                                     std::uint64_t offset, bool complete,
                                                     std::string_view body, Fields fields) const {
  fields.emplace_back("Content-Type", "application/partial-upload");
  fields.emplace_back("Upload-Offset", std::to_string(offset));
  fields.emplace_back("Upload-Complete", complete ? "?1" : "?0");
  return ask("PATCH", location, std::move(fields), body);
}

std::string UploadDaemonTest::ietf_create(Fields fields) const {
  fields.emplace_back("Upload-Complete", "?0");
  const Reply reply = ask("POST", "/v1/uploads", std::move(fields));
  EXPECT_EQ(reply.status, 201) << reply.head << reply.body;
  return reply.field("Location");
}

std::optional<std::uint64_t> UploadDaemonTest::offset_of(const std::string& location) const {
  return parse_decimal(ask("HEAD", location, {}).field("Upload-Offset"));
}

void UploadDaemonTest::wait_for_bytes(std::uint64_t bytes) const {
  const auto until = std::chrono::steady_clock::now() + kPatience;
  const std::string name = "\nstrata_upload_bytes_total ";
  while (std::chrono::steady_clock::now() < until) {
    const std::string metrics = ask("GET", "/metrics", {}).body;
    const std::size_t at = metrics.find(name);
    if (at != std::string::npos &&
        std::strtod(metrics.c_str() + at + name.size(), nullptr) >= static_cast<double>(bytes)) {
      return;
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
  }
  ADD_FAILURE() << "the server did not take " << bytes << " bytes";
}

std::string UploadDaemonTest::settled_state(const std::string& location) const {
  const auto until = std::chrono::steady_clock::now() + kPatience;
  std::string state;
  do {
    const Reply reply = ask("GET", location, {});
    if (reply.status != 200) return std::to_string(reply.status);
    state = boost::json::parse(reply.body).at("state").as_string();
    if (state != "receiving" && state != "verifying") return state;
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
  } while (std::chrono::steady_clock::now() < until);
  return state;
}

std::size_t UploadDaemonTest::image_count() const {
  const Reply reply = ask("GET", "/v1/images", {{"Authorization", "Bearer " + admin_token()}});
  return boost::json::parse(reply.body).at("images").as_array().size();
}

std::string UploadDaemonTest::image_bytes(const std::string& image) const {
  return ask("GET", "/v1/images/" + image + "/content", {}).body;
}

std::string UploadDaemonTest::problem_type(const Reply& reply) {
  boost::system::error_code bad;
  const auto value = boost::json::parse(reply.body, bad);
  EXPECT_FALSE(bad) << reply.head << reply.body;
  if (bad) return {};
  EXPECT_EQ(value.at("status").as_int64(), reply.status);
  return std::string(value.at("type").as_string());
}

std::string UploadDaemonTest::base64(std::string_view text) {
  return to_base64({reinterpret_cast<const std::uint8_t*>(text.data()), text.size()});
}

std::string UploadDaemonTest::pattern(std::size_t size, std::uint64_t seed) {
  std::mt19937_64 engine(seed);
  std::string bytes(size, '\0');
  for (char& c : bytes) c = static_cast<char>(engine());
  return bytes;
}

}  // namespace strata::test
