// Confirmation by e-mail, with a sendmail that writes messages into a folder.
#include <gmock/gmock.h>
#include <sys/stat.h>

#include <filesystem>

#include "../support/configured_registry.h"
#include "../support/tool.h"

namespace strata::test {
namespace {

using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;

class RegistryConfirmation : public ConfiguredRegistry {
 protected:
  RegistryConfirmation() { std::filesystem::create_directory(path("mails")); }

  // A mail program: a shell script with the message on its standard input.
  std::string lines(const std::string& script, const std::string& more = {}) {
    const std::string program = file("sendmail", "#!/bin/sh\n" + script + "\n");
    check(chmod(program.c_str(), 0700) == 0, "chmod");
    return "[confirmation]\ncommand = [\"" + program + "\", \"-t\"]\nfrom = \"reg@hub.example\"\n" +
           more;
  }
  std::string keeping(const std::string& more = {}) {
    return lines("cat > " + path("mails") + "/$$", more);
  }
  std::vector<std::string> mails() {
    std::vector<std::string> texts;
    for (const auto& entry : std::filesystem::directory_iterator(path("mails"))) {
      texts.push_back(read_file(entry.path()));
    }
    return texts;
  }
  std::size_t pending() {
    std::size_t count = 0;
    const std::filesystem::path folder = path("data/pending");
    for ([[maybe_unused]] const auto& entry : std::filesystem::directory_iterator(folder)) ++count;
    return count;
  }
  // Posts, and gives the path of the link in the message.
  std::string asked(const std::string& document) {
    for (const std::string& old : mails()) seen_.push_back(old);
    const auto response = post(document);
    EXPECT_EQ(response.head.status, 202) << response.body;
    EXPECT_THAT(response.body, HasSubstr("confirmation email sent"));
    for (const std::string& text : mails()) {
      if (std::find(seen_.begin(), seen_.end(), text) != seen_.end()) continue;
      const std::size_t at = text.find("/v1/confirmations/");
      EXPECT_NE(at, std::string::npos) << text;
      return text.substr(at, text.find('\n', at) - at);
    }
    ADD_FAILURE() << "no message";
    return "/v1/confirmations/none";
  }
  http::ClientResponse answer(const std::string& link, const std::string& body,
                              const std::string& type = "application/x-www-form-urlencoded") {
    http::ClientRequest request = post_of(body, type);
    request.target = link;
    return daemon_->send(request);
  }
  std::uint64_t published() { return total("?status=all"); }

