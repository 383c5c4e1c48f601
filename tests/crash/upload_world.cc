#include "tests/crash/upload_world.h"

#include <gtest/gtest.h>
#include <rocksdb/env.h>

#include <algorithm>
#include <chrono>
#include <thread>

#include "storage/blob/local_blob_store.h"
#include "storage/catalog/rocksdb_catalog.h"
#include "tests/support/append_text.h"

namespace strata::test {
namespace asio = boost::asio;
namespace {

using upload::SessionState;
using upload::Uploads;

// As the service's ImagePublisher, without its parameters.
class TestPublisher final : public upload::Publisher {
 public:
  TestPublisher(catalog::ImageStore& images, catalog::Catalog& catalog, Clock& clock)
      : images_(images), catalog_(catalog), clock_(clock) {}

  Status publish(std::unique_ptr<blob::BlobWriter> writer, const upload::SessionRecord& session,
                 const blob::BlobProperties& properties) override {
    const auto published =
        images_.publish(std::move(writer), image_of(session, properties), properties);
    if (!published) return published.error();
    return {};
  }
  Result<bool> publish_committed(const upload::SessionRecord& session) override {
    const auto found = catalog_.get(session.image);
    if (found) return true;
    if (found.error().code() != Errc::kNotFound) return found.error();
    return images_.publish_committed(
        session.blob, [&](const blob::BlobProperties& properties) -> Result<catalog::Image> {
          return image_of(session, properties);
        });
  }

 private:
  [[nodiscard]] catalog::Image image_of(const upload::SessionRecord& session,
                                        const blob::BlobProperties& properties) const {
    catalog::Image image;
    image.id = session.image;
    image.name = session.description;
    image.owner = session.owner;
    image.created = image.updated = clock_.now();
    image.content = properties;
    return image;
  }

