#include <gtest/gtest.h>

#include <algorithm>
#include <functional>
#include <random>
#include <string>
#include <vector>

#include "storage/codec/deflate_state.h"
#include "strata/codec/disk_format.h"
#include "tests/support/codec_forge.h"
#include "tests/support/codec_states.h"
#include "tests/support/codec_streams.h"
#include "tests/support/codec_verdict.h"

namespace strata::codec {
namespace {

using test::expect_error;
using test::forge_gzip;
using test::forge_xz;
using test::forge_zstd;
using test::restore_with;
using test::sealed;

// One step with all of the input and much room.
Decoder::Step step(Decoder& decoder, std::string_view in, std::size_t room_size = 1 << 16) {
  std::string room(room_size, '\0');
  const auto step =
      decoder.step(test::bytes_of(in), std::as_writable_bytes(std::span(room.data(), room_size)));
  check(step.has_value(), "a good stream is refused");
  return *step;
}

std::string state_after(Encoding encoding, std::string_view in) {
  const auto decoder = make_decoder(encoding, test::default_limits());
  while (!in.empty()) in.remove_prefix(step(*decoder, in).consumed);
  return decoder->save().value();
}

Result<std::string> refusal(std::string_view state,
                            const DecoderLimits& limits = test::default_limits()) {
  const auto restored = restore_decoder(test::bytes_of(state), limits);
  if (restored) return std::string("accepted");
  return restored.error();
}

std::string changed(std::string state, std::size_t at, char by) {
  state[at] = static_cast<char>(state[at] + by);
  return sealed(test::unsealed(std::move(state)));
}

TEST(DecoderState, TheEnvelopeIsCheckedBeforeAnythingElse) {
  const std::string good = state_after(Encoding::kZstd, forge_zstd({}));
  ASSERT_TRUE(restore_decoder(test::bytes_of(good), test::default_limits()));
  expect_error(refusal(""), Errc::kCorruptData, "is cut: it has only 0 bytes");
  expect_error(refusal(good.substr(0, 12)), Errc::kCorruptData, "is cut");
  expect_error(refusal("X" + good.substr(1)), Errc::kCorruptData, "does not begin as one");
  // The version before the checksum: another version may have another one.
  std::string version = good;
  version[4] = 2;
  expect_error(refusal(version), Errc::kCorruptData, "has version 2, this program knows version 1");
  for (std::size_t at = 5; at < good.size(); ++at) {
    std::string damaged = good;
    damaged[at] = static_cast<char>(damaged[at] ^ 4);
    expect_error(refusal(damaged), Errc::kCorruptData, "checksum does not match");
  }
  expect_error(refusal(good.substr(0, good.size() - 1)), Errc::kCorruptData, "checksum");
  expect_error(refusal(good + '\0'), Errc::kCorruptData, "checksum");
  expect_error(refusal(std::string(kSavedDecoderBytesMax + 1, 'x')), Errc::kCorruptData, "longer");
}

TEST(DecoderState, FieldsThatCannotBeAreRefused) {
  const std::string zstd = state_after(Encoding::kZstd, forge_zstd({}));
  expect_error(refusal(changed(zstd, 5, 1)), Errc::kCorruptData, "unknown encoding");
  expect_error(refusal(changed(zstd, 5, -3)), Errc::kCorruptData, "unknown encoding");
  expect_error(refusal(changed(zstd, 6, 1)), Errc::kCorruptData, "reserved");
  expect_error(refusal(changed(zstd, 31, -1)), Errc::kCorruptData, "decoded bytes of no frame");
  expect_error(refusal(changed(zstd, 32, 4)), Errc::kCorruptData, "too many magic bytes");
  expect_error(refusal(changed(zstd, 32, 1)), Errc::kCorruptData, "another length");
  expect_error(refusal(sealed(test::unsealed(zstd) + '\0')), Errc::kCorruptData, "another length");
  expect_error(refusal(sealed(zstd.substr(0, 20))), Errc::kCorruptData, "is cut");

  const std::string xz = state_after(Encoding::kXz, forge_xz({.data = "data"}));
  expect_error(refusal(changed(xz, 24, 1)), Errc::kCorruptData, "unknown place");
  expect_error(refusal(changed(xz, 32, -1)), Errc::kCorruptData, "counts that cannot be");
  expect_error(refusal(changed(xz, 42, 4)), Errc::kCorruptData, "counts that cannot be");

  const std::string gzip = state_after(Encoding::kGzip, forge_gzip({}));
  expect_error(refusal(changed(gzip, 24, 2)), Errc::kCorruptData, "unknown place");
  expect_error(refusal(changed(gzip, 24, -3)), Errc::kCorruptData, "gzip header that cannot be");
  expect_error(refusal(changed(gzip, 32, -1)), Errc::kCorruptData, "counts that cannot be");
}

TEST(DecoderState, LimitsGoOnCounting) {
  const std::string member = forge_gzip({.data = std::string(1'000, 'x')});
  const std::string state = state_after(Encoding::kGzip, member);
  DecoderLimits limits = test::default_limits();
  limits.output_bytes_max = 999;
  expect_error(refusal(state, limits), Errc::kDecompressionLimit, "over the limit of 999 bytes");
  const auto continued = [&](const DecoderLimits& with) {
    auto restored = restore_decoder(test::bytes_of(state), with);
    check(restored.has_value(), "refused");
    return test::decode_all(*restored->decoder, member);
  };
  limits.output_bytes_max = 2'000;
  EXPECT_TRUE(continued(limits));
  limits.output_bytes_max = 1'999;
  expect_error(continued(limits), Errc::kDecompressionLimit, "over the limit of 1999 bytes");
  limits = test::default_limits();
  limits.parts_max = 1;
  expect_error(continued(limits), Errc::kDecompressionLimit, "the number of gzip members");
}

TEST(DecoderState, XzReturnsBehindEveryBlockWithInputLeft) {
  const std::string stream = forge_xz({.blocks = 3, .data = "data"});
  const auto decoder = make_decoder(Encoding::kXz, test::default_limits());
  std::string_view left = stream;
  for (int block = 1; block <= 3; ++block) {
    const auto at = step(*decoder, left);
    EXPECT_EQ(at.produced, 4U);
    left.remove_prefix(at.consumed);
    EXPECT_FALSE(left.empty());
    ASSERT_TRUE(decoder->save());
    auto restored = restore_decoder(test::bytes_of(*decoder->save()), test::default_limits());
    ASSERT_TRUE(restored);
    EXPECT_EQ(restored->consumed, stream.size() - left.size());
    EXPECT_EQ(restored->produced, 4U * static_cast<unsigned>(block));
    EXPECT_EQ(test::decode_all(*restored->decoder, left).value().size(),
              12U - 4U * static_cast<unsigned>(block));
  }
}

TEST(DecoderState, XzHasNoneInABlock) {
  const std::string stream = forge_xz({.blocks = 1, .data = "data"});
  const auto decoder = make_decoder(Encoding::kXz, test::default_limits());
  step(*decoder, std::string_view(stream).substr(0, 12 + 11));
  EXPECT_TRUE(decoder->save()) << "in the header of a block";
  step(*decoder, std::string_view(stream).substr(12 + 11, 3));
  EXPECT_FALSE(decoder->save());
}

TEST(DecoderState, ADamagedXzIndexIsFoundAfterwards) {
  const std::string stream = forge_xz({.blocks = 2, .data = "data", .index_decoded_error = 1});
  const std::string state = state_after(Encoding::kXz, stream.substr(0, 32));
  auto restored = restore_decoder(test::bytes_of(state), test::default_limits());
  ASSERT_TRUE(restored);
  expect_error(test::decode_all(*restored->decoder, stream.substr(32)), Errc::kCorruptXz,
               "the index is damaged or lists other blocks");
}

TEST(DecoderState, ZstdReturnsBehindEveryFrameWithInputLeft) {
  const std::string stream =
      forge_zstd({}) + test::forge_zstd_skippable(2, "skipped") + forge_zstd({.blocks = {"more"}});
  const auto decoder = make_decoder(Encoding::kZstd, test::default_limits());
  std::string_view left = stream;
  std::vector<std::size_t> produced;
  while (!left.empty()) {
    const auto at = step(*decoder, left);
    produced.push_back(at.produced);
    left.remove_prefix(at.consumed);
    EXPECT_TRUE(decoder->save());
  }
  EXPECT_EQ(produced, (std::vector<std::size_t>{4, 0, 4}));
  step(*decoder, forge_zstd({}).substr(0, 3));
  EXPECT_TRUE(decoder->save()) << "in the magic bytes";
  step(*decoder, forge_zstd({}).substr(3, 2));
  EXPECT_FALSE(decoder->save()) << "in a frame";
}

// What was decoded ahead and not given yet is up to 64 KiB, and is part of the state.
TEST(DecoderState, PendingOutputIsKept) {
  const std::string data = test::sample_data(60'000, 3);
  const std::string stream = forge_gzip({.data = data});
  for (const auto engine : {InflateEngine::kIsal, InflateEngine::kZlib}) {
    const auto decoder = make_gzip_decoder(fastest_inflate_engine(), test::default_limits());
    const auto taken = step(*decoder, stream, 1);
    const auto state = decoder->save();
    if (!state) continue;  // zlib in a block
    auto restored = restore_with(engine, *state);
    ASSERT_TRUE(restored) << restored.error().message();
    EXPECT_EQ(restored->consumed, taken.consumed);
    const auto rest = test::decode_all(*restored->decoder, stream.substr(taken.consumed));
    ASSERT_TRUE(rest) << rest.error().message();
    EXPECT_TRUE(data.substr(1) == *rest);
  }
}

// As if `data` had been decoded to where `deflate` is.
std::string gzip_state(const DeflateState& deflate) {
  StateWriter state;
  state.run("SDec");
  state.number(1, 1);
  state.number(static_cast<unsigned>(Encoding::kGzip), 1);
  state.number(0, 2);
  state.number(1'000'000, 8);
  state.number(1'000'000, 8);
  state.number(2, 1);  // in deflate data
  state.number(1, 8);
  state.number(0, 8);
  deflate.save(state);
  state.seal();
  return state.take();
}

// The lengths of a random code that is complete, of `count` symbols (RFC 1951 section 3.2.2).
std::vector<std::uint8_t> random_lengths(std::mt19937_64& random, std::size_t count) {
  std::vector<std::uint8_t> lengths{0};
  const bool skewed = random() % 2 == 0;
  while (lengths.size() < count) {
    auto leaf = lengths.end() - 1;  // of the code tree, to become two
    if (!skewed) leaf = lengths.begin() + static_cast<std::ptrdiff_t>(random() % lengths.size());
    if (*leaf == 15) leaf = std::ranges::find_if(lengths, [](auto length) { return length < 15; });
    lengths.push_back(++*leaf);
  }
  return lengths;
}

void give_lengths(std::mt19937_64& random, std::span<std::uint8_t> symbols, std::size_t count,
                  std::size_t needed) {
  std::vector<std::size_t> order(symbols.size());
  for (std::size_t i = 0; i < order.size(); ++i) order[i] = i;
  std::ranges::shuffle(order, random);
  if (needed < order.size()) std::iter_swap(order.begin(), std::ranges::find(order, needed));
  const auto lengths = random_lengths(random, count);
  for (std::size_t i = 0; i < count; ++i) symbols[order[i]] = lengths[i];
}

// What goes into ISA-L as a block header comes out of its tables again.
TEST(DecoderState, CodeLengthsAreReadFromTheTables) {
  if (fastest_inflate_engine() != InflateEngine::kIsal) GTEST_SKIP() << "built without ISA-L";
  std::mt19937_64 random(71);
  for (int round = 0; round < 2'000; ++round) {
    DeflateState deflate{.at = DeflateState::At::kDynamic, .final_block = round % 2 == 0};
    give_lengths(random, deflate.lengths.literal, 2 + random() % (kLiteralCodes - 1), 256);
    give_lengths(random, deflate.lengths.distance, 2 + random() % (kDistanceCodes - 1), 0);
    const std::string state = gzip_state(deflate);
    auto restored = restore_with(InflateEngine::kIsal, state);
    ASSERT_TRUE(restored) << "round " << round << ": " << restored.error().message();
    ASSERT_TRUE(restored->decoder->save() == state) << "round " << round;
    ASSERT_TRUE(restore_with(InflateEngine::kZlib, state)) << "round " << round;
  }
}

// 284 with all extra bits and 285 mean the same length, here in as many bits.
TEST(DecoderState, TheLongestMatchHasTwoNames) {
  if (fastest_inflate_engine() != InflateEngine::kIsal) GTEST_SKIP() << "built without ISA-L";
  for (const unsigned length : {2U, 3U, 6U, 9U, 10U}) {
    for (const bool with_284 : {false, true}) {
      for (const bool with_285 : {false, true}) {
        DeflateState deflate{.at = DeflateState::At::kDynamic};
        deflate.lengths.literal[256] = 1;
        if (with_284) deflate.lengths.literal[284] = static_cast<std::uint8_t>(length);
        if (with_285) deflate.lengths.literal[285] = static_cast<std::uint8_t>(length + 5);
        deflate.lengths.distance[0] = 1;
        const std::string state = gzip_state(deflate);
        auto restored = restore_with(InflateEngine::kIsal, state);
        ASSERT_TRUE(restored) << restored.error().message();
        EXPECT_TRUE(restored->decoder->save() == state) << length << with_284 << with_285;
      }
    }
  }
}

TEST(DecoderState, HostileDeflateStatesAreRefused) {
  const auto refused = [](const std::function<void(DeflateState&)>& change) {
    for (const auto engine : {InflateEngine::kIsal, InflateEngine::kZlib}) {
      DeflateState deflate{.at = DeflateState::At::kDynamic, .window = std::string(100, 'w')};
      deflate.lengths.literal[0] = deflate.lengths.literal[256] = 1;
      deflate.lengths.distance[0] = 1;
      if (!restore_with(engine, gzip_state(deflate))) return false;
      change(deflate);
      if (restore_with(engine, gzip_state(deflate))) return false;
    }
    return true;
  };
  using At = DeflateState::At;
  EXPECT_TRUE(refused([](auto& s) { s.lengths.literal[1] = 1; })) << "oversubscribed";
  EXPECT_TRUE(refused([](auto& s) { s.lengths.literal[256] = 0; })) << "no end of block";
  EXPECT_TRUE(refused([](auto& s) { s.lengths.distance.fill(1); })) << "oversubscribed distances";
  EXPECT_TRUE(refused([](auto& s) { s.lengths = CodeLengths::fixed(); })) << "another form";
  EXPECT_TRUE(refused([](auto& s) { s.pending = 101; })) << "more pending than there is";
  EXPECT_TRUE(refused([](auto& s) { s.window.resize(32 * 1024 + 1); })) << "a longer window";
  EXPECT_TRUE(refused([](auto& s) { s.at = At::kStored; })) << "nothing left";
  EXPECT_TRUE(refused([](auto& s) { s.at = At::kEnded; })) << "nothing pending";
  EXPECT_TRUE(refused([](auto& s) { s.window.resize(s.pending = kDeflatePendingBytesMax + 1); }))
      << "more pending than any";
  EXPECT_TRUE(refused([](auto& s) {
    for (int i = 0; i < 400; ++i) s.unread.add(0, 8);
  })) << "more unread than any";
  EXPECT_TRUE(refused([](auto& s) {
    s.at = At::kStored;
    s.stored_left = 5;
    s.unread.add(0, 3);
  })) << "half a byte of a stored block";
}

TEST(DecoderState, BitStringsAreInTheOrderOfDeflate) {
  BitString bits;
  bits.add(0b101, 3);
  bits.add("\xFF\x01");
  EXPECT_EQ(bits.size(), 19U);
  EXPECT_EQ(bits.lead(), 0b101);
  EXPECT_EQ(bits.behind_lead(), "\xFF\x01");
  bits.add(0, 1);
  bits.align();
  EXPECT_EQ(bits.size(), 24U);
  EXPECT_EQ(bits.bytes(), std::string("\xFD\x0F\x00", 3));
  EXPECT_EQ(bits.behind_lead(), bits.bytes());
}

TEST(DiskProbeState, WhatCannotBeIsRefused) {
  DiskProbe probe;
  probe.update(test::bytes_of(test::sample_data(600, 1)));
  const std::string good = probe.save();
  ASSERT_TRUE(DiskProbe::restore(test::bytes_of(good)));
  for (std::size_t size = 0; size < good.size() - 8; ++size) {
    const auto cut = DiskProbe::restore(test::bytes_of(good.substr(0, size)));
    ASSERT_FALSE(cut);
    EXPECT_EQ(cut.error().code(), Errc::kCorruptData);
    ASSERT_FALSE(DiskProbe::restore(test::bytes_of(sealed(good.substr(0, size)))));
  }
  EXPECT_FALSE(DiskProbe::restore(test::bytes_of(sealed(test::unsealed(good) + '\0'))));
  for (const auto& [at, by] : {std::pair<std::size_t, char>{4, 1}, {5, 1}}) {
    EXPECT_FALSE(DiskProbe::restore(test::bytes_of(changed(good, at, by)))) << at;
  }
}

TEST(DiskProbeState, MovesAndCounts) {
  DiskProbe probe;
  probe.update(test::bytes_of("QFI"));
  DiskProbe moved = std::move(probe);
  EXPECT_EQ(moved.bytes(), 3U);
  moved.update(test::bytes_of("\xfb"));
  EXPECT_EQ(moved.finish(), (DiskInfo{DiskFormat::kRaw, 4}));
}

}  // namespace
}  // namespace strata::codec
