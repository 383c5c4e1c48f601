#include "tools/cli/credentials.h"

#include <fcntl.h>
#include <termios.h>
#include <unistd.h>

#include <cstdlib>

namespace strata::cli {
namespace {

constexpr std::size_t kPemBytesMax = 64 * kKiB;
constexpr std::size_t kPasswordBytesMax = 1024;

// The controlling terminal with its echo off, put back at the end.
class QuietTerminal {
 public:
  QuietTerminal() : fd_(::open("/dev/tty", O_RDWR | O_CLOEXEC | O_NOCTTY)) {
    if (fd_ < 0 || tcgetattr(fd_, &before_) != 0) return;
    termios quiet = before_;
    quiet.c_lflag &= ~static_cast<tcflag_t>(ECHO);
    quiet_ = tcsetattr(fd_, TCSAFLUSH, &quiet) == 0;
  }
  ~QuietTerminal() {
    if (quiet_) tcsetattr(fd_, TCSAFLUSH, &before_);
    if (fd_ >= 0) ::close(fd_);
  }
  QuietTerminal(const QuietTerminal&) = delete;
  QuietTerminal& operator=(const QuietTerminal&) = delete;

  [[nodiscard]] bool is_there() const { return quiet_; }
  void write(std::string_view text) const { (void)!::write(fd_, text.data(), text.size()); }
  [[nodiscard]] std::string read_line() const {
    std::string line;
    for (char c = 0; line.size() < kPasswordBytesMax && ::read(fd_, &c, 1) == 1 && c != '\n';) {
      line += c;
    }
    return line;
  }

 private:
  const int fd_;
  termios before_{};
  bool quiet_ = false;
};

Result<std::string> read_password(const Credentials& credentials) {
  if (!credentials.password_file.empty()) {
    STRATA_TRY(std::string text, read_small_file(credentials.password_file, kPasswordBytesMax));
    return text.substr(0, text.find_first_of("\r\n"));
  }
  // NOLINTNEXTLINE(concurrency-mt-unsafe): before any thread
  if (const char* value = std::getenv("STRATA_P12_PASSWORD")) return std::string(value);
  const QuietTerminal terminal;
  if (!terminal.is_there()) {
    return Error(Errc::kUsage,
                 "the password of " + credentials.p12 +
                     " is missing: --p12-password-file FILE, STRATA_P12_PASSWORD, or a terminal");
  }
  terminal.write("Password of " + printable(credentials.p12) + ": ");
  std::string password = terminal.read_line();
  terminal.write("\n");
  return password;
}

}  // namespace

void add_credentials(CLI::App& command, Credentials& credentials) {
  auto* key = command.add_option("--key", credentials.key, "PEM private key (RSA or P-256)");
  auto* certificate = command.add_option("--cert", credentials.certificate, "PEM certificate");
  auto* p12 =
      command.add_option("--p12", credentials.p12,
                         "PKCS#12 file with both, like ~/.globus/usercert.p12; its password "
                         "comes from STRATA_P12_PASSWORD or the terminal");
  key->needs(certificate)->excludes(p12);
  certificate->needs(key)->excludes(p12);
  command
      .add_option("--p12-password-file", credentials.password_file,
                  "First line: the password; - is standard input")
      ->needs(p12);
  command.add_option("--email", credentials.email, "Used when the certificate has none");
}

Result<metadata::Endorser> load_endorser(const Credentials& credentials) {
  if (!credentials.p12.empty()) {
    STRATA_TRY(const std::string der, read_small_file(credentials.p12, kPemBytesMax));
    STRATA_TRY(const std::string password, read_password(credentials));
    auto endorser = metadata::Endorser::load_pkcs12(der, password);
    if (!endorser) return endorser.error().in(credentials.p12);
    return endorser;
  }
  if (credentials.key.empty()) {
    return Error(Errc::kUsage, "who signs: --key FILE and --cert FILE, or --p12 FILE");
  }
  STRATA_TRY(const std::string key, read_small_file(credentials.key, kPemBytesMax));
  STRATA_TRY(const std::string certificate, read_small_file(credentials.certificate, kPemBytesMax));
  return metadata::Endorser::load(key, certificate);
}

}  // namespace strata::cli
