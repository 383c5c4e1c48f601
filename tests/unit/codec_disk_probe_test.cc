#include <gtest/gtest.h>

#include <string>

#include "strata/codec/disk_format.h"
#include "tests/support/codec_streams.h"

namespace strata::codec {
namespace {

using test::big_endian;
using test::little_endian;
using test::probe_all;

constexpr std::uint64_t kTwoTo62 = std::uint64_t{1} << 62;

std::string& put(std::string& stream, std::size_t at, const std::string& bytes) {
  return stream.replace(at, bytes.size(), bytes);
}

std::string qcow2(std::uint64_t size, unsigned version = 3, unsigned cluster_bits = 16) {
  std::string stream(1024, '\0');
  put(stream, 0, "QFI\xfb" + big_endian(version, 4));
  put(stream, 20, big_endian(cluster_bits, 4) + big_endian(size, 8));
  return stream;
}

std::string vmdk(std::uint64_t sectors, unsigned version = 1, std::uint64_t grain = 128) {
  std::string stream(1024, '\0');
  put(stream, 0, "KDMV" + little_endian(version, 4) + little_endian(3, 4));
  return put(stream, 12, little_endian(sectors, 8) + little_endian(grain, 8));
}

std::string vdi(std::uint64_t size, std::uint32_t version = 0x00010001) {
  std::string stream(1024, '\0');
  put(stream, 64, little_endian(0xBEDA107F, 4) + little_endian(version, 4));
  return put(stream, 368, little_endian(size, 8) + little_endian(1 << 20, 4));
}

std::string vhd_footer(std::uint64_t size, unsigned type, unsigned checksum_error = 0) {
  std::string sector(512, '\0');
  put(sector, 0, "conectix");
  put(sector, 48, big_endian(size, 8));
  put(sector, 60, big_endian(type, 4));
  std::uint32_t sum = checksum_error;
  for (const char c : sector) sum += static_cast<unsigned char>(c);
  return put(sector, 64, big_endian(~sum, 4));
}

std::string iso(std::size_t bytes) {
  std::string stream(bytes, '\0');
  return put(stream, 32768,
             "\x01"
             "CD001\x01");
}

void expect(DiskFormat format, std::uint64_t virtual_bytes, const std::string& stream) {
  const DiskInfo expected{format, virtual_bytes};
  EXPECT_EQ(probe_all(stream), expected) << disk_format_name(probe_all(stream).format);
  EXPECT_EQ(probe_all(stream, 1), expected) << "byte by byte";
}

void expect_raw(const std::string& stream) {
  expect(DiskFormat::kRaw, stream.size(), stream);
}

TEST(DiskProbe, ShortStreamsAreRaw) {
  expect_raw("");
  expect_raw("x");
  expect_raw("QFI\xfb");
  expect_raw("vhdxfile");
  expect_raw("conectix");
  expect_raw(qcow2(kMiB).substr(0, 511));
  expect_raw(iso(40'000).substr(0, 32'774));
}

TEST(DiskProbe, Qcow2) {
  expect(DiskFormat::kQcow2, kMiB, qcow2(kMiB));
  expect(DiskFormat::kQcow2, kMiB, qcow2(kMiB, 2));
  expect(DiskFormat::kQcow2, kTwoTo62, qcow2(kTwoTo62));
  expect_raw(qcow2(0));
  expect_raw(qcow2(kTwoTo62 + 1));
  expect_raw(qcow2(~std::uint64_t{0}));
  expect_raw(qcow2(kMiB, 1));
  expect_raw(qcow2(kMiB, 4));
  expect_raw(qcow2(kMiB, 3, 8));
  expect_raw(qcow2(kMiB, 3, 22));
}

TEST(DiskProbe, Vmdk) {
  expect(DiskFormat::kVmdk, 4096 * 512, vmdk(4096));
  expect(DiskFormat::kVmdk, 4096 * 512, vmdk(4096, 3));
  expect(DiskFormat::kVmdk, kTwoTo62, vmdk(kTwoTo62 / 512));
  expect_raw(vmdk(0));
  expect_raw(vmdk(kTwoTo62 / 512 + 1));
  expect_raw(vmdk(std::uint64_t{1} << 55));  // times 512 is 0 modulo 2^64
  expect_raw(vmdk(4096, 4));
  expect_raw(vmdk(4096, 1, 100));
  std::string esx(1024, '\0');
  put(esx, 0, "COWD" + little_endian(1, 4));
  put(esx, 12, little_endian(4096, 4) + little_endian(1, 4));
  expect(DiskFormat::kVmdk, 4096 * 512, esx);
  expect_raw("# Disk DescriptorFile\nversion=1\nRW 2048 FLAT \"/etc/passwd\" 0\n" +
             std::string(1024, '\n'));
}

TEST(DiskProbe, Vdi) {
  expect(DiskFormat::kVdi, kMiB + 512, vdi(kMiB + 512));
  expect_raw(vdi(0));
  expect_raw(vdi(kTwoTo62 + 1));
  expect_raw(vdi(kMiB, 0x00000001));
}

TEST(DiskProbe, DynamicVhd) {
  const std::string body(4096, 'b');
  expect(DiskFormat::kVhd, kMiB, vhd_footer(kMiB, 3) + body);
  expect_raw(vhd_footer(kMiB, 4) + body);
  expect_raw(vhd_footer(kMiB, 3, 1) + body);
  expect_raw(vhd_footer(0, 3) + body);
  expect_raw(vhd_footer(kTwoTo62 + 1, 3) + body);
}

TEST(DiskProbe, FixedVhdIsAFooterThatFitsItsDisk) {
  constexpr std::uint64_t kDiskBytes = 65'536;
  const std::string disk(kDiskBytes, 'd');
  expect(DiskFormat::kVhd, kDiskBytes, disk + vhd_footer(kDiskBytes, 2));
  expect_raw(disk + vhd_footer(kDiskBytes + 512, 2));
  expect_raw(disk + vhd_footer(kDiskBytes, 2) + "x");
  expect_raw(disk + vhd_footer(kDiskBytes, 2, 1));
  expect_raw(vhd_footer(kDiskBytes, 2) + disk);
}

TEST(DiskProbe, Iso) {
  expect(DiskFormat::kIso, 40'001, iso(40'001));
  expect(DiskFormat::kIso, 32'775, iso(32'775));
  std::string other_version = iso(40'000);
  other_version[32'774] = '\x02';
  expect_raw(other_version);
}

TEST(DiskProbe, ADiskHeaderBeforeAnIsoWins) {
  std::string polyglot = iso(40'000);
  expect(DiskFormat::kQcow2, kMiB, put(polyglot, 0, qcow2(kMiB)));
}

TEST(DiskFormatNames, GoBothWays) {
  for (const DiskFormat format :
       {DiskFormat::kRaw, DiskFormat::kQcow2, DiskFormat::kVmdk, DiskFormat::kVdi, DiskFormat::kVhd,
        DiskFormat::kVhdx, DiskFormat::kIso}) {
    EXPECT_EQ(disk_format_from_name(disk_format_name(format)), format);
  }
  EXPECT_EQ(disk_format_name(DiskFormat::kVhd), "vhd");
  EXPECT_EQ(disk_format_from_name("vpc"), std::nullopt);
}

}  // namespace
}  // namespace strata::codec