  std::vector<std::string> seen_;
  const Identity identity_ = make_identity();
};

TEST_F(RegistryConfirmation, PublishesWhenTheEndorserConfirms) {
  start(keeping());
  const std::string document = document_by(identity_, "1");
  const std::string link = asked(document);
  EXPECT_EQ(published(), 0U);
  EXPECT_EQ(pending(), 1U);
  ASSERT_EQ(mails().size(), 1U);
  const std::string mail = mails()[0];
  EXPECT_THAT(mail, StartsWith("From: reg@hub.example\nTo: ops@images.example\nDate: "));
  EXPECT_THAT(mail, HasSubstr("  " + daemon_->url() + link + "\n"));

  // Looking at it changes nothing, by whoever and how often.
  for (int i = 0; i < 3; ++i) {
    const auto page = daemon_->get(link, "text/html");
    EXPECT_EQ(page.head.status, 200) << page.body;
    EXPECT_THAT(page.body, HasSubstr("value=\"confirm\""));
    EXPECT_THAT(page.body, HasSubstr("value=\"abort\""));
    EXPECT_EQ(page.head.headers.get("Referrer-Policy"), "no-referrer");
    EXPECT_EQ(page.head.headers.get("Cache-Control"), "no-store");
  }
  EXPECT_EQ(published(), 0U);
  EXPECT_EQ(answer(link, "action=maybe").head.status, 400);
  EXPECT_EQ(answer(link, "").head.status, 400);
  EXPECT_EQ(answer(link, "action=confirm", "text/plain").head.status, 415);
  EXPECT_EQ(answer(link, std::string(2'000'000, 'x')).head.status, 413);
  EXPECT_EQ(published(), 0U);

  const auto confirmed = answer(link, "action=confirm");
  EXPECT_EQ(confirmed.head.status, 201) << confirmed.body;
  const std::string location(confirmed.head.headers.get("Location").value_or(""));
  EXPECT_EQ(daemon_->get(http::Url::parse(location)->target).body, document);
  EXPECT_EQ(published(), 1U);
  EXPECT_EQ(pending(), 0U);
  for (const char* action : {"action=confirm", "action=abort"}) {
    EXPECT_EQ(answer(link, action).head.status, 410);
  }
  EXPECT_EQ(daemon_->get(link).head.status, 410);
  // Again: it is there, nobody is asked.
  accepted(document, 200);
  EXPECT_EQ(mails().size(), 1U);
}

TEST_F(RegistryConfirmation, AbortThrowsTheDocumentAway) {
  start(keeping());
  const std::string link = asked(document_by(identity_, "1"));
  EXPECT_EQ(answer(link, "action=abort").head.status, 200);
  EXPECT_EQ(answer(link, "action=confirm").head.status, 410);
  EXPECT_EQ(published(), 0U);
  EXPECT_EQ(pending(), 0U);
}

TEST_F(RegistryConfirmation, OutlivesARestartAndKeepsTheSecretToItself) {
  start(keeping());
  const std::string link = asked(document_by(identity_, "1"));
  const std::string token = link.substr(link.rfind('/') + 1);
  EXPECT_EQ(token.size(), 32U);
  EXPECT_EQ(daemon_->get(link).head.status, 200);
  stop();
  for (const auto& entry : std::filesystem::directory_iterator(path("data/pending"))) {
    EXPECT_THAT(entry.path().string(), Not(HasSubstr(token)));
    EXPECT_THAT(read_file(entry.path()), Not(HasSubstr(token)));
  }
  (void)file("data/pending/junk", "junk");
  (void)file("data/pending/new.tmp", "half a docu");
  start(keeping());
  EXPECT_EQ(pending(), 1U);
  EXPECT_EQ(answer(link, "action=confirm").head.status, 201);
  ASSERT_TRUE(daemon_->wait_for_log("path=/v1/confirmations/- status=201"));
  EXPECT_THAT(daemon_->log(), Not(HasSubstr(token)));
}

TEST_F(RegistryConfirmation, LinksThatNobodyWasSent) {
  start(keeping());
  EXPECT_EQ(daemon_->get("/v1/confirmations/" + std::string(32, 'a')).head.status, 410);
  for (const char* bad : {"x", "..%2f..%2fentries", "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"}) {
    EXPECT_EQ(daemon_->get("/v1/confirmations/" + std::string(bad)).head.status, 404) << bad;
    EXPECT_EQ(answer("/v1/confirmations/" + std::string(bad), "action=confirm").head.status, 404);
  }
  EXPECT_EQ(daemon_->get("/v1/confirmations").head.status, 404);
  EXPECT_EQ(daemon_->get("/action/x/confirm").head.status, 410);
  // A form is taken here and nowhere else.
  EXPECT_EQ(answer("/metadata", "action=confirm").head.status, 415);
  EXPECT_EQ(answer("/v1/entries", "action=confirm").head.status, 405);
}

TEST_F(RegistryConfirmation, IsOffWithoutACommand) {
  start("");
  accepted(document_by(identity_, "1"));
  EXPECT_EQ(daemon_->get("/v1/confirmations/" + std::string(32, 'a')).head.status, 404);
  EXPECT_FALSE(std::filesystem::exists(path("data/pending")));
}

TEST_F(RegistryConfirmation, NothingStaysWhenTheMessageCannotBeSent) {
  const std::string document = document_by(identity_, "1");
  for (const char* script : {"cat > /dev/null; exit 1", "kill -9 $$"}) {
    start(lines(script));
    const auto response = post(document);
    EXPECT_EQ(response.head.status, 503) << response.body;
    EXPECT_THAT(response.body, HasSubstr("could not be sent"));
    EXPECT_THAT(response.body, Not(HasSubstr(folder_.path())));
    EXPECT_EQ(pending(), 0U);
    EXPECT_EQ(published(), 0U);
    stop();
  }
}

TEST_F(RegistryConfirmation, PinnedEndorsersAreNotAsked) {
  const auto fingerprint =
      metadata::Endorser::load(identity_.key, identity_.certificate)->fingerprint();
  start(keeping("[trust]\nmode = \"listed\"\nendorsers = [\"" + fingerprint +
                "\", \"b@images.example\"]\n"));
  accepted(document_by(identity_, "1"));
  (void)asked(document_by(make_identity({.email = "b@images.example"}), "2"));
  refused(document_by(make_identity({.email = "c@images.example"}), "3"), "does not list it");
  EXPECT_EQ(pending(), 1U);
}

TEST_F(RegistryConfirmation, TheRulesOfTheAnswerCount) {
  start(keeping());
  const std::string link = asked(document_by(identity_, "1"));
  reload(keeping("[trust]\nmode = \"listed\"\nendorsers = [\"b@images.example\"]\n"));
  EXPECT_EQ(answer(link, "action=confirm").head.status, 403);
  EXPECT_EQ(published(), 0U);
  EXPECT_EQ(answer(link, "action=abort").head.status, 200);
}

TEST_F(RegistryConfirmation, AnOlderDocumentIsNotPublishedAfterANewerOne) {
  start(keeping());
  const UnixMillis now = SystemClock().now() / 1000 * 1000;
  const std::string older = asked(document_by(identity_, "1", {}, now));
  const std::string newer = asked(document_by(identity_, "1", {}, now + 1000));
  EXPECT_EQ(answer(newer, "action=confirm").head.status, 201);
  EXPECT_EQ(pending(), 1U);
  EXPECT_EQ(answer(older, "action=confirm").head.status, 409);
  // For good, so that it takes no room any more.
  EXPECT_EQ(pending(), 0U);
  EXPECT_EQ(answer(older, "action=confirm").head.status, 410);
  // And what could not be published is not asked about.
  refused(document_by(identity_, "1", {}, now), "not-newer", 409);
  EXPECT_EQ(mails().size(), 2U);
}

TEST_F(RegistryConfirmation, LinksExpire) {
  start(keeping("[limits]\nconfirmation_valid = 2\n"));
  const std::string link = asked(document_by(identity_, "1"));
  int status = 200;
  for (int i = 0; i < 100 && status != 410; ++i) {
    std::this_thread::sleep_for(std::chrono::milliseconds(100));
    status = daemon_->get(link).head.status;
  }
  EXPECT_EQ(status, 410);
  EXPECT_EQ(answer(link, "action=confirm").head.status, 410);
  EXPECT_EQ(published(), 0U);
  (void)asked(document_by(identity_, "2"));
  EXPECT_EQ(pending(), 1U);  // the first one's file is gone
}

TEST_F(RegistryConfirmation, OnlySoManyWait) {
  start(keeping("[limits]\nconfirmations_max = 3\nconfirmations_per_endorser_max = 2\n"));
  const std::string first = asked(document_by(identity_, "1"));
  (void)asked(document_by(identity_, "2"));
  refused(document_by(identity_, "3"), "of this endorser wait", 429);
  (void)asked(document_by(make_identity({.email = "b@images.example"}), "4"));
  refused(document_by(make_identity({.email = "c@images.example"}), "5"), "too many documents",
          429);
  EXPECT_EQ(mails().size(), 3U);
  EXPECT_EQ(answer(first, "action=abort").head.status, 200);
  (void)asked(document_by(identity_, "3"));
}

TEST_F(RegistryConfirmation, TheSameBytesAreAskedAboutOnce) {
  start(keeping("[limits]\nconfirmations_per_endorser_max = 2\n"));
  const std::string document = document_by(identity_, "1");
  const std::string link = asked(document);
  const auto expires = [&] {
    const auto response = post(document);
    EXPECT_EQ(response.head.status, 202) << response.body;
    return boost::json::parse(response.body).at("expires");
  };
  const auto first = expires();
  for (int i = 0; i < 4; ++i) EXPECT_EQ(expires(), first);
  EXPECT_EQ(mails().size(), 1U);
  EXPECT_EQ(pending(), 1U);
  // Thrown away it is a new question.
  EXPECT_EQ(answer(link, "action=abort").head.status, 200);
  const std::string again = asked(document);
  EXPECT_EQ(answer(again, "action=confirm").head.status, 201);
  accepted(document, 200);
}

// Whoever makes certificates with an address in it cannot keep its owner out.
TEST_F(RegistryConfirmation, StrangersDoNotLockOutWhoHasPublished) {
  start(keeping("[limits]\nconfirmations_per_endorser_max = 2\n"));
  EXPECT_EQ(answer(asked(document_by(identity_, "1")), "action=confirm").head.status, 201);
  for (const char* content : {"2", "3"}) (void)asked(document_by(make_identity(), content));
  refused(document_by(make_identity(), "4"), "of this endorser wait", 429);
  EXPECT_EQ(answer(asked(document_by(identity_, "4")), "action=confirm").head.status, 201);
}

// Who starts us may have SIGCHLD ignored; then the kernel reaps children before we can.
TEST_F(RegistryConfirmation, MailIsSentWhateverSigchldWas) {
  configure(keeping());
  std::vector<std::string> command = {"/usr/bin/env", "--ignore-signal=CHLD"};
  for (const auto& part : registry_command(path("data"), {"--config", path("registry.toml")})) {
    command.push_back(part);
  }
  daemon_ = std::make_unique<DaemonProcess>(command);
  (void)asked(document_by(identity_, "1"));
}

// Of a confirmation and an abort at the same time one counts.
TEST_F(RegistryConfirmation, OneAnswerCounts) {
  start(keeping());
  for (int round = 0; round < 5; ++round) {
    const std::string link = asked(document_by(identity_, "r" + std::to_string(round)));
    const std::uint64_t before = published();
    int abort_status = 0;
    std::thread other([&] { abort_status = answer(link, "action=abort").head.status; });
    const int confirm_status = answer(link, "action=confirm").head.status;
    other.join();
    EXPECT_EQ(published() - before, confirm_status == 201 ? 1U : 0U);
    EXPECT_TRUE((confirm_status == 201 && abort_status == 410) ||
                (confirm_status == 410 && abort_status == 200))
        << confirm_status << " " << abort_status;
  }
}

}  // namespace
}  // namespace strata::test
