#include "storage/upload/checkpoint.h"

namespace strata::upload {
namespace {

constexpr std::string_view kMagic = "SUck";
constexpr char kVersion = 1;
constexpr std::uint8_t kHasStored = 1;
constexpr std::uint8_t kHasDecoding = 2;

Error damaged() {
  return {Errc::kCorruptData, "the checkpoint of an upload is damaged"};
}

// Numbers are written with the most significant byte first.
class Writer {
 public:
  void number(std::uint64_t value, int bytes) {
    for (int shift = 8 * (bytes - 1); shift >= 0; shift -= 8) {
      out_ += static_cast<char>(value >> shift & 0xFF);
    }
  }
  void text(std::string_view text) {
    number(text.size(), 4);
    out_ += text;
  }
  void digests(const DigestStage::Saved& saved) {
    number(saved.bytes, 8);
    number(saved.digests.size(), 1);
    for (const std::string& part : saved.digests) text(part);
    text(saved.probe);
  }
  std::string out_;
};

// After the first failure every read gives zeros; ok() is asked at the end.
class Reader {
 public:
  explicit Reader(std::string_view bytes) : rest_(bytes) {}
  std::uint64_t number(std::size_t bytes) {
    std::uint64_t value = 0;
    for (const char c : take(bytes)) value = value << 8 | static_cast<unsigned char>(c);
    return value;
  }
  std::string text() { return std::string(take(number(4))); }
  DigestStage::Saved digests() {
    DigestStage::Saved saved;
    saved.bytes = number(8);
    for (std::uint64_t parts = number(1); parts > 0 && ok_; --parts) {
      saved.digests.push_back(text());
    }
    saved.probe = text();
    return saved;
  }
  std::string_view take(std::uint64_t count) {
    if (count > rest_.size()) {
      ok_ = false;
      rest_ = {};
    }
    if (!ok_) return {};
    const std::string_view taken = rest_.substr(0, count);
    rest_.remove_prefix(count);
    return taken;
  }
  [[nodiscard]] bool ended_well() const { return ok_ && rest_.empty(); }

 private:
  std::string_view rest_;
  bool ok_ = true;
};

}  // namespace

std::string to_bytes(const Checkpoint& checkpoint) {
  Writer writer;
  writer.out_ = std::string(kMagic) + kVersion;
  writer.number((checkpoint.stored ? kHasStored : 0u) | (checkpoint.decoding ? kHasDecoding : 0u),
                1);
  writer.number(checkpoint.offset, 8);
  writer.number(static_cast<std::uint64_t>(checkpoint.saved), 8);
  if (checkpoint.stored) writer.digests(*checkpoint.stored);
  if (checkpoint.decoding) {
    writer.number(checkpoint.decoding->consumed, 8);
    writer.text(checkpoint.decoding->decoder);
    writer.digests(checkpoint.decoding->digests);
  }
  return std::move(writer.out_);
}

Result<Checkpoint> checkpoint_from_bytes(std::string_view bytes) {
  Reader reader(bytes);
  if (reader.take(kMagic.size()) != kMagic) return damaged();
  if (reader.take(1) != std::string_view(&kVersion, 1)) {
    return Error(Errc::kCorruptData, "the checkpoint of an upload is of another version");
  }
  const auto has = static_cast<std::uint8_t>(reader.number(1));
  Checkpoint checkpoint;
  checkpoint.offset = reader.number(8);
  checkpoint.saved = static_cast<UnixMillis>(reader.number(8));
  if ((has & kHasStored) != 0) checkpoint.stored = reader.digests();
  if ((has & kHasDecoding) != 0) {
    checkpoint.decoding.emplace();
    checkpoint.decoding->consumed = reader.number(8);
    checkpoint.decoding->decoder = reader.text();
    checkpoint.decoding->digests = reader.digests();
  }
  if (!reader.ended_well() || (has & ~(kHasStored | kHasDecoding)) != 0) return damaged();
  if (checkpoint.stored && checkpoint.stored->bytes > checkpoint.offset) return damaged();
  if (checkpoint.decoding && checkpoint.decoding->consumed > checkpoint.offset) return damaged();
  return checkpoint;
}

}  // namespace strata::upload
