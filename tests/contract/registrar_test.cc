// The outbox worker against a registry that answers what each test says, with the real catalogue.
#include "storage/service/registrar.h"

#include <gtest/gtest.h>

#include <fstream>

#include "strata/base/log.h"
#include "strata/digest/hasher.h"
#include "tests/support/metadata_samples.h"
#include "tests/support/scripted_server.h"
#include "tests/support/temporary_directory.h"

namespace strata::storage {
namespace {

using catalog::Registration;

class MovableClock final : public Clock {
 public:
  [[nodiscard]] UnixMillis now() const override { return now_; }
  UnixMillis now_ = 1'800'000'000'000;
};

// Answers each request with the next status of the plan (the last one for ever), keeps the
// documents that are posted and the first lines.
class FakeRegistry {
 public:
  explicit FakeRegistry(std::vector<std::string> plan)
      : plan_(std::move(plan)), server_(test::kEvery, [this](test::Peer& peer) { serve(peer); }) {}

  [[nodiscard]] std::string url() const { return server_.url(); }
  [[nodiscard]] std::vector<std::string> documents() {
    const std::lock_guard lock(mutex_);
    return documents_;
  }
  [[nodiscard]] std::vector<std::string> requests() {
    const std::lock_guard lock(mutex_);
    return requests_;
  }

 private:
  void serve(test::Peer& peer) {
    for (;;) {
      const std::string head = peer.read_head();
      if (head.empty()) return;
      const std::string name = "Content-Length: ";
      const bool has_body = head.find(name) != std::string::npos;
      const std::size_t length =
          has_body ? std::stoul(head.substr(head.find(name) + name.size())) : 0;
      const std::string body = peer.read_exactly(length);
      std::string answer;
      {
        const std::lock_guard lock(mutex_);
        requests_.push_back(head.substr(0, head.find("\r\n")));
        if (has_body) documents_.push_back(body);
        answer = plan_[std::min(requests_.size(), plan_.size()) - 1];
      }
      if (answer == "cut") return peer.close();
      const std::string type = answer.substr(answer.find(' ') + 1);
      const std::string problem = R"({"type":")" + type + R"(","detail":"as planned"})";
      peer.write(test::plain_response(problem, answer,
                                      "Content-Type: application/problem+json\r\n"
                                      "Location: /metadata/a/b/c\r\n"));
    }
  }
  std::mutex mutex_;
  std::vector<std::string> plan_;
  std::vector<std::string> documents_;
  std::vector<std::string> requests_;
  test::ScriptedServer server_;
};

class RegistrarTest : public testing::Test {
 protected:
  void SetUp() override {
    log::configure(log::Level::kError, log::Format::kText);
    auto opened = catalog::open_rocksdb_catalog(folder_.path() + "/catalog");
    ASSERT_TRUE(opened) << opened.error().message();
    catalog_ = std::move(*opened);
  }

  std::unique_ptr<Registrar> registrar(const std::string& url,
                                       RegisterMode mode = RegisterMode::kAll) {
    return std::make_unique<Registrar>(
        Registrar::Options{*http::Url::parse(url), mode, "http://storage:1", Limits{}, &policy_},
        *catalog_, clock_, endorser_, counts_);
  }
  catalog::Image put(std::string_view bytes,
                     catalog::Visibility visibility = catalog::Visibility::kPublic) {
    catalog::Image image;
    image.id = ImageId::generate(clock_, random_);
    image.name = "disk.img";
    image.owner = "admin";
    image.visibility = visibility;
    image.created = image.updated = clock_.now();
    image.blob = BlobId::generate(random_);
    image.content.stored = image.content.decoded = digest::digest_of(bytes);
    EXPECT_TRUE(catalog_->put(image, true));
    return image;
  }
  Registration record(const catalog::Image& image) {
    return catalog_->registration(image.content.decoded.sha256)->value();
  }
  // Lets every due registration have one attempt, like the thread does.
  void attempt_due(Registrar& registrar) {
    const auto due = catalog_->due_registrations(clock_.now(), 100);
    for (const Registration& registration : *due) registrar.attempt(registration);
  }

  void set_policy(const std::string& text) {
    const std::string path = folder_.path() + "/policy.toml";
    std::ofstream(path) << text;
    policy_.reload(path);
  }
  // The newest document that the registry got.
  static metadata::ImageMetadata last(FakeRegistry& registry) {
    return *metadata::parse(registry.documents().back());
  }

