#include "storage/upload/journal_format.h"

#include <algorithm>

#include "strata/base/text.h"
#include "strata/digest/hasher.h"

namespace strata::upload {
namespace {

constexpr std::string_view kName = "strata-upload-journal ";
constexpr std::string_view kVersionLine = "strata-upload-journal 1\n";
static_assert(kVersionLine.size() + 2 * sizeof(Checksum) == kJournalHeadBytes);

constexpr std::uint8_t kPutKind = 1, kRemovalKind = 2;
// Of a record: kind, slot, two zero bytes, length of the value, session; then value and checksum.
constexpr std::size_t kSlotAt = 1, kLengthAt = 4, kSessionAt = 8;
static_assert(kSessionAt + 16 == kRecordHeaderBytes);

// How much is read at once where groups are small.
constexpr std::size_t kReadBytes = std::size_t{64} << 10;

Error corrupt(const std::string& why) {
  return Error(Errc::kCorruptData, "the upload journal " + why);
}

std::string_view view(const Checksum& checksum) {
  return {reinterpret_cast<const char*>(checksum.data()), checksum.size()};
}

Checksum checksum_of(std::initializer_list<std::string_view> parts) {
  const auto hasher = digest::make_hasher(digest::Algorithms::kSha256);
  for (const auto part : parts) hasher->update(std::as_bytes(std::span(part.data(), part.size())));
  const DigestSet set = hasher->finish();
  Checksum sum{};
  std::copy_n(set.sha256.bytes.begin(), sum.size(), sum.begin());
  return sum;
}

void append_u32(std::uint32_t number, std::string& out) {
  for (int shift = 24; shift >= 0; shift -= 8) out += static_cast<char>(number >> shift & 0xFF);
}

std::uint32_t read_u32(std::string_view bytes) {
  std::uint32_t number = 0;
  for (std::size_t i = 0; i < 4; ++i) number = number << 8 | static_cast<std::uint8_t>(bytes[i]);
  return number;
}

void append_record_header(std::uint8_t kind, std::uint8_t slot, std::size_t value_bytes,
                          const RandomId& session, std::string& out) {
  check(value_bytes <= Journal::kValueBytesMax, "a value too long for the upload journal");
  out += static_cast<char>(kind);
  out += static_cast<char>(slot);
  out.append(2, '\0');
  append_u32(static_cast<std::uint32_t>(value_bytes), out);
  Checksum id{};
  check(from_hex(session.text(), id), "the text of an id is hex");
  out += view(id);
}

RandomId read_id(std::string_view bytes) {
  const auto* first = reinterpret_cast<const std::uint8_t*>(bytes.data());
  return *RandomId::parse(to_hex({first, sizeof(Checksum)}));
}

bool is_slot(std::uint8_t slot) {
  return slot >= 1 && slot <= Journal::kSlots;
}

// The head of a file, its version first: a newer one may be longer.
Result<Checksum> decode_head(std::string_view bytes) {
  const std::size_t newline = bytes.find('\n');
  if (!bytes.starts_with(kName) || newline == std::string_view::npos) {
    return corrupt("has a damaged head");
  }
  if (!bytes.starts_with(kVersionLine)) {
    const auto version = parse_decimal(bytes.substr(kName.size(), newline - kName.size()));
    if (!version) return corrupt("has a damaged head");
    return corrupt("has version " + std::to_string(*version) + ", this program knows 1");
  }
  if (bytes.size() < kJournalHeadBytes) return corrupt("has a head that is cut");
  const auto body = bytes.substr(0, kJournalHeadBytes - sizeof(Checksum));
  const Checksum sum = checksum_of({body});
  if (bytes.substr(body.size(), sum.size()) != view(sum)) return corrupt("has a damaged head");
  return sum;
}

// A window that moves over the bytes, as large as the largest group.
class Window {
 public:
  explicit Window(const ReadAt& read) : read_(read) {}

  // At least `bytes` bytes from the current place on, fewer only where the file ends.
  Result<std::string_view> need(std::size_t bytes) {
    if (held_.size() - at_ < bytes) {
      held_.erase(0, at_);
      at_ = 0;
      const std::size_t had = held_.size();
      const std::size_t want = std::max(bytes - had, kReadBytes);
      held_.resize(had + want);
      auto got = read_(read_to_, std::as_writable_bytes(std::span(held_.data() + had, want)));
      held_.resize(had + (got ? *got : 0));
      if (!got) return got.error();
      read_to_ += *got;
    }
    return std::string_view(held_).substr(at_);
  }
  void advance(std::size_t bytes) { at_ += bytes; }
  [[nodiscard]] std::uint64_t offset() const { return read_to_ - (held_.size() - at_); }
  [[nodiscard]] std::uint64_t read_to() const { return read_to_; }

