#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdio>
#include <memory>

#include "strata/http/client.h"
#include "tests/support/temporary_directory.h"
#include "tests/support/tool.h"

// https against OpenSSL's own server program, with a certificate made on the spot.
namespace strata::http {
namespace {

// `openssl s_server -WWW` in `directory`, on a port of its choice.
class OpensslServer {
 public:
  OpensslServer(const std::string& directory, const std::string& certificate) {
    int out[2];
    check(::pipe(out) == 0, "pipe");
    child_ = ::fork();
    if (child_ == 0) {
      ::dup2(out[1], STDOUT_FILENO);
      ::close(out[0]);
      if (::chdir(directory.c_str()) != 0) ::_exit(127);
      ::execlp("openssl", "openssl", "s_server", "-accept", "127.0.0.1:0", "-key",
               (certificate + ".key").c_str(), "-cert", (certificate + ".pem").c_str(), "-WWW",
               nullptr);
      ::_exit(127);
    }
    ::close(out[1]);
    output_.reset(::fdopen(out[0], "r"));
    char line[256];
    while (port_.empty() && std::fgets(line, sizeof(line), output_.get()) != nullptr) {
      const std::string text(line);
      if (text.starts_with("ACCEPT ")) port_ = text.substr(text.rfind(':') + 1);
    }
    while (!port_.empty() && port_.back() == '\n') port_.pop_back();
  }
  ~OpensslServer() {
    ::kill(child_, SIGTERM);
    ::waitpid(child_, nullptr, 0);
  }
  [[nodiscard]] Url url(const std::string& host) const {
    return *Url::parse("https://" + host + ":" + port_);
  }

 private:
  struct Close {
    void operator()(std::FILE* file) const { std::fclose(file); }
  };
  pid_t child_;
  std::unique_ptr<std::FILE, Close> output_;
  std::string port_;
};

class ClientTls : public testing::Test {
 protected:
  std::string make_certificate(const std::string& name, const std::string& alternative_name) {
    const std::string base = directory_.path() + "/" + name;
    (void)test::run_tool(
        "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout " + base +
        ".key -out " + base + ".pem -days 2 -subj /CN=" + name +
        " -addext subjectAltName=" + alternative_name + " 2>&1");
    return base;
  }
  static Result<ClientResponse> get(const Url& url, const std::string& ca_file) {
    ClientOptions options;
    options.ca_file = ca_file;
    Client client(url, options);
    ClientRequest request;
    request.target = "/file";
    return client.send(request);
  }

  test::TemporaryDirectory directory_;
};

TEST_F(ClientTls, ATrustedCertificateForTheAddressOrName) {
  const std::string content(300'000, 'x');
  (void)test::run_tool("cat > " + directory_.path() + "/file", content);
  const std::string certificate = make_certificate("good", "IP:127.0.0.1,DNS:localhost");
  const OpensslServer server(directory_.path(), certificate);
  for (const char* host : {"127.0.0.1", "localhost"}) {
    const auto response = get(server.url(host), certificate + ".pem");
    ASSERT_TRUE(response) << host << ": " << response.error().message();
    EXPECT_EQ(response->head.status, 200);
    EXPECT_EQ(response->body, content);
  }
}

TEST_F(ClientTls, AnUnknownIssuerIsRefused) {
  const std::string certificate = make_certificate("self", "IP:127.0.0.1");
  const OpensslServer server(directory_.path(), certificate);
  const auto response = get(server.url("127.0.0.1"), "");
  ASSERT_FALSE(response);
  EXPECT_EQ(response.error().code(), Errc::kVerification) << response.error().message();
}

TEST_F(ClientTls, ACertificateForSomebodyElseIsRefused) {
  const std::string certificate = make_certificate("other", "DNS:other.example,IP:127.0.0.2");
  const OpensslServer server(directory_.path(), certificate);
  for (const char* host : {"127.0.0.1", "localhost"}) {
    const auto response = get(server.url(host), certificate + ".pem");
    ASSERT_FALSE(response) << host;
    EXPECT_EQ(response.error().code(), Errc::kVerification) << response.error().message();
  }
}

TEST_F(ClientTls, AMissingCaFileIsSaid) {
  const std::string certificate = make_certificate("good", "IP:127.0.0.1");
  const OpensslServer server(directory_.path(), certificate);
  const auto response = get(server.url("127.0.0.1"), directory_.path() + "/none.pem");
  ASSERT_FALSE(response);
  EXPECT_EQ(response.error().code(), Errc::kUsage);
}

}  // namespace
}  // namespace strata::http
