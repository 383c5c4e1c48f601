#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

// Streams that no tool would make, put together by hand from the format documents.
namespace strata::test {

[[nodiscard]] std::uint32_t crc32_of(std::string_view data);

// A gzip member of one stored deflate block (RFC 1952, RFC 1951 section 3.2.4); up to 65535 bytes.
struct GzipParts {
  std::string data = "data";
  std::string extra{};    // FEXTRA when not empty
  std::string name{};     // FNAME when not empty
  std::string comment{};  // FCOMMENT when not empty
  bool header_crc = false;
  std::uint16_t header_crc_error = 0;  // added to a right FHCRC
  std::uint8_t flags_extra = 0;        // more FLG bits
  std::uint8_t method = 8;
  std::uint32_t crc_error = 0;
  std::uint32_t size_error = 0;
};
[[nodiscard]] std::string forge_gzip(const GzipParts& parts);

// The same with `deflate`, which decodes to `data`, in place of a stored block.
[[nodiscard]] std::string forge_gzip_around(std::string_view deflate, std::string_view data);

// A stored deflate block that is not the last one.
[[nodiscard]] std::string deflate_stored(std::string_view data);

// Bits of a deflate block of fixed codes (RFC 1951 section 3.2.6), which is the last one.
class FixedBlock {
 public:
  FixedBlock();
  FixedBlock& literal(char c);          // ASCII
  FixedBlock& symbol(unsigned symbol);  // 256 to 287: end of block, lengths, 286 and 287 unused
  FixedBlock& distance(unsigned code, unsigned extra = 0, unsigned extra_bits = 0);
  [[nodiscard]] std::string end();  // with the end of block symbol

 private:
  void code(unsigned value, unsigned bits);   // most significant bit first
  void extra(unsigned value, unsigned bits);  // least significant bit first
  std::string bytes_{};
  unsigned bit_count_ = 0;
};

// An xz stream (xz file format 1.1.0) of `blocks` LZMA2 blocks without integrity check, each of one
// uncompressed chunk. Fields of errors are added to what is right; every CRC is right for what is
// written, but for the one that is named.
struct XzParts {
  std::size_t blocks = 1;
  std::string data{};                              // of each block; up to 65536 bytes
  std::uint8_t dictionary = 0;                     // LZMA2 size code: 0 is 4 KiB, 40 is 4 GiB - 1
  std::uint8_t check_type = 0;                     // 0 none; 2 is reserved and known to nobody
  std::size_t block_header_bytes = 12;             // padded to that; up to 1024
  std::optional<std::uint64_t> compressed_size{};  // what a block header says when it says it
  std::optional<std::uint64_t> decoded_size{};
  std::uint8_t block_flags_extra = 0;  // 0x3C are reserved
  std::uint64_t filter = 0x21;         // LZMA2
  std::uint32_t block_crc_error = 0;   // of block headers
  std::uint64_t index_size_error = 0;  // in the first record, as the next one
  std::uint64_t index_decoded_error = 0;
  std::size_t index_records_error = 0;  // more records, or fewer when it is ~0
  std::uint32_t backward_size_error = 0;
  std::uint8_t footer_check_type = 0;  // xor the header's
};
[[nodiscard]] std::string forge_xz(const XzParts& parts);

// A zstd frame (RFC 8878) of raw blocks; the last one is marked so.
struct ZstdParts {
  std::vector<std::string> blocks{"data"};
  std::uint8_t window = 0;  // window descriptor: exponent << 3 | mantissa, 2^10 and up
  std::uint8_t dictionary_id = 0;
};
[[nodiscard]] std::string forge_zstd(const ZstdParts& parts);
[[nodiscard]] std::string forge_zstd_skippable(unsigned nibble, std::string_view content);

}  // namespace strata::test
