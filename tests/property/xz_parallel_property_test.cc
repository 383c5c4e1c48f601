#include <gtest/gtest.h>

#include <map>
#include <random>
#include <string>

#include "strata/codec/decoder.h"
#include "tests/support/codec_streams.h"
#include "tests/support/parallel.h"
#include "tests/support/tool.h"

// xz decoded on two threads against the same on one: bytes, places and states.
namespace strata::codec {
namespace {

constexpr const char* kCommands[] = {
    "xz -0 -T2 --block-size=100000",
    "xz -0 -T2 --block-size=65536 --check=sha256",
    "xz -0 -T2 --block-list=300000,1000,200000,1,70000",
    "xz -0 -T1 --block-size=90000",  // does not say its sizes
    "split -b 250000 --filter='xz -0 -T2 --block-size=100000; head -c 8 /dev/zero'",
};

struct Seen {
  std::string decoded;
  // The first entry that the decoder had for each number of decoded bytes.
  std::map<std::uint64_t, Decoder::Entry> entries;
};

// Notes the entries of a decoder.
class Watched final : public Decoder {
 public:
  Watched(std::unique_ptr<Decoder> inner, Seen& seen) : inner_(std::move(inner)), seen_(seen) {}
  Result<Step> step(std::span<const std::byte> in, std::span<std::byte> out) override {
    STRATA_TRY(const Step step, inner_->step(in, out));
    produced_ += step.produced;
    const auto entry = inner_->entry();
    if (entry && produced_ > 0) seen_.entries.emplace(entry->produced, *entry);
    if (entry) check(entry->produced == produced_, "an entry at another place");
    return step;
  }
  bool waiting() const override { return inner_->waiting(); }
  void set_wake(std::function<void()> wake) override { inner_->set_wake(std::move(wake)); }
  std::uint64_t ahead() const override { return inner_->ahead(); }
  Status finish() override { return inner_->finish(); }
  std::optional<std::string> save() const override { return inner_->save(); }
  std::optional<Entry> entry() const override { return inner_->entry(); }

 private:
  std::unique_ptr<Decoder> inner_;
  Seen& seen_;
  std::uint64_t produced_ = 0;
};

class XzParallel : public testing::TestWithParam<const char*> {
 protected:
  static Seen see(const std::string& stream, const test::Pieces& pieces,
                  const ParallelDecoding* parallel) {
    Seen seen;
    Watched decoder(make_decoder(Encoding::kXz, test::default_limits(), parallel), seen);
    auto decoded = test::decode_all(decoder, stream, pieces);
    check(decoded.has_value(), "a good stream is refused");
    seen.decoded = *std::move(decoded);
    return seen;
  }
  test::Pieces pieces() {
    const auto piece = [this, most = 1 + random_() % 300'000] { return 1 + random_() % most; };
    return {piece, piece};
  }

  const std::string data_ = test::sample_data(1'000'000, 3);
  const std::string stream_ = test::run_tool(GetParam(), data_);
  std::mt19937_64 random_{4};
};

TEST_P(XzParallel, BytesAndPlacesAreThoseOfOneThread) {
  const Seen expected = see(stream_, test::pieces_of(1 << 20, 1 << 20), nullptr);
  ASSERT_TRUE(expected.decoded == data_);
  ASSERT_GE(expected.entries.size(), 4U);
  for (int round = 0; round < 12; ++round) {
    const auto parallel =
        test::parallel(round % 2 == 0 ? 256 << 20 : 1 << 20, round % 3 == 0 ? 1 : 64 << 10);
    const Seen seen = see(stream_, pieces(), &parallel);
    ASSERT_TRUE(seen.decoded == data_) << "round " << round;
    EXPECT_EQ(parallel.used(), 0U);
    ASSERT_EQ(seen.entries.size(), expected.entries.size()) << "round " << round;
    for (const auto& [produced, entry] : expected.entries) {
      ASSERT_TRUE(seen.entries.contains(produced)) << produced;
      EXPECT_EQ(seen.entries.at(produced).consumed, entry.consumed) << produced;
      EXPECT_EQ(seen.entries.at(produced).state, entry.state) << produced;
    }
  }
}

TEST_P(XzParallel, EveryPlaceIsGoneOnFrom) {
  const auto parallel = test::parallel();
  const Seen seen = see(stream_, pieces(), &parallel);
  for (const auto& [produced, entry] : seen.entries) {
    for (const ParallelDecoding* how : {static_cast<const ParallelDecoding*>(nullptr), &parallel}) {
      auto restored = restore_decoder(test::bytes_of(entry.state), test::default_limits(), how);
      ASSERT_TRUE(restored) << restored.error().message();
      EXPECT_EQ(restored->consumed, entry.consumed);
      EXPECT_EQ(restored->produced, produced);
      const auto rest =
          test::decode_all(*restored->decoder, stream_.substr(restored->consumed), pieces());
      ASSERT_TRUE(rest) << rest.error().message();
      EXPECT_TRUE(*rest == data_.substr(produced)) << produced;
    }
  }
}

// An error is that of one thread, with the same words.
TEST_P(XzParallel, DamageIsFoundAtTheSamePlace) {
  const auto parallel = test::parallel();
  for (int round = 0; round < 60; ++round) {
    std::string damaged = stream_;
    damaged[random_() % damaged.size()] ^= static_cast<char>(1 << random_() % 8);
    const auto sizes = test::pieces_of(1 << 16, 1 << 20);
    const auto one =
        test::decode_all(*make_decoder(Encoding::kXz, test::default_limits()), damaged, sizes);
    const auto two = test::decode_all(
        *make_decoder(Encoding::kXz, test::default_limits(), &parallel), damaged, sizes);
    ASSERT_EQ(one.has_value(), two.has_value()) << "round " << round;
    if (one) {
      EXPECT_TRUE(*one == *two);
      continue;
    }
    EXPECT_EQ(one.error().code(), two.error().code());
    const auto block_of = [](const Error& error) {
      return error.detail().substr(0, error.detail().find(" (at decoded offset"));
    };
    EXPECT_EQ(block_of(one.error()), block_of(two.error())) << "round " << round;
  }
}

INSTANTIATE_TEST_SUITE_P(Commands, XzParallel, testing::ValuesIn(kCommands));

}  // namespace
}  // namespace strata::codec