 private:
  const ReadAt& read_;
  std::string held_;
  std::size_t at_ = 0;
  std::uint64_t read_to_ = 0;
};

}  // namespace

Head encode_head(const Checksum& random) {
  Head head;
  head.bytes.append(kVersionLine).append(view(random));
  head.checksum = checksum_of({head.bytes});
  head.bytes += view(head.checksum);
  return head;
}

void encode_put(const RandomId& session, Journal::Slot slot, std::string_view value,
                std::string& records) {
  const std::size_t start = records.size();
  append_record_header(kPutKind, static_cast<std::uint8_t>(slot), value.size(), session, records);
  records += value;
  records += view(checksum_of({std::string_view(records).substr(start)}));
}

void encode_removal(const RandomId& session, std::string& records) {
  append_record_header(kRemovalKind, 0, 0, session, records);
}

void encode_copy(const RandomId& session, Journal::Slot slot, std::string_view value_and_checksum,
                 std::string& records) {
  append_record_header(kPutKind, static_cast<std::uint8_t>(slot),
                       value_and_checksum.size() - sizeof(Checksum), session, records);
  records += value_and_checksum;
}

Checksum encode_group(const Checksum& before, std::string_view records, std::string& out) {
  check(!records.empty() && records.size() <= kRecordBytesMax, "a group of no size it may have");
  std::string length;
  append_u32(static_cast<std::uint32_t>(records.size()), length);
  const Checksum sum = checksum_of({view(before), length, records});
  out.append(length).append(records).append(view(sum));
  return sum;
}

Result<std::string> decode_value(const RandomId& session, Journal::Slot slot,
                                 std::string value_and_checksum) {
  if (value_and_checksum.size() < sizeof(Checksum)) return corrupt("ends inside a value");
  std::string value = std::move(value_and_checksum);
  const std::string stored = value.substr(value.size() - sizeof(Checksum));
  value.resize(value.size() - sizeof(Checksum));
  std::string header;
  append_record_header(kPutKind, static_cast<std::uint8_t>(slot), value.size(), session, header);
  if (stored != view(checksum_of({header, value}))) return corrupt("has a damaged value");
  return value;
}

Result<std::vector<Record>> decode_records(std::string_view records, std::uint64_t offset) {
  const Error error = corrupt("has a group that this program does not understand");
  std::vector<Record> found;
  while (!records.empty()) {
    if (records.size() < kRecordHeaderBytes) return error;
    const auto kind = static_cast<std::uint8_t>(records[0]);
    const auto slot = static_cast<std::uint8_t>(records[kSlotAt]);
    Record record;
    record.session = read_id(records.substr(kSessionAt));
    record.offset = offset;
    record.value_bytes = read_u32(records.substr(kLengthAt));
    std::size_t size = kRecordHeaderBytes;
    if (records[2] != 0 || records[3] != 0) return error;
    if (record.value_bytes > Journal::kValueBytesMax) return error;
    if (kind == kPutKind && is_slot(slot)) {
      record.slot = static_cast<Journal::Slot>(slot);
      size = kPutBytes + record.value_bytes;
    } else if (kind == kRemovalKind && slot == 0 && record.value_bytes == 0) {
      record.kind = Journal::Change::Kind::kRemoveSession;
    } else {
      return error;
    }
    if (records.size() < size) return error;
    records.remove_prefix(size);
    offset += size;
    found.push_back(record);
  }
  return found;
}

Result<Scanned> scan_journal(const ReadAt& read,
                             const std::function<void(const std::vector<Record>&)>& on_group) {
  Window window(read);
  STRATA_TRY(const auto head, window.need(kJournalHeadBytes));
  STRATA_TRY(Checksum before, decode_head(head));
  window.advance(kJournalHeadBytes);
  while (true) {
    STRATA_TRY(std::string_view bytes, window.need(kGroupBytes));
    if (bytes.size() < kGroupBytes) break;
    const std::size_t length = read_u32(bytes);
    if (length == 0 || length > kRecordBytesMax) break;
    STRATA_TRY(bytes, window.need(length + kGroupBytes));
    if (bytes.size() < length + kGroupBytes) break;
    const auto records = bytes.substr(sizeof(std::uint32_t), length);
    const Checksum sum =
        checksum_of({view(before), bytes.substr(0, sizeof(std::uint32_t)), records});
    if (bytes.substr(sizeof(std::uint32_t) + length, sum.size()) != view(sum)) break;
    STRATA_TRY(const auto found, decode_records(records, window.offset() + sizeof(std::uint32_t)));
    on_group(found);
    before = sum;
    window.advance(length + kGroupBytes);
  }
  return Scanned{window.offset(), window.read_to()};
}

}  // namespace strata::upload
