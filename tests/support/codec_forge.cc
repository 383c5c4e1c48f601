#include "tests/support/codec_forge.h"

#include "tests/support/codec_streams.h"

namespace strata::test {
namespace {

// The variable-length integer of xz: seven bits a byte, the lowest first.
std::string xz_integer(std::uint64_t value) {
  std::string text;
  for (; value >= 0x80; value >>= 7) text += static_cast<char>(0x80 | (value & 0x7F));
  return text + static_cast<char>(value);
}

std::string with_crc(const std::string& text) {
  return text + little_endian(crc32_of(text), 4);
}

void pad_to_four(std::string& text) {
  while (text.size() % 4 != 0) text += '\0';
}

// Section 3.1: size code, flags, sizes, LZMA2 with one byte of properties, padding, CRC-32.
std::string xz_block_header(const XzParts& parts) {
  unsigned flags = parts.block_flags_extra;
  if (parts.compressed_size) flags |= 0x40;
  if (parts.decoded_size) flags |= 0x80;
  std::string header{static_cast<char>(parts.block_header_bytes / 4 - 1), static_cast<char>(flags)};
  if (parts.compressed_size) header += xz_integer(*parts.compressed_size);
  if (parts.decoded_size) header += xz_integer(*parts.decoded_size);
  header += xz_integer(parts.filter) + '\1' + static_cast<char>(parts.dictionary);
  header.resize(parts.block_header_bytes - 4, '\0');
  return header + little_endian(crc32_of(header) + parts.block_crc_error, 4);
}

// LZMA2: an uncompressed chunk that resets the dictionary, and the end marker.
std::string xz_block_data(const std::string& data) {
  if (data.empty()) return {'\0'};
  return '\1' + big_endian(data.size() - 1, 2) + data + '\0';
}

}  // namespace

std::uint32_t crc32_of(std::string_view data) {
  std::uint32_t crc = ~std::uint32_t{0};
  for (const char c : data) {
    crc ^= static_cast<std::uint8_t>(c);
    for (int bit = 0; bit < 8; ++bit) crc = (crc >> 1) ^ (0xEDB88320 & (0 - (crc & 1)));
  }
  return ~crc;
}

std::string forge_gzip(const GzipParts& parts) {
  unsigned flags = parts.flags_extra;
  if (parts.header_crc) flags |= 0x02;
  if (!parts.extra.empty()) flags |= 0x04;
  if (!parts.name.empty()) flags |= 0x08;
  if (!parts.comment.empty()) flags |= 0x10;
  std::string stream = "\x1f\x8b";
  stream += static_cast<char>(parts.method);
  stream += static_cast<char>(flags);
  stream += std::string("\1\2\3\4\0\3", 6);  // MTIME, XFL, OS
  if (!parts.extra.empty()) stream += little_endian(parts.extra.size(), 2) + parts.extra;
  if (!parts.name.empty()) stream += parts.name + '\0';
  if (!parts.comment.empty()) stream += parts.comment + '\0';
  if (parts.header_crc) stream += little_endian(crc32_of(stream) + parts.header_crc_error, 2);
  stream += '\1';  // final stored block
  stream += little_endian(parts.data.size(), 2) + little_endian(~parts.data.size(), 2) + parts.data;
  stream += little_endian(crc32_of(parts.data) + parts.crc_error, 4);
  return stream + little_endian(parts.data.size() + parts.size_error, 4);
}

std::string forge_gzip_around(std::string_view deflate, std::string_view data) {
  return std::string("\x1f\x8b\x08\0\0\0\0\0\0\3", 10) + std::string(deflate) +
         little_endian(crc32_of(data), 4) + little_endian(data.size(), 4);
}

std::string deflate_stored(std::string_view data) {
  return std::string(1, '\0') + little_endian(data.size(), 2) + little_endian(~data.size(), 2) +
         std::string(data);
}

FixedBlock::FixedBlock() {
  extra(1, 1);  // BFINAL
  extra(1, 2);  // BTYPE
}

void FixedBlock::extra(unsigned value, unsigned bits) {
  for (unsigned i = 0; i < bits; ++i, ++bit_count_) {
    if (bit_count_ % 8 == 0) bytes_ += '\0';
    bytes_.back() = static_cast<char>(bytes_.back() | (value >> i & 1) << bit_count_ % 8);
  }
}

void FixedBlock::code(unsigned value, unsigned bits) {
  while (bits-- > 0) extra(value >> bits & 1, 1);
}

FixedBlock& FixedBlock::literal(char c) {
  code(0x30U + static_cast<unsigned char>(c), 8);
  return *this;
}

FixedBlock& FixedBlock::symbol(unsigned symbol) {
  symbol < 280 ? code(symbol - 256, 7) : code(0xC0 + symbol - 280, 8);
  return *this;
}

FixedBlock& FixedBlock::distance(unsigned distance_code, unsigned value, unsigned bits) {
  code(distance_code, 5);
  extra(value, bits);
  return *this;
}

std::string FixedBlock::end() {
  symbol(256);
  return bytes_;
}

std::string forge_xz(const XzParts& parts) {
  const std::string flags{'\0', static_cast<char>(parts.check_type)};
  std::string stream(
      "\xFD"
      "7zXZ\0",
      6);
  stream += flags + little_endian(crc32_of(flags), 4);
  const std::string data = xz_block_data(parts.data);
  std::string block = xz_block_header(parts) + data;
  pad_to_four(block);
  const std::size_t records = parts.blocks + parts.index_records_error;
  std::string index = std::string("\0", 1) + xz_integer(records);
  for (std::size_t i = 0; i < parts.blocks; ++i) stream += block;
  for (std::size_t i = 0; i < records; ++i) {
    const std::size_t unpadded = parts.block_header_bytes + data.size();
    index += xz_integer(unpadded + (i == 0 ? parts.index_size_error : 0));
    index += xz_integer(parts.data.size() + (i == 0 ? parts.index_decoded_error : 0));
  }
  pad_to_four(index);
  index = with_crc(index);
  const std::string footer = little_endian(index.size() / 4 - 1 + parts.backward_size_error, 4) +
                             flags[0] +
                             static_cast<char>(parts.check_type ^ parts.footer_check_type);
  return stream + index + little_endian(crc32_of(footer), 4) + footer + "YZ";
}

std::string forge_zstd(const ZstdParts& parts) {
  std::string stream = "\x28\xB5\x2F\xFD";
  stream += static_cast<char>(parts.dictionary_id != 0 ? 1 : 0);
  stream += static_cast<char>(parts.window);
  if (parts.dictionary_id != 0) stream += static_cast<char>(parts.dictionary_id);
  for (std::size_t i = 0; i < parts.blocks.size(); ++i) {
    const unsigned last = i + 1 == parts.blocks.size() ? 1 : 0;
    stream += little_endian(parts.blocks[i].size() << 3 | last, 3) + parts.blocks[i];
  }
  return stream;
}

std::string forge_zstd_skippable(unsigned nibble, std::string_view content) {
  return little_endian(0x184D2A50 + nibble, 4) + little_endian(content.size(), 4) +
         std::string(content);
}

}  // namespace strata::test