  catalog::ImageStore& images_;
  catalog::Catalog& catalog_;
  Clock& clock_;
};

}  // namespace

UploadWorld::UploadWorld(const Ending& ending, Watchdog& watchdog)
    : ending_(ending), watchdog_(watchdog), fs_(std::make_unique<FaultyFileSystem>(plan_)) {
  limits_.upload_checkpoint_bytes = 300'000;
  limits_.disk_reserve_bytes = 0;
  env_.reset(rocksdb::NewMemEnv(rocksdb::Env::Default()));
  inner_ = std::move(*catalog::open_rocksdb_catalog("/catalog", env_.get()));
  const Status started = start();
  EXPECT_TRUE(started) << started.error().message();
}

UploadWorld::~UploadWorld() {
  stop();
}

Status UploadWorld::start() {
  watchdog_.phase("start");
  catalog_ = std::make_unique<FaultyCatalog>(*inner_, plan_, ending_.write_takes_effect);
  STRATA_TRY(blobs_, blob::open_local_blob_store(*fs_, "/store", maker_.random()));
  STRATA_TRY(journal_, upload::Journal::open(*fs_, {.directory = "/uploads"}));
  images_ = std::make_unique<catalog::ImageStore>(*blobs_, *catalog_, maker_.clock(),
                                                  [](const catalog::Image&) { return false; });
  STRATA_TRY(const auto kept, Uploads::kept_blobs(*journal_));
  STRATA_TRY(const auto recovery, images_->recover(kept));
  EXPECT_EQ(recovery.damaged, 0u);
  // What nobody keeps is gone.
  for (const std::string& file : *fs_->list("/store/staging")) {
    EXPECT_TRUE(std::any_of(kept.begin(), kept.end(), [&](const BlobId& blob) {
      return blob.text() == file;
    })) << file;
  }
  disk_.emplace("disk", 2);
  compute_.emplace("compute", 2);
  digests_.emplace(*compute_, metrics_);
  decoding_.emplace(*compute_, codec::ParallelDecoding::Options{
                                   .bytes_max = limits_.parallel_decoding_bytes_max});
  publisher_ = std::make_unique<TestPublisher>(*images_, *catalog_, maker_.clock());
  uploads_ =
      std::make_unique<Uploads>(Uploads::Parts{limits_,
                                               maker_.clock(),
                                               maker_.random(),
                                               {*disk_, *compute_, *digests_, blocks_, *decoding_},
                                               *blobs_,
                                               *journal_,
                                               *publisher_});
  if (const Status loaded = uploads_->load(); !loaded) return loaded;
  uploads_->start();
  return {};
}

void UploadWorld::stop() {
  watchdog_.phase("stop");
  if (uploads_) uploads_->stop();
  decoding_.reset();
  digests_.reset();
  compute_.reset();
  disk_.reset();
  uploads_.reset();
  publisher_.reset();
  images_.reset();
  journal_.reset();
  blobs_.reset();
}

void UploadWorld::reboot(bool power) {
  stop();
  const auto seed = ending_.seed * 7919 + static_cast<std::uint32_t>(plan_.calls());
  plan_.reset();
  fs_ = fs_->reboot(power ? ending_.leaves : FaultyFileSystem::Leaves::kEverything, seed);
}

Status UploadWorld::create(Client& client) {
  watchdog_.phase("create");
  Uploads::Creation creation;
  creation.kind = client.kind;
  creation.owner = "alice";
  creation.description = "an image";
  creation.parts = client.parts;
  if (client.kind != upload::Kind::kFinal) creation.length = client.stored.size();
  const auto session = run(uploads_->create(creation));
  if (!session) return session.error();
  client.token = (*session)->token();
  return {};
}

asio::awaitable<Status> UploadWorld::append(Client& client, std::size_t bytes, bool checked) {
  STRATA_CO_TRY(const auto session, uploads_->find(client.token->text(), "alice"));
  auto hold = co_await session->hold([] {});
  if (!hold) co_return hold.error();
  Uploads::Append request;
  request.offset = session->view().offset;
  request.bytes = bytes;
  const std::string_view piece = std::string_view(client.stored).substr(request.offset, bytes);
  ExpectedDigests expected;
  if (checked) {
    expected.sha256 = digest::digest_of(piece).sha256;
    request.verified_by = digest::Algorithms::kSha256;
  }
  AppendText source(piece, expected);
  client.sent = std::max(client.sent, request.offset + bytes);
  const auto offset = co_await uploads_->append(*hold, request, source);
  for (const std::uint64_t told : source.told()) {
    client.acknowledged = std::max(client.acknowledged, told);
  }
  if (!offset) co_return offset.error();
  EXPECT_EQ(*offset, request.offset + bytes);
  client.acknowledged = *offset;
  co_return Status();
}

Status UploadWorld::send(Client& client) {
  for (int piece = 0;; ++piece) {
    watchdog_.phase("append " + std::to_string(piece));
    const auto session = uploads_->find(client.token->text(), "alice");
    if (!session) return session.error();
    const auto view = (*session)->view();
    client.image = view.record.image;
    EXPECT_GE(view.offset, client.acknowledged);
    EXPECT_LE(view.offset, client.sent);
    if (view.offset == client.stored.size() || view.state != SessionState::kReceiving) return {};
    const std::size_t left = client.stored.size() - static_cast<std::size_t>(view.offset);
    const std::size_t bytes = piece == 0 ? left / 3 + 1 : piece == 1 ? left * 4 / 7 + 1 : left;
    const Status appended = run(append(client, std::min(bytes, left), piece == 1));
    EXPECT_GE((*session)->view().offset, client.acknowledged);
    EXPECT_LE((*session)->view().offset, client.sent);
    if (!appended) return appended;
  }
}

Status UploadWorld::completion(const Client& client) {
  watchdog_.phase("completion");
  const auto session = uploads_->find(client.token->text(), "alice");
  if (!session) return session.error();
  return run(uploads_->completion(*session));
}

Status UploadWorld::upload(Client& client) {
  if (!client.token) {
    if (const Status created = create(client); !created) return created;
  }
  if (const Status sent = send(client); !sent) return sent;
  return completion(client);
}

void UploadWorld::sweep() {
  watchdog_.phase("sweep");
  const Status swept = run([](Uploads& uploads) -> asio::awaitable<Status> {
    co_await uploads.sweep(std::chrono::seconds(5));
    co_return Status();
  }(*uploads_));
  EXPECT_TRUE(swept);
}

std::optional<RandomId> UploadWorld::find_final() {
  for (const RandomId& token : journal_->sessions()) {
    const auto session = uploads_->find(token.text(), "alice");
    if (session && (*session)->view().record.kind == upload::Kind::kFinal) return token;
  }
  return std::nullopt;
}

void UploadWorld::verify(const Client& client) {
  watchdog_.phase("verify");
  ASSERT_TRUE(client.image);
  const auto image = catalog_->get(*client.image);
  ASSERT_TRUE(image) << image.error().message();
  EXPECT_EQ(image->content.stored, digest::digest_of(client.stored));
  EXPECT_EQ(image->content.decoded, client.decoded);
  EXPECT_LE(*catalog_->count(), client.images_max);
  const auto reader = blobs_->open(image->blob);
  ASSERT_TRUE(reader) << reader.error().message();
  std::string found(static_cast<std::size_t>((*reader)->size()), '?');
  EXPECT_TRUE((*reader)->read_at(0, std::as_writable_bytes(std::span(found))));
  EXPECT_TRUE(found == client.stored);
  remove_all();
  EXPECT_TRUE(catalog_->get(*client.image));
  // A part that its concatenation removes is forgotten first: its bytes go a moment later.
  for (int wait = 0; wait < 500 && !fs_->list("/store/staging")->empty(); ++wait) {
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  }
  EXPECT_EQ(*fs_->list("/store/staging"), std::vector<std::string>());
  EXPECT_EQ(fs_->list("/uploads")->size(), 1u);
}

void UploadWorld::remove_all() {
  watchdog_.phase("remove");
  // Parts go with their concatenation, a moment after it is complete.
  for (const bool finals : {true, false}) {
    for (const RandomId& token : journal_->sessions()) {
      const auto session = uploads_->find(token.text(), "alice");
      if (!session) continue;
      if (finals && (*session)->view().record.kind != upload::Kind::kFinal) continue;
      const Status removed = run(uploads_->remove(*session));
      EXPECT_TRUE(removed || removed.error().code() == Errc::kGone) << removed.error().message();
    }
  }
  for (int wait = 0; wait < 500 && uploads_->figures().sessions > 0; ++wait) {
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  }
  EXPECT_TRUE(journal_->sessions().empty());
  EXPECT_EQ(uploads_->figures().sessions, 0u);
}

}  // namespace strata::test