  test::TemporaryDirectory folder_;
  policy::PolicyHolder policy_{""};
  MovableClock clock_;
  SystemRandom random_;
  Metrics metrics_;
  ServiceMetrics counts_{metrics_};
  metadata::Endorser endorser_ = test::sample_endorser("strata@host.example", 1'700'000'000'000);
  std::unique_ptr<catalog::Catalog> catalog_;
};

TEST_F(RegistrarTest, PostsASignedDocumentAndRemembersTheEntry) {
  FakeRegistry registry({"201 Created"});
  const auto image = put("abc");
  auto worker = registrar(registry.url());
  attempt_due(*worker);
  const Registration done = record(image);
  EXPECT_EQ(done.state, Registration::State::kRegistered);
  EXPECT_EQ(done.done, done.wanted);
  EXPECT_EQ(done.entry_url, registry.url() + "/metadata/a/b/c");
  ASSERT_EQ(registry.documents().size(), 1u);
  const auto entry =
      metadata::verify(registry.documents()[0], metadata::Profile::kStrict, Limits{});
  ASSERT_TRUE(entry) << entry.error().message();
  EXPECT_EQ(entry->metadata().locations,
            std::vector<std::string>{"http://storage:1/v1/images/" + image.id.text() + "/decoded"});
  EXPECT_TRUE(catalog_->due_registrations(clock_.now(), 10)->empty());
}

TEST_F(RegistrarTest, ALostAnswerIsAskedForAgainWithTheSameBytes) {
  FakeRegistry registry({"cut", "200 OK"});
  const auto image = put("abc");
  auto worker = registrar(registry.url());
  attempt_due(*worker);
  EXPECT_EQ(record(image).state, Registration::State::kPending);
  EXPECT_FALSE(record(image).error.empty());
  EXPECT_TRUE(catalog_->due_registrations(clock_.now(), 10)->empty());  // it backs off
  clock_.now_ += 3'600'000;
  worker = registrar(registry.url());  // a restart in between
  attempt_due(*worker);
  EXPECT_EQ(record(image).state, Registration::State::kRegistered);
  const auto documents = registry.documents();
  ASSERT_GE(documents.size(), 2u);
  for (const std::string& document : documents) EXPECT_EQ(document, documents[0]);
}

TEST_F(RegistrarTest, NotNewerIsSignedAgainWithALaterDate) {
  FakeRegistry registry({"409 not-newer", "201 Created"});
  const auto image = put("abc");
  auto worker = registrar(registry.url());
  attempt_due(*worker);
  clock_.now_ += 600;  // less than a second: `created` must move all the same
  attempt_due(*worker);
  EXPECT_EQ(record(image).state, Registration::State::kRegistered);
  const auto documents = registry.documents();
  ASSERT_EQ(documents.size(), 2u);
  const auto created = [](const std::string& document) {
    return metadata::parse(document)->endorsement->created;
  };
  EXPECT_LT(created(documents[0]), created(documents[1]));
}

TEST_F(RegistrarTest, ARefusalIsFinalUntilSomebodyTriesAgain) {
  FakeRegistry registry({"403 untrusted-signature", "201 Created"});
  const auto image = put("abc");
  auto worker = registrar(registry.url());
  attempt_due(*worker);
  EXPECT_EQ(record(image).state, Registration::State::kFailed);
  EXPECT_NE(record(image).error.find("as planned"), std::string::npos);
  clock_.now_ += 3'600'000;
  attempt_due(*worker);
  EXPECT_EQ(registry.documents().size(), 1u);
  ASSERT_TRUE(catalog_->retry_registration(image.content.decoded.sha256));
  attempt_due(*worker);
  EXPECT_EQ(record(image).state, Registration::State::kRegistered);
}

TEST_F(RegistrarTest, ABusyRegistryIsAskedAgain) {
  FakeRegistry registry({"503 Service Unavailable", "429 Too Many Requests", "201 Created"});
  const auto image = put("abc");
  auto worker = registrar(registry.url());
  for (int i = 0; i < 3; ++i) {
    attempt_due(*worker);
    clock_.now_ += 120'000;
  }
  EXPECT_EQ(record(image).state, Registration::State::kRegistered);
}

TEST_F(RegistrarTest, TwoImagesOfOneContentAreOneEntryWithBothPlaces) {
  FakeRegistry registry({"201 Created"});
  const auto first = put("abc");
  const auto second = put("abc");
  auto worker = registrar(registry.url());
  attempt_due(*worker);
  ASSERT_EQ(registry.documents().size(), 1u);
  EXPECT_EQ(metadata::parse(registry.documents()[0])->locations.size(), 2u);
}

TEST_F(RegistrarTest, ChangesWithinOneSecondGetDatesOfTheirOwn) {
  FakeRegistry registry({"201 Created"});
  put("abc");
  auto worker = registrar(registry.url());
  attempt_due(*worker);
  put("abc");
  attempt_due(*worker);
  const auto documents = registry.documents();
  ASSERT_EQ(documents.size(), 2u);
  EXPECT_EQ(metadata::parse(documents[1])->endorsement->created,
            metadata::parse(documents[0])->endorsement->created + 1000);
}

// Each entry is a second younger than the last: a burst of changes must not run away from the clock
// until the registry refuses (created_skew), which would be final.
TEST_F(RegistrarTest, ABurstOfChangesStaysNearTheClockAndEndsInOneEntry) {
  FakeRegistry registry({"201 Created"});
  const auto image = put("abc");
  auto worker = registrar(registry.url());
  for (int i = 0; i < 40; ++i) {
    put("abc");
    attempt_due(*worker);
  }
  const UnixMillis allowed = std::chrono::milliseconds(Limits{}.created_skew).count() / 10;
  EXPECT_LE(metadata::parse(registry.documents().back())->endorsement->created,
            clock_.now() + allowed);
  EXPECT_EQ(record(image).state, Registration::State::kPending);
  const std::size_t posted = registry.documents().size();
  clock_.now_ += 1000;
  attempt_due(*worker);
  EXPECT_EQ(record(image).done, record(image).wanted);
  EXPECT_EQ(registry.documents().size(), posted + 1);
  EXPECT_EQ(metadata::parse(registry.documents().back())->locations.size(), 41u);
}

TEST_F(RegistrarTest, TheLastDeleteDeprecates) {
  FakeRegistry registry({"201 Created"});
  const auto image = put("abc");
  auto worker = registrar(registry.url());
  attempt_due(*worker);
  ASSERT_TRUE(catalog_->remove(image.id, true, clock_.now()));
  attempt_due(*worker);
  const auto documents = registry.documents();
  ASSERT_EQ(documents.size(), 2u);
  const auto last = metadata::parse(documents[1]);
  EXPECT_TRUE(last->deprecated.has_value());
  EXPECT_TRUE(last->locations.empty());
  EXPECT_EQ(last->identifier, image.identifier());
}

TEST_F(RegistrarTest, PublicModeSaysNothingOfPrivateImages) {
  FakeRegistry registry({"201 Created"});
  const auto hidden = put("abc", catalog::Visibility::kPrivate);
  auto worker = registrar(registry.url(), RegisterMode::kPublic);
  attempt_due(*worker);
  EXPECT_TRUE(registry.documents().empty());
  EXPECT_EQ(record(hidden).done, record(hidden).wanted);
  // Public, then private again: the entry is withdrawn, without the words that were public.
  auto shown = hidden;
  shown.visibility = catalog::Visibility::kPublic;
  shown.metadata["title"] = "was public";
  ASSERT_TRUE(catalog_->put(shown, true));
  attempt_due(*worker);
  ASSERT_TRUE(catalog_->put(hidden, true));
  attempt_due(*worker);
  const auto documents = registry.documents();
  ASSERT_EQ(documents.size(), 2u);
  EXPECT_NE(documents[0].find("was public"), std::string::npos);
  EXPECT_EQ(documents[1].find("was public"), std::string::npos);
  EXPECT_TRUE(metadata::parse(documents[1])->deprecated.has_value());
}

// Public when its document was made, private before the registry could be reached, then deleted.
TEST_F(RegistrarTest, WordsThatNeverArrivedAreNotPostedLater) {
  FakeRegistry registry({"503 Service Unavailable", "201 Created"});
  auto image = put("abc");
  image.metadata["title"] = "was public";
  ASSERT_TRUE(catalog_->put(image, true));
  auto worker = registrar(registry.url());
  attempt_due(*worker);
  image.visibility = catalog::Visibility::kPrivate;
  ASSERT_TRUE(catalog_->put(image, true));
  ASSERT_TRUE(catalog_->remove(image.id, true, clock_.now()));
  clock_.now_ += 3'600'000;
  attempt_due(*worker);
  const auto documents = registry.documents();
  ASSERT_EQ(documents.size(), 2u);
  EXPECT_EQ(documents[1].find("was public"), std::string::npos);
  EXPECT_TRUE(metadata::parse(documents[1])->deprecated.has_value());
}

TEST_F(RegistrarTest, WhatNeverGotAnEntryIsAdoptedOnce) {
  FakeRegistry registry({"201 Created"});
  auto image = put("abc", catalog::Visibility::kPrivate);
  auto narrow = registrar(registry.url(), RegisterMode::kPublic);
  attempt_due(*narrow);  // nothing to say in this mode
  ASSERT_TRUE(narrow->review());
  attempt_due(*narrow);
  EXPECT_TRUE(registry.documents().empty());
  auto wide = registrar(registry.url(), RegisterMode::kAll);
  ASSERT_TRUE(wide->review());
  attempt_due(*wide);
  EXPECT_EQ(registry.documents().size(), 1u);
  ASSERT_TRUE(wide->review());
  attempt_due(*wide);
  EXPECT_EQ(registry.documents().size(), 1u);
  EXPECT_EQ(*catalog_->get(image.id), image);
}

TEST_F(RegistrarTest, AChangeDuringAnAttemptIsNotForgotten) {
  FakeRegistry registry({"201 Created"});
  const auto image = put("abc");
  auto worker = registrar(registry.url());
  const auto due = *catalog_->due_registrations(clock_.now(), 10);
  put("abc");  // after the worker read its work
  for (const auto& registration : due) worker->attempt(registration);
  EXPECT_LT(record(image).done, record(image).wanted);
  attempt_due(*worker);
  EXPECT_EQ(record(image).done, record(image).wanted);
  EXPECT_EQ(registry.documents().size(), 2u);
}

// A registry with confirmation takes the document and asks its endorser. Sending it again could be
// another e-mail each time, a new document certainly would.
TEST_F(RegistrarTest, WhatWaitsForAConfirmationIsLookedForAndNotSentAgain) {
  FakeRegistry registry(
      {"202 Accepted", "404 Not Found", "503 Service Unavailable", "404 Not Found", "200 OK"});
  const auto image = put("abc");
  auto worker = registrar(registry.url());
  attempt_due(*worker);
  for (int i = 0; i < 3; ++i) {
    const Registration waiting = record(image);
    EXPECT_EQ(waiting.state, Registration::State::kAsked);
    EXPECT_LT(waiting.done, waiting.wanted);
    EXPECT_TRUE(waiting.entry_url.empty());
    if (i != 2) {
      EXPECT_NE(waiting.error.find("confirmation-needed"), std::string::npos);
    }
    EXPECT_TRUE(catalog_->due_registrations(clock_.now(), 10)->empty());  // it backs off
    worker = registrar(registry.url());                                   // a restart
    ASSERT_TRUE(worker->review());
    clock_.now_ += 3'600'000;
    attempt_due(*worker);
  }
  clock_.now_ += 3'600'000;
  attempt_due(*worker);
  const Registration done = record(image);
  EXPECT_EQ(done.state, Registration::State::kRegistered);
  EXPECT_TRUE(done.error.empty());
  ASSERT_EQ(registry.documents().size(), 1u);
  const auto signed_one = last(registry);
  const metadata::EntryKey key{signed_one.identifier, signed_one.endorsement->email,
                               signed_one.endorsement->created};
  EXPECT_EQ(done.entry_url, registry.url() + key.path());
  ASSERT_EQ(registry.requests().size(), 5u);
  EXPECT_EQ(registry.requests()[1], "GET " + key.path() + " HTTP/1.1");
}

TEST_F(RegistrarTest, AnotherEmailIsSentForTheSameBytesWhenSomebodyAsks) {
  FakeRegistry registry({"202 Accepted", "202 Accepted", "200 OK"});
  const auto image = put("abc");
  auto worker = registrar(registry.url());
  attempt_due(*worker);
  ASSERT_TRUE(catalog_->retry_registration(image.content.decoded.sha256));
  attempt_due(*worker);
  EXPECT_EQ(record(image).state, Registration::State::kAsked);
  const auto documents = registry.documents();
  ASSERT_EQ(documents.size(), 2u);
  EXPECT_EQ(documents[0], documents[1]);
  // A change is another document.
  put("abc");
  clock_.now_ += 3'600'000;
  attempt_due(*worker);
  EXPECT_EQ(registry.documents().size(), 3u);
  EXPECT_EQ(record(image).state, Registration::State::kRegistered);
}

TEST_F(RegistrarTest, ABannedImageIsWithdrawnAndAnnouncedAgainWhenItIsAllowed) {
  FakeRegistry registry({"201 Created"});
  const auto image = put("abc");
  auto worker = registrar(registry.url());
  attempt_due(*worker);
  set_policy("images.deny = ['" + image.identifier().text() + "']\n");
  ASSERT_TRUE(worker->review());
  attempt_due(*worker);
  ASSERT_EQ(registry.documents().size(), 2u);
  EXPECT_EQ(last(registry).deprecated, "withdrawn by its site");
  EXPECT_TRUE(last(registry).locations.empty());
  ASSERT_TRUE(worker->review());  // once
  attempt_due(*worker);
  EXPECT_EQ(registry.documents().size(), 2u);
  ASSERT_TRUE(catalog_->put(image, true));  // PATCH
  attempt_due(*worker);
  EXPECT_TRUE(last(registry).locations.empty()) << "a change does not offer it again";
  set_policy("");
  ASSERT_TRUE(worker->review());
  clock_.now_ += 3'600'000;
  attempt_due(*worker);
  EXPECT_FALSE(last(registry).deprecated);
  EXPECT_EQ(last(registry).locations.size(), 1u);
}

TEST_F(RegistrarTest, OnlyTheBannedFormOfAContentGoes) {
  FakeRegistry registry({"201 Created"});
  auto packed = put("abc");
  packed.id = ImageId::generate(clock_, random_);
  packed.blob = BlobId::generate(random_);
  packed.content.stored = digest::digest_of("abc, compressed");
  ASSERT_TRUE(catalog_->put(packed, true));
  auto worker = registrar(registry.url());
  attempt_due(*worker);
  EXPECT_EQ(last(registry).locations.size(), 2u);
  set_policy("checksums.deny_sha256 = ['" + packed.content.stored.sha256.hex() + "']\n");
  ASSERT_TRUE(worker->review());
  attempt_due(*worker);
  EXPECT_EQ(last(registry).locations.size(), 1u);
  EXPECT_FALSE(last(registry).deprecated);
}

TEST_F(RegistrarTest, WhatWasBannedBeforeItCouldBePostedIsNotOffered) {
  FakeRegistry registry({"503 Service Unavailable", "201 Created"});
  const auto image = put("abc");
  auto worker = registrar(registry.url());
  attempt_due(*worker);
  set_policy("images.deny = ['" + image.identifier().text() + "']\n");
  ASSERT_TRUE(worker->review());
  clock_.now_ += 3'600'000;
  attempt_due(*worker);
  ASSERT_EQ(registry.documents().size(), 2u);
  EXPECT_TRUE(last(registry).locations.empty());
}

// A typing error must not withdraw a whole store.
TEST_F(RegistrarTest, ABrokenPolicyAnnouncesAndWithdrawsNothing) {
  FakeRegistry registry({"201 Created"});
  const auto image = put("abc");
  auto worker = registrar(registry.url());
  attempt_due(*worker);
  set_policy("images.deni = []\n");
  ASSERT_TRUE(worker->review());
  ASSERT_TRUE(catalog_->put(image, true));
  attempt_due(*worker);
  EXPECT_EQ(registry.documents().size(), 1u);
  EXPECT_EQ(record(image).state, Registration::State::kPending);
  EXPECT_NE(record(image).error.find("images.deni"), std::string::npos);
  set_policy("");
  clock_.now_ += 3'600'000;
  attempt_due(*worker);
  EXPECT_EQ(registry.documents().size(), 2u);
}

}  // namespace
}  // namespace strata::storage
