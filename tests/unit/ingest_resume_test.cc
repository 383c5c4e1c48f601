#include "tests/support/ingest_fixture.h"

namespace strata::upload {
namespace {

struct Encoded {
  const char* name;
  std::string (*encode)(const std::string& plain);
};
void PrintTo(const Encoded& encoded, std::ostream* out) {
  *out << encoded.name;
}
class ResumedIngestTest : public IngestTest, public testing::WithParamInterface<Encoded> {
 protected:
  const std::string plain_ = random_bytes((3 << 20) + 54'321, 8) + std::string(200'000, 'z');
  const std::string stored_ = GetParam().encode(plain_);
  void expect_right(const blob::BlobProperties& found) {
    EXPECT_EQ(found.stored, digest::digest_of(stored_));
    EXPECT_EQ(found.decoded, digest::digest_of(plain_));
    EXPECT_EQ(found.created, 7);
    EXPECT_EQ(found.disk.virtual_bytes, plain_.size());
    if (found.encoding != codec::Encoding::kIdentity) expect_index(stored_, plain_);
  }
};

TEST_P(ResumedIngestTest, AtEveryPlaceTheResultIsThatOfAnUninterruptedUpload) {
  std::vector<std::size_t> cuts = {0, 1, 2, 3, 4, 5, 6, 7, 4095, 65'537};
  for (std::size_t border = io::kBlockBytes; border < stored_.size(); border += io::kBlockBytes) {
    for (const std::size_t cut : {border - 1, border, border + 1}) cuts.push_back(cut);
  }
  cuts.push_back(stored_.size() - 1);
  cuts.push_back(stored_.size());
  for (const std::size_t cut : cuts) {
    SCOPED_TRACE("cut at " + std::to_string(cut));
    expect_right(interrupted(stored_, {cut}));
  }
  expect_right(interrupted(stored_, cuts));
}

TEST_P(ResumedIngestTest, ADamagedStateIsComputedAgainFromTheFile) {
  const std::size_t cut = (2 << 20) + 777;
  for (const bool digests : {false, true}) {
    record_.reset();
    auto first = begin(Ingest::Mode::kResumable);
    ASSERT_TRUE(send_now(*first, stored_.substr(0, cut)));
    auto saved = checkpoint(*first);
    ASSERT_TRUE(saved);
    close(*first);
    if (digests) saved->stored->digests.front()[0] ^= 1;
    if (saved->decoding) saved->decoding->decoder[0] ^= 1;
    const Ended ended = go_on(*saved, stored_.substr(cut));
    expect_right(ended.found);
    if (digests) {
      EXPECT_GE(ended.read_back, cut);
    }
  }
}

TEST_P(ResumedIngestTest, UnverifiedBytesAreDigestedWhenTheyAreAcceptedAndOnlyThen) {
  const std::size_t cut = 3;  // the encoding is not known yet
  const auto ingest = begin(Ingest::Mode::kResumable);
  ASSERT_TRUE(send_now(*ingest, stored_.substr(0, cut)));
  const auto unverified = [&](std::string_view bytes) -> boost::asio::awaitable<void> {
    while (!bytes.empty()) {
      auto block = co_await ingest->next_block();
      EXPECT_TRUE(block);
      const std::size_t n = std::min(bytes.size(), ingest->block_room());
      std::memcpy((*block)->data(), bytes.data(), n);
      (*block)->set_size(n);
      bytes.remove_prefix(n);
      ingest->submit_unverified(*std::move(block));
    }
  };
  run([&]() -> boost::asio::awaitable<void> {
    const std::string wrong = random_bytes(1'500'000, 9);
    co_await unverified(wrong);
    EXPECT_EQ(ingest->offset(), cut + wrong.size());
    EXPECT_EQ(ingest->processed(), cut);
    EXPECT_TRUE(co_await ingest->reject());
    EXPECT_EQ(ingest->offset(), cut);
    EXPECT_EQ(record_.bytes.size(), cut);
    EXPECT_TRUE(co_await ingest->reject());  // nothing to forget
    const std::string right = stored_.substr(cut, 1'234'567);
    co_await unverified(right);
    ingest->accept();
    EXPECT_TRUE(co_await ingest->catch_up());
    EXPECT_EQ(ingest->processed(), cut + right.size());
    const std::string_view rest = std::string_view(stored_).substr(cut + right.size());
    EXPECT_TRUE(co_await send(*ingest, rest));
  }());
  EXPECT_GE(ingest->read_back(), 1'234'567u);
  const auto finished = finish(*ingest);
  ASSERT_TRUE(finished) << finished.error().message();
  expect_right(finished->properties);
}

TEST_P(ResumedIngestTest, CloseInEveryPhaseKeepsTheBytes) {
  for (const std::size_t size : {std::size_t{0}, std::size_t{3}, std::size_t{2'000'000}}) {
    for (const bool saving : {false, true}) {
      record_.reset();
      const auto ingest = begin(Ingest::Mode::kResumable);
      EXPECT_TRUE(send_now(*ingest, stored_.substr(0, size)));
      std::promise<void> taken;
      if (saving) ingest->checkpoint([&](const Result<Checkpoint>&) { taken.set_value(); });
      close(*ingest);
      if (saving) taken.get_future().get();
      EXPECT_FALSE(record_.aborted);
    }
  }
}

INSTANTIATE_TEST_SUITE_P(
    All, ResumedIngestTest,
    testing::Values(Encoded{"identity", [](const std::string& plain) { return plain; }},
                    Encoded{"gzip", gzip},
                    Encoded{"xz_blocks", [](const std::string& p) { return xz(p, 500'000); }},
                    Encoded{"xz_threads",
                            [](const std::string& p) { return xz_threads(p, 500'000); }},
                    Encoded{"xz_one_block", [](const std::string& p) { return xz(p, p.size()); }},
                    Encoded{"zstd", zstd}),
    [](const auto& value) { return std::string(value.param.name); });

// The end of a block whose bytes fill a decoded block exactly is a place to go on from like any
// other, and is not missed behind the output that is still to be given.
TEST_F(IngestTest, BlocksThatFillDecodedBlocksExactlyAreGoneOnFrom) {
  for (const auto encode : {xz, xz_threads}) {
    record_.reset();
    const std::string plain = random_bytes(8 << 20, 11);
    const std::string stored = encode(plain, 1 << 20);
    const std::size_t cut = (6 << 20) + 4321;
    auto first = begin(Ingest::Mode::kResumable);
    ASSERT_TRUE(send_now(*first, stored.substr(0, cut)));
    std::optional<Checkpoint> saved;
    for (int tries = 0; tries < 200; ++tries) {  // until the decoder has come that far
      const auto taken = checkpoint(*first);
      ASSERT_TRUE(taken);
      saved = *taken;
      if (saved->decoding && saved->decoding->consumed >= 5 << 20) break;
      std::this_thread::sleep_for(std::chrono::milliseconds(20));
    }
    ASSERT_TRUE(saved->decoding);
    ASSERT_GE(saved->decoding->consumed, 5u << 20);
    close(*first);
    EXPECT_EQ(go_on(*saved, stored.substr(cut)).found.decoded, digest::digest_of(plain));
  }
}

// Inside an xz block there is no state: its beginning is decoded again, from the file, while later
// blocks are taken at once.
TEST_F(IngestTest, ALaggingDecoderReadsTheFileBack) {
  const std::string plain = random_bytes(8 << 20, 10);
  const std::string stored = xz(plain, plain.size());
  const std::size_t cut = (6 << 20) + 5;
  auto first = begin(Ingest::Mode::kResumable);
  ASSERT_TRUE(send_now(*first, stored.substr(0, cut)));
  const auto saved = checkpoint(*first);
  ASSERT_TRUE(saved);
  close(*first);
  const Ended ended = go_on(*saved, stored.substr(cut));
  EXPECT_EQ(ended.found.decoded, digest::digest_of(plain));
  EXPECT_GT(ended.read_back, 0u);
}

TEST_F(IngestTest, CancelIsTheAnswerToWhoeverWaits) {
  const Error why(Errc::kCancelled, "enough");
  const auto ingest = begin(Ingest::Mode::kResumable);
  std::vector<std::shared_ptr<io::Block>> taken;
  run([&]() -> boost::asio::awaitable<void> {
    while (taken.size() < limits_.upload_blocks) taken.push_back(*co_await ingest->next_block());
    disk_.post([&] { ingest->cancel(why); });
    const auto refused = co_await ingest->next_block();
    EXPECT_EQ(refused.error().code(), Errc::kCancelled);
  }());
  taken.clear();
  EXPECT_FALSE(checkpoint(*ingest));
  EXPECT_EQ(finish(*ingest).error().code(), Errc::kCancelled);
  close(*ingest);
  EXPECT_FALSE(record_.aborted);
}

TEST_F(IngestTest, BytesThatAreOnlyKeptAreDigestedLater) {
  const std::string stored = random_bytes(2'500'000, 11);
  auto first = begin(Ingest::Mode::kKeepOnly);
  ASSERT_TRUE(send_now(*first, stored.substr(0, 1'100'000)));
  const auto saved = checkpoint(*first);
  ASSERT_TRUE(saved);
  EXPECT_FALSE(saved->stored);
  close(*first);
  EXPECT_EQ(go_on(*saved, stored.substr(1'100'000)).found.stored, digest::digest_of(stored));
}

}  // namespace
}  // namespace strata::upload
