#include "storage/codec/gzip_header.h"

#include <zlib.h>

namespace strata::codec {
namespace {

// FLG bits, RFC 1952 section 2.3.1.
constexpr std::uint8_t kHeaderCrc = 0x02;
constexpr std::uint8_t kExtra = 0x04;
constexpr std::uint8_t kName = 0x08;
constexpr std::uint8_t kComment = 0x10;
constexpr std::uint8_t kReserved = 0xE0;

// ID1 ID2 CM FLG MTIME(4) XFL OS
constexpr std::uint32_t kFixedBytes = 10;

}  // namespace

std::size_t GzipHeader::feed(std::span<const std::byte> in) {
  std::size_t used = 0;
  while (used < in.size() && !done() && !error_) {
    const auto byte = std::to_integer<std::uint8_t>(in[used]);
    if (field_ != Field::kCrc && (field_ == Field::kFixed || (flags_ & kHeaderCrc) != 0)) {
      crc_ = static_cast<std::uint32_t>(::crc32_z(crc_, &byte, 1));
    }
    take(byte);
    ++used;
  }
  return used;
}

void GzipHeader::take(std::uint8_t byte) {
  switch (field_) {
    case Field::kFixed:
      return take_fixed(byte);
    case Field::kExtraLength:
      extra_left_ |= static_cast<std::uint32_t>(byte) << (8 * index_);
      if (++index_ == 2) extra_left_ > 0 ? void(field_ = Field::kExtra) : next_after(Field::kExtra);
      return;
    case Field::kExtra:
      if (--extra_left_ == 0) next_after(Field::kExtra);
      return;
    case Field::kName:
    case Field::kComment:
      if (byte == 0) next_after(field_);
      return;
    case Field::kCrc:
      return take_crc(byte);
    case Field::kDone:
      return;
  }
}

void GzipHeader::take_fixed(std::uint8_t byte) {
  if ((index_ == 0 && byte != 0x1F) || (index_ == 1 && byte != 0x8B)) {
    error_ = "a member does not begin with the gzip magic bytes";
  } else if (index_ == 2 && byte != 8) {
    error_ = "unknown compression method in a member header";
  } else if (index_ == 3) {
    flags_ = byte;
    if ((byte & kReserved) != 0) error_ = "reserved flag bits are set in a member header";
  }
  if (++index_ == kFixedBytes) next_after(Field::kFixed);
}

void GzipHeader::take_crc(std::uint8_t byte) {
  stored_crc_ |= static_cast<std::uint32_t>(byte) << (8 * index_);
  if (++index_ < 2) return;
  if (stored_crc_ != (crc_ & 0xFFFF)) error_ = "the CRC16 of a member header is wrong";
  field_ = Field::kDone;
}

// The optional fields come in this order, each present if its flag is set.
void GzipHeader::next_after(Field field) {
  index_ = 0;
  if (field < Field::kExtraLength && (flags_ & kExtra) != 0) {
    field_ = Field::kExtraLength;
  } else if (field < Field::kName && (flags_ & kName) != 0) {
    field_ = Field::kName;
  } else if (field < Field::kComment && (flags_ & kComment) != 0) {
    field_ = Field::kComment;
  } else {
    field_ = (flags_ & kHeaderCrc) != 0 ? Field::kCrc : Field::kDone;
  }
}

void GzipHeader::save(StateWriter& state) const {
  state.number(static_cast<unsigned>(field_), 1);
  state.number(flags_, 1);
  state.number(index_, 1);
  state.number(extra_left_, 2);
  state.number(crc_, 4);
  state.number(stored_crc_, 2);
}

std::optional<GzipHeader> GzipHeader::restore(StateReader& state) {
  GzipHeader header;
  const auto field = state.number<std::uint8_t>();
  header.flags_ = state.number<std::uint8_t>();
  header.index_ = state.number<std::uint8_t>();
  header.extra_left_ = state.number<std::uint16_t>();
  header.crc_ = state.number<std::uint32_t>();
  header.stored_crc_ = state.number<std::uint16_t>();
  if (state.cut() || field >= static_cast<unsigned>(Field::kDone)) return std::nullopt;
  header.field_ = static_cast<Field>(field);
  if (!header.consistent()) return std::nullopt;
  return header;
}

// That the flags ask for the field, and that no more of it was read than it has.
bool GzipHeader::consistent() const {
  const auto is_in = [this](std::uint8_t flag, std::uint32_t bytes) {
    return (flags_ & flag) != 0 && index_ < bytes;
  };
  if ((flags_ & kReserved) != 0) return false;
  const bool extra_read = field_ > Field::kExtraLength;
  if (extra_read && field_ != Field::kExtra && extra_left_ != 0) return false;
  switch (field_) {
    case Field::kFixed:
      return index_ < kFixedBytes && (index_ > 3 || flags_ == 0) && extra_left_ == 0;
    case Field::kExtraLength:
      return is_in(kExtra, 2) && extra_left_ < (index_ == 0 ? 1U : 256U);
    case Field::kExtra:
      return (flags_ & kExtra) != 0 && extra_left_ > 0;
    case Field::kName:
      return is_in(kName, 1);
    case Field::kComment:
      return is_in(kComment, 1);
    case Field::kCrc:
      return is_in(kHeaderCrc, 2) && stored_crc_ < (index_ == 0 ? 1U : 256U);
    case Field::kDone:
      break;
  }
  return false;
}

}  // namespace strata::codec
