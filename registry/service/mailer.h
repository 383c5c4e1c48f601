#pragma once

#include <atomic>
#include <chrono>
#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "strata/base/clock.h"
#include "strata/base/result.h"

namespace strata::registry {

// What an endorser is asked by e-mail. Addresses are valid by metadata::is_valid_email.
struct ConfirmationMail {
  std::string from, to, link;
  std::string identifier, title, fingerprint;
  UnixMillis created = 0, sent = 0, expires = 0;
};

// The message as RFC 5322 text of short ASCII lines. Nothing in it comes from the document but its
// identifier and what is printable of its title.
[[nodiscard]] std::string compose(const ConfirmationMail& mail);

// Hands messages to a mail program.
class Mailer {
 public:
  virtual ~Mailer() = default;
  // Blocks until the program has taken the message. kUnavailable when it did not. Any thread.
  [[nodiscard]] virtual Status send(std::string_view message) = 0;
};

// A program that reads a message on its standard input and finds the recipient in it
// ("sendmail -t -i"). Started without a shell and without our files; killed when it takes too long.
class CommandMailer final : public Mailer {
 public:
  // `command` is an absolute path and its arguments. More than `parallel_max` programs at a time
  // are not started (kUnavailable): each keeps a thread that answers requests.
  CommandMailer(std::vector<std::string> command, std::size_t parallel_max,
                std::chrono::milliseconds timeout = std::chrono::seconds(10));
  [[nodiscard]] Status send(std::string_view message) override;

 private:
  [[nodiscard]] Status run(int message_descriptor) const;

  const std::vector<std::string> command_;
  const std::size_t parallel_max_;
  const std::chrono::milliseconds timeout_;
  std::atomic<std::size_t> running_{0};
};

}  // namespace strata::registry
