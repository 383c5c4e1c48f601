#pragma once

#include <algorithm>
#include <cstddef>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "storage/codec/seek_block.h"
#include "storage/codec/seek_index.h"
#include "storage/codec/seek_indexer.h"
#include "storage/codec/seek_places.h"
#include "strata/codec/decoder.h"

// A stream, its seek index and its seekable copy in memory, as an upload makes them.
namespace strata::test {

struct SeekWorld final : codec::SeekSink {
  std::string stored;
  std::string decoded;
  std::string index_file;
  std::string copy_file;
  codec::SeekIndex index;  // as finish() gave it
  codec::DecoderLimits limits = codec::DecoderLimits::from(Limits{});

  void append_index(std::string bytes) override { index_file += bytes; }
  void append_copy(std::string bytes) override { copy_file += bytes; }
  void drop_copy() override { copy_file.clear(); }

  // `piece`: how many stored bytes the decoder is given at a time.
  [[nodiscard]] Status make(std::string bytes, std::size_t piece = 1 << 20,
                            codec::SeekIndexerOptions options = {}) {
    stored = std::move(bytes);
    const auto in = std::as_bytes(std::span(stored));
    options.encoding = codec::detect_encoding(in.first(std::min(in.size(), codec::kMagicBytes)));
    codec::SeekIndexer indexer(options, *this);
    const auto decoder = codec::make_decoder(options.encoding, limits);
    codec::SeekPlaces places(options.encoding);
    // As an upload's decode stage does it: a piece of output is handed on when it is full, and the
    // places in it come before it.
    std::vector<std::byte> out(1 << 20);
    std::size_t filled = 0;
    std::uint64_t produced = 0;
    std::size_t taken = 0;
    const auto hand_on = [&] {
      indexer.update(std::span(out).first(filled), taken);
      decoded.append(reinterpret_cast<const char*>(out.data()), filled);
      filled = 0;
    };
    for (;;) {
      if (places.due(taken, produced)) {
        if (auto entry = decoder->entry()) {
          places.taken(taken, produced);
          indexer.place(std::move(entry->state), entry->consumed, entry->produced);
        }
      }
      const auto free = std::span(out).subspan(filled);
      STRATA_TRY(const auto step,
                 decoder->step(in.subspan(taken, std::min(piece, in.size() - taken)),
                               free.first(places.room(produced, free.size()))));
      taken += step.consumed;
      produced += step.produced;
      filled += step.produced;
      if (filled == out.size()) hand_on();
      if (step.consumed == 0 && step.produced == 0 && taken == in.size()) break;
    }
    hand_on();
    if (Status ended = decoder->finish(); !ended) return ended;
    index = indexer.finish(stored.size(), {});
    return {};
  }

  static codec::ReadAt reader(const std::string& bytes) {
    return [&bytes](std::uint64_t offset, std::span<std::byte> out) -> Status {
      if (offset > bytes.size() || out.size() > bytes.size() - offset) {
        return Error(Errc::kCorruptData, "a read beyond the end");
      }
      std::ranges::copy(std::as_bytes(std::span(bytes)).subspan(offset, out.size()), out.begin());
      return {};
    };
  }
  [[nodiscard]] codec::SeekSources sources() const {
    return {.stored = reader(stored), .index = reader(index_file), .copy = reader(copy_file)};
  }
  [[nodiscard]] Result<std::string> block(const codec::SeekBlock& wanted) const {
    if (wanted.kind == codec::SeekBlock::Kind::kZero) {
      return std::string(static_cast<std::size_t>(wanted.decoded_bytes), '\0');
    }
    STRATA_TRY(const auto input, codec::fetch_block(wanted, sources()));
    STRATA_TRY(const auto bytes, codec::decode_block(wanted, input, limits));
    return std::string(reinterpret_cast<const char*>(bytes.data()), bytes.size());
  }
};

}  // namespace strata::test
