#include "storage/upload/journal_file.h"

#include "strata/base/clock.h"
#include "strata/base/log.h"

namespace strata::upload {
namespace {

// A rewrite writes in pieces of about this size.
constexpr std::size_t kPieceBytes = std::size_t{1} << 20;

std::span<const std::byte> bytes_of(const std::string& text) {
  return std::as_bytes(std::span(text.data(), text.size()));
}

// The value of a record and its checksum, as they are.
Result<std::string> read_raw(const io::File& file, JournalIndex::Place place) {
  std::string raw(static_cast<std::size_t>(place.value_bytes) + sizeof(Checksum), '\0');
  STRATA_TRY(const std::size_t got, file.read_at(place.offset + kRecordHeaderBytes,
                                                 std::as_writable_bytes(std::span(raw))));
  if (got != raw.size()) return Error(Errc::kCorruptData, "the upload journal has become shorter");
  return raw;
}

}  // namespace

struct JournalFile::NewFile {
  std::unique_ptr<io::File> file;
  std::uint64_t bytes = 0;
  Checksum last{};
  std::vector<std::uint64_t> offsets;  // of the records, in the order of JournalIndex::for_each

  Status write(const std::string& data) {
    auto written = file->write_at(bytes, bytes_of(data));
    bytes += data.size();
    return written;
  }
  Status write_group(std::string& records) {
    if (records.empty()) return {};
    std::string group;
    last = encode_group(last, records, group);
    records.clear();
    return write(group);
  }
};

JournalFile::JournalFile(io::FileSystem& fs, std::string directory)
    : fs_(fs),
      directory_(std::move(directory)),
      path_(directory_ + "/journal"),
      temporary_(directory_ + "/journal.new") {}

Status JournalFile::load() {
  auto opened = fs_.open(path_, io::OpenMode::kRead);
  if (!opened && opened.error().code() == Errc::kNotFound) return {};
  if (!opened) return opened.error();
  file_ = *std::move(opened);
  STRATA_TRY(const std::uint64_t size, file_->size());
  STRATA_TRY(const Scanned scanned,
             scan_journal([&](std::uint64_t offset,
                              std::span<std::byte> out) { return file_->read_at(offset, out); },
                          [&](const std::vector<Record>& records) { index_.apply(records); }));
  bytes_ = scanned.good_bytes;
  if (size > scanned.good_bytes) {
    log::warn("journal.torn", {{"kept_bytes", scanned.good_bytes},
                               {"dropped_bytes", size - scanned.good_bytes},
                               {"sessions", index_.sessions().size()}});
  }
  return {};
}

bool JournalFile::appendable() const {
  const std::lock_guard lock(mutex_);
  return appendable_;
}

Status JournalFile::append(const std::vector<std::string>& groups) {
  check(appendable(), "an append to a file of which nobody knows what it holds");
  std::string data;
  std::vector<Record> records;
  Checksum last = last_;
  for (const std::string& group : groups) {
    const std::uint64_t offset = bytes_ + data.size() + sizeof(std::uint32_t);
    const auto decoded = decode_records(group, offset);
    check(decoded.has_value(), "records of our own are understood");
    records.insert(records.end(), decoded->begin(), decoded->end());
    last = encode_group(last, group, data);
  }
  Status status;
  if (bytes_ + data.size() >= JournalIndex::kFileBytesMax) {
    status = Error(Errc::kNoSpace, "the upload journal is too long");
  } else {
    status = file_->write_at(bytes_, bytes_of(data));
  }
  if (status) status = file_->sync_data();
  const std::lock_guard lock(mutex_);
  if (status) {
    index_.apply(records);
    bytes_ += data.size();
    last_ = last;
  } else {
    appendable_ = false;
  }
  return status;
}

Status JournalFile::write_values(NewFile& next) const {
  std::string records;
  auto status = index_.for_each(
      [&](const RandomId& session, Journal::Slot slot, JournalIndex::Place place) -> Status {
        STRATA_TRY(const std::string raw, read_raw(*file_, place));
        next.offsets.push_back(next.bytes + sizeof(std::uint32_t) + records.size());
        encode_copy(session, slot, raw, records);
        return records.size() < kPieceBytes ? Status() : next.write_group(records);
      });
  return status ? next.write_group(records) : status;
}

Status JournalFile::rewrite() {
  NewFile next;
  if (auto gone = fs_.remove(temporary_); !gone && gone.error().code() != Errc::kNotFound) {
    return gone.error();
  }
  STRATA_TRY(next.file, fs_.open(temporary_, io::OpenMode::kCreateNew));
  Checksum random{};
  SystemRandom().fill(random);
  const Head head = encode_head(random);
  next.last = head.checksum;
  auto status = next.write(head.bytes);
  if (status) status = write_values(next);
  if (status) status = next.file->sync();
  if (!status) {
    (void)fs_.remove(temporary_);  // the first error is the one to report
    return status;
  }
  status = fs_.rename(temporary_, path_);
  if (status) status = fs_.sync_directory(directory_);

  const std::lock_guard lock(mutex_);
  appendable_ = status.has_value();
  if (!status) return status;
  file_ = std::move(next.file);
  index_.move_to(next.offsets);
  bytes_ = next.bytes;
  last_ = next.last;
  return {};
}

Result<std::string> JournalFile::read(const RandomId& session, Journal::Slot slot) const {
  std::unique_lock lock(mutex_);
  const auto place = index_.find(session, slot);
  if (!place) return Error(Errc::kNotFound, "the upload journal has no such value");
  const std::shared_ptr<const io::File> file = file_;
  lock.unlock();
  STRATA_TRY(std::string raw, read_raw(*file, *place));
  return decode_value(session, slot, std::move(raw));
}

std::vector<RandomId> JournalFile::sessions() const {
  const std::lock_guard lock(mutex_);
  return index_.sessions();
}

JournalFile::Sizes JournalFile::sizes() const {
  const std::lock_guard lock(mutex_);
  return {bytes_, index_.live_bytes()};
}

}  // namespace strata::upload
