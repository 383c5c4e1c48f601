// The registry's configuration of trust, and the messages and files of confirmations.
#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <csignal>
#include <fstream>

#include "registry/service/config.h"
#include "registry/service/mailer.h"
#include "registry/service/pending_documents.h"
#include "tests/support/certificate_authority.h"
#include "tests/support/faulty_file_system.h"
#include "tests/support/metadata_samples.h"
#include "tests/support/temporary_directory.h"

namespace strata::registry {
namespace {

using testing::EndsWith;
using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;

class TrustConfig : public testing::Test {
 protected:
  Result<Config> load(const std::string& text, std::optional<std::string> listen = {}) {
    const std::string path = folder_.path() + "/registry.toml";
    std::ofstream(path) << text;
    Flags flags;
    flags.config = path;
    flags.listen = std::move(listen);
    return load_config(flags);
  }
  void refused(const std::string& text, const std::string& reason) {
    const auto config = load(text);
    ASSERT_FALSE(config) << "accepted; expected: " << reason;
    EXPECT_EQ(config.error().code(), Errc::kUsage);
    EXPECT_THAT(config.error().detail(), HasSubstr(reason));
  }
  test::TemporaryDirectory folder_;
};

const std::string kFingerprint(64, 'A');

TEST_F(TrustConfig, ReadsBindingsAndTheirProblems) {
  const auto config = load(
      "legacy_uploads = true\n[[trust.bindings]]\nemail = \"a@x.example\"\n"
      "fingerprint = \"" +
      kFingerprint + "\"\n");
  ASSERT_TRUE(config) << config.error().message();
  ASSERT_EQ(config->trust.bindings.size(), 1U);
  EXPECT_EQ(config->trust.bindings[0].email, "a@x.example");
  EXPECT_EQ(config->trust.bindings[0].fingerprint, kFingerprint);
  EXPECT_TRUE(config->trust.legacy_uploads);
  EXPECT_FALSE(load("")->trust.legacy_uploads);
  const std::string binding = "[[trust.bindings]]\nemail = \"a@x.example\"\n";
  refused(binding, "one of subject and fingerprint");
  refused(binding + "subject = \"CN=a\"\nfingerprint = \"" + kFingerprint + "\"\n",
          "one of subject and fingerprint");
  refused(binding + "subject = \"CN=a\"\n", "self-signed certificate can claim any subject");
  refused(binding + "fingerprint = \"12\"\n", "64 hex digits");
  refused("[[trust.bindings]]\nemail = \"a\"\nsubject = \"CN=a\"\n", "email must be an address");
  refused(binding + "colour = \"red\"\n", ":3: unknown key 'colour'");
  refused(binding + "subject = 5\n", "must be a string");
  refused("[trust]\nbindings = [\"a\"]\n", "[[trust.bindings]]");
}

TEST_F(TrustConfig, FilesMustBeThereAndBeWhatTheyAreCalled) {
  refused("[trust]\nca_file = \"/nowhere/ca.pem\"\n", "trust.ca_file");
  refused("[trust]\ncrl_file = \"/nowhere/crl.pem\"\n", "trust.crl_file needs trust.ca_file");
  refused("[trust]\nmode = \"ca\"\n", "--trust ca needs trust.ca_file");
  refused("[trust]\nmode = \"ca\"\nca_file = \"/etc/hostname\"\n", "no self-signed CA certificate");
  refused("[trust]\nmode = \"ca\"\nendorsers = [\"a@x.example\"]\n", "SHA-256 fingerprints only");
  refused("[trust]\nmode = \"listed\"\n", "at least one");
  refused("[trust]\nmode = \"everybody\"\n", "neither 'any' nor 'listed' nor 'ca'");
  refused("[trust]\nmode = \"listed\"\nendorsers = [\"nobody\"]\n",
          "neither an e-mail address nor");
  std::ofstream(folder_.path() + "/large.pem") << std::string(5'000'000, ' ');
  refused("[trust]\nca_file = \"" + folder_.path() + "/large.pem\"\n", "trust.ca_file");
}

TEST_F(TrustConfig, AnotherAddressNeedsAListOrACa) {
  EXPECT_FALSE(load("", "0.0.0.0:1"));
  EXPECT_FALSE(load("[trust]\nmode = \"any\"\n", "0.0.0.0:1"));
  EXPECT_TRUE(
      load("[trust]\nmode = \"listed\"\nendorsers = [\"" + kFingerprint + "\"]\n", "0.0.0.0:1"));
}

// A proxy in front listens where we do not.
TEST_F(TrustConfig, APublicUrlIsAWayInAsGoodAsAnAddress) {
  refused("public_url = \"https://hub.example\"\n", "otherwise anybody could publish");
  refused("public_url = \"http://192.0.2.1/\"\n[trust]\nmode = \"any\"\n",
          "public_url http://192.0.2.1, whose host is not a loopback address");
  // A start without a file is a trial: it is told.
  Flags trial;
  trial.public_url = "https://hub.example";
  const auto told = load_config(trial);
  ASSERT_TRUE(told) << told.error().message();
  ASSERT_EQ(told->warnings.size(), 1U);
  EXPECT_THAT(told->warnings[0], HasSubstr("otherwise anybody could publish"));
  trial.listen = "0.0.0.0:1";
  EXPECT_FALSE(load_config(trial));
  for (const char* near : {"http://localhost:8081", "http://127.0.0.1", "http://[::1]:1"}) {
    EXPECT_TRUE(load("public_url = \"" + std::string(near) + "\"\n")) << near;
  }
  EXPECT_TRUE(
      load("public_url = \"https://hub.example\"\n[trust]\nmode = \"listed\"\n"
           "endorsers = [\"" +
           kFingerprint + "\"]\n"));
}

// Anybody makes a certificate with any address.
TEST_F(TrustConfig, AListedAddressNeedsACaOrAQuestionWhereOthersGetIn) {
  const std::string listed =
      "[trust]\nmode = \"listed\"\nendorsers = [\"" + kFingerprint + "\", \"a@x.example\"]\n";
  const std::string url = "public_url = \"https://hub.example\"\n";
  EXPECT_TRUE(load(listed));
  refused(url + listed, "'a@x.example' is an e-mail address, and anybody can make");
  EXPECT_FALSE(load(listed, "0.0.0.0:1"));
  const std::string ca = folder_.path() + "/ca.pem";
  std::ofstream(ca) << test::CertificateAuthority().certificate();
  EXPECT_TRUE(load(url + listed + "ca_file = \"" + ca + "\"\n", "0.0.0.0:1"));
  const std::string asks = "[confirmation]\ncommand = [\"/bin/m\"]\nfrom = \"r@x.example\"\n";
  EXPECT_TRUE(load(url + listed + asks, "0.0.0.0:1"));
  // Whether it asks does not change with the file of a daemon that runs.
  Flags running;
  running.config = folder_.path() + "/registry.toml";
  running.confirmation = ConfirmationSettings();
  const auto config = load_config(running);
  ASSERT_FALSE(config);
  EXPECT_THAT(config.error().detail(), HasSubstr("anybody can make a certificate"));
}

TEST_F(TrustConfig, ConfirmationNeedsAProgramAndASender) {
  const auto config =
      load("[confirmation]\ncommand = [\"/bin/m\", \"-t\"]\nfrom = \"r@x.example\"\n");
  ASSERT_TRUE(config) << config.error().message();
  EXPECT_EQ(config->confirmation.command.size(), 2U);
  refused("[confirmation]\nfrom = \"r@x.example\"\n", "confirmation.command");
  refused("[confirmation]\ncommand = [\"m\"]\nfrom = \"r@x.example\"\n", "absolute path");
  refused("[confirmation]\ncommand = [\"/bin/m\"]\n", "confirmation.from");
  refused("[confirmation]\ncommand = [\"/bin/m\"]\nfrom = \"r@x.example\\nBcc: a@b\"\n",
          "confirmation.from");
  refused("threads = 1\n[confirmation]\ncommand = [\"/bin/m\"]\nfrom = \"r@x.example\"\n",
          "at least 2 threads");
  EXPECT_TRUE(load("threads = 1\n"));
  const std::string outside =
      "[trust]\nmode = \"listed\"\nendorsers = [\"a@x.example\"]\n[confirmation]\n"
      "command = [\"/bin/m\"]\nfrom = \"r@x.example\"\n";
  EXPECT_FALSE(load(outside, "0.0.0.0:1"));
  EXPECT_TRUE(load("public_url = \"https://hub.example\"\n" + outside, "0.0.0.0:1"));
}

ConfirmationMail mail() {
  return {.from = "reg@hub.example",
          .to = "ops@images.example",
          .link = "https://hub.example/v1/confirmations/0123",
          .identifier = "CvpM8mKprVLwSKeWfOnUvz70obJ",
          .title = "Debian 12",
          .fingerprint = kFingerprint,
          .created = test::kSampleTime,
          .sent = test::kSampleTime + 1000,
          .expires = test::kSampleTime + 86'400'000};
}

TEST(ConfirmationMessage, SaysWhatItIsAbout) {
  const std::string text = compose(mail());
  EXPECT_THAT(text, StartsWith("From: reg@hub.example\nTo: ops@images.example\n"
                               "Date: Wed, 01 May 2024 12:00:01 +0000\n"
                               "Subject: Confirm your endorsement of image "
                               "CvpM8mKprVLwSKeWfOnUvz70obJ\n"));
  EXPECT_THAT(text, HasSubstr("\n\n  https://hub.example/v1/confirmations/0123\n\n"));
  EXPECT_THAT(text, HasSubstr("works until 2024-05-02T12:00:00Z."));
}

// No title adds a line, a header, a part, or ends the message.
TEST(ConfirmationMessage, ATitleIsOneLineOfText) {
  ConfirmationMail hostile = mail();
  hostile.title = "x\r\nBcc: all@images.example\n.\n\xe2\x80\xae" + std::string(5000, 'y');
  const std::string text = compose(hostile);
  EXPECT_THAT(text, Not(HasSubstr("\nBcc")));
  EXPECT_THAT(text, Not(HasSubstr("\n.\n")));
  EXPECT_EQ(text.find('\r'), std::string::npos);
  std::size_t line = 0;
  for (const char c : text) {
    ASSERT_TRUE(c == '\n' || (c >= ' ' && c <= '~'));
    line = c == '\n' ? 0 : line + 1;
    ASSERT_LT(line, 160U);
  }
}

TEST(CommandMailer, GivesTheMessageToTheProgram) {
  const test::TemporaryDirectory folder;
  const std::string out = folder.path() + "/out";
  CommandMailer mailer({"/bin/sh", "-c", "cat > " + out}, 1);
  const std::string message(300'000, 'm');  // more than a pipe holds
  ASSERT_TRUE(mailer.send(message));
  std::ifstream file(out, std::ios::binary);
  EXPECT_EQ(std::string(std::istreambuf_iterator<char>(file), {}), message);
}

TEST(CommandMailer, FailuresAreUnavailable) {
  for (const std::vector<std::string>& command :
       {std::vector<std::string>{"/nowhere/sendmail"}, {"/bin/false"}, {"/"}}) {
    CommandMailer mailer(command, 1);
    const auto sent = mailer.send("x");
    ASSERT_FALSE(sent) << command[0];
    EXPECT_EQ(sent.error().code(), Errc::kUnavailable);
  }
  CommandMailer busy({"/bin/true"}, 0);
  EXPECT_EQ(busy.send("x").error().code(), Errc::kUnavailable);
}

// The program has the message and nothing else of ours: no descriptors, no blocked signals.
TEST(CommandMailer, TheProgramStartsAsFromAShell) {
  const test::TemporaryDirectory folder;
  const std::string out = folder.path() + "/fds";
  const int inherited = ::open("/dev/null", O_RDONLY);  // NOLINT: without O_CLOEXEC
  ASSERT_GE(inherited, 0);
  CommandMailer mailer({"/bin/sh", "-c", "ls /proc/self/fd > " + out}, 1);
  EXPECT_TRUE(mailer.send("x"));
  ::close(inherited);
  std::ifstream file(out);
  // 3 is the folder that ls reads.
  EXPECT_EQ(std::string(std::istreambuf_iterator<char>(file), {}), "0\n1\n2\n3\n");

  sigset_t term, before;
  sigemptyset(&term);
  sigaddset(&term, SIGTERM);
  pthread_sigmask(SIG_BLOCK, &term, &before);
  CommandMailer killed({"/bin/sh", "-c", "kill -TERM $$; exit 0"}, 1);
  EXPECT_FALSE(killed.send("x"));
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
}

TEST(CommandMailer, IsKilledWhenItTakesTooLong) {
  CommandMailer mailer({"/bin/sh", "-c", "sleep 100 & sleep 100"}, 1,
                       std::chrono::milliseconds(50));
  const auto start = std::chrono::steady_clock::now();
  EXPECT_EQ(mailer.send("x").error().code(), Errc::kUnavailable);
  EXPECT_LT(std::chrono::steady_clock::now() - start, std::chrono::seconds(20));
}

class PendingTest : public testing::Test {
 protected:
  std::unique_ptr<PendingDocuments> open() {
    auto made = PendingDocuments::open(folder_.path() + "/pending", io::make_posix_file_system(),
                                       limits_, clock_);
    check(made.has_value(), made ? "" : made.error().message());
    return std::move(*made);
  }
  static std::string name(char c) { return std::string(64, c); }
  static PendingDocuments::Claimant claimant(const std::string& endorser, char fingerprint = '1',
                                             bool known = false) {
    return {endorser, std::string(64, fingerprint), known};
  }

  class SetClock final : public Clock {
   public:
    [[nodiscard]] UnixMillis now() const override { return at; }
    UnixMillis at = test::kSampleTime;
  };
  test::TemporaryDirectory folder_;
  Limits limits_;
  SetClock clock_;
};

TEST_F(PendingTest, KeepsExactlyWhatCameUntilItExpires) {
  const std::string document("a\n\0\xff\nb", 7);
  {
    const auto pending = open();
    ASSERT_TRUE(pending->add(name('a'), claimant("a@x.example"), document));
    EXPECT_EQ(pending->get(name('b')).error().code(), Errc::kGone);
  }
  const auto pending = open();
  const auto found = pending->get(name('a'));
  ASSERT_TRUE(found) << found.error().message();
  EXPECT_EQ(found->document, document);
  EXPECT_EQ(found->endorser, "a@x.example");
  EXPECT_EQ(found->received, test::kSampleTime);
  clock_.at += std::chrono::milliseconds(limits_.confirmation_valid).count() - 1;
  EXPECT_TRUE(pending->get(name('a')));
  clock_.at += 1;
  EXPECT_EQ(pending->get(name('a')).error().code(), Errc::kGone);
  EXPECT_EQ(open()->remove(name('a')).error().code(), Errc::kGone);  // removed at start
}

TEST_F(PendingTest, TheSameBytesAreKnownOnceTheirMessageIsSent) {
  auto pending = open();
  EXPECT_FALSE(pending->asked("1"));
  ASSERT_TRUE(pending->add(name('a'), claimant("a@x.example"), "1"));
  EXPECT_FALSE(pending->asked("1"));
  pending->mark_asked(name('a'));
  pending->mark_asked(name('b'));  // answered meanwhile
  EXPECT_EQ(pending->asked("1"), test::kSampleTime);
  EXPECT_FALSE(pending->asked("2"));
  clock_.at += std::chrono::milliseconds(limits_.confirmation_valid).count();
  EXPECT_FALSE(pending->asked("1"));
  clock_.at = test::kSampleTime;
  // A restart may have come before the message.
  EXPECT_FALSE(open()->asked("1"));
  ASSERT_TRUE(pending->remove(name('a')));
  EXPECT_FALSE(pending->asked("1"));
}

// Strangers make certificates with somebody's address: they share what one address may have, and
// who has published in its name has as much for itself.
TEST_F(PendingTest, StrangersTakeNoRoomFromWhoIsKnown) {
  limits_.confirmations_per_endorser_max = 2;
  const auto pending = open();
  const std::string victim = "a@x.example";
  EXPECT_TRUE(pending->add(name('a'), claimant(victim, '1'), "1"));
  EXPECT_TRUE(pending->add(name('b'), claimant(victim, '2'), "2"));
  for (const char stranger : {'1', '2', '3'}) {
    const Status third = pending->add(name('c'), claimant(victim, stranger), "3");
    ASSERT_FALSE(third);
    EXPECT_EQ(third.error().code(), Errc::kTooManyRequests);
  }
  EXPECT_TRUE(pending->add(name('c'), claimant(victim, '9', true), "3"));
  EXPECT_TRUE(pending->add(name('d'), claimant(victim, '9', true), "4"));
  EXPECT_FALSE(pending->add(name('e'), claimant(victim, '9', true), "5"));
  EXPECT_TRUE(pending->add(name('e'), claimant("b@x.example", '1'), "5"));
}

TEST_F(PendingTest, WhatHasExpiredGoesWithOneSync) {
  test::FaultPlan plan;
  auto made = PendingDocuments::open("/pending", std::make_unique<test::FaultyFileSystem>(plan),
                                     limits_, clock_);
  ASSERT_TRUE(made);
  const auto add = [&](char c) {
    plan.reset();
    EXPECT_TRUE((*made)->add(name(c), claimant("a@x.example"), "document"));
    return plan.calls();
  };
  const std::uint64_t alone = add('a');
  EXPECT_EQ(add('b'), alone);
  EXPECT_EQ(add('c'), alone);
  clock_.at += std::chrono::milliseconds(limits_.confirmation_valid).count();
  EXPECT_EQ(add('d'), alone + 4);  // three removals, one sync
}

TEST_F(PendingTest, DamagedFilesAreRemoved) {
  (void)open();
  const std::string good = "strata-pending 1\na@x.example\n1714564800000\n";
  const auto write = [&](char c, const std::string& text) {
    std::ofstream(folder_.path() + "/pending/" + name(c)) << text;
  };
  write('a', good + "document");
  write('b', "strata-pending 2\na@x.example\n1714564800000\n");
  write('c', "strata-pending 1\na@x.example\n17145648x\n");
  write('d', "strata-pending 1\nnobody\n1714564800000\n");
  write('e', "strata-pending 1\na@x.example");
  write('f', "");
  std::ofstream(folder_.path() + "/pending/other") << good;
  const auto pending = open();
  EXPECT_EQ(pending->get(name('a'))->document, "document");
  for (const char c : {'b', 'c', 'd', 'e', 'f'}) EXPECT_FALSE(pending->get(name(c))) << c;
  EXPECT_EQ(io::make_posix_file_system()->list(folder_.path() + "/pending")->size(), 1U);
}

}  // namespace
}  // namespace strata::registry
