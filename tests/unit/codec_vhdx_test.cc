#include <gtest/gtest.h>

#include <string>

#include "strata/codec/disk_format.h"
#include "tests/support/codec_streams.h"
#include "tests/support/temporary_directory.h"
#include "tests/support/tool.h"

// A real VHDX (qemu-img's, 64 MiB), then damaged in one place.
namespace strata::codec {
namespace {

using test::little_endian;

constexpr std::uint64_t kDiskBytes = 64 * kMiB;
constexpr std::size_t kRegionTable = 192 * 1024;
constexpr std::size_t kRegionTableCopy = 256 * 1024;

class Vhdx : public testing::Test {
 protected:
  static void SetUpTestSuite() {
    const test::TemporaryDirectory folder;
    const std::string path = folder.path() + "/image";
    (void)test::run_tool("qemu-img create -q -f vhdx " + path + " 64M");
    image_ = new std::string(test::read_file(path));
  }
  static void TearDownTestSuite() { delete image_; }

  static void damage(std::string& image, std::size_t at) {
    image[at] = static_cast<char>(image[at] ^ 0x40);
  }
  static std::size_t metadata_table(const std::string& image) {
    return image.find("metadata", kMiB);
  }
  // Where the eight bytes of VirtualDiskSize are.
  static std::size_t size_item(const std::string& image) {
    return image.find(little_endian(kDiskBytes, 8), metadata_table(image) + 64 * 1024);
  }
  static void expect_raw(const std::string& image) {
    EXPECT_EQ(test::probe_all(image), (DiskInfo{DiskFormat::kRaw, image.size()}));
  }
  static void expect_vhdx(const std::string& image, std::uint64_t virtual_bytes) {
    EXPECT_EQ(test::probe_all(image), (DiskInfo{DiskFormat::kVhdx, virtual_bytes}));
    EXPECT_EQ(test::probe_all(image, 61), (DiskInfo{DiskFormat::kVhdx, virtual_bytes}));
  }

  static const std::string* image_;
};

const std::string* Vhdx::image_ = nullptr;

TEST_F(Vhdx, IsFound) {
  expect_vhdx(*image_, kDiskBytes);
}

TEST_F(Vhdx, ATornRegionTableIsReplacedByItsCopy) {
  std::string image = *image_;
  damage(image, kRegionTable + 40);
  expect_vhdx(image, kDiskBytes);
  damage(image, kRegionTableCopy + 40);
  expect_raw(image);
}

TEST_F(Vhdx, ADamagedSignatureIsRaw) {
  std::string image = *image_;
  damage(image, 3);
  expect_raw(image);
}

TEST_F(Vhdx, ADamagedMetadataTableIsRaw) {
  std::string image = *image_;
  damage(image, metadata_table(image));
  expect_raw(image);
}

TEST_F(Vhdx, AnEndBeforeTheSizeIsRaw) {
  expect_raw(image_->substr(0, size_item(*image_) + 7));
  expect_raw(image_->substr(0, kRegionTable + 100));
}

TEST_F(Vhdx, AbsurdSizesAreRaw) {
  std::string image = *image_;
  const std::size_t at = size_item(image);
  image.replace(at, 8, little_endian((std::uint64_t{1} << 62) + 1, 8));
  expect_raw(image);
  image.replace(at, 8, little_endian(0, 8));
  expect_raw(image);
  image.replace(at, 8, little_endian(std::uint64_t{1} << 62, 8));
  expect_vhdx(image, std::uint64_t{1} << 62);
}

TEST_F(Vhdx, ASizeItemOutsideItsRegionIsRaw) {
  std::string image = *image_;
  const std::size_t table = metadata_table(image);
  // The entry's GUID begins with these bytes; its offset in the region follows the GUID.
  const std::size_t entry = image.find(std::string("\x24\x42\xA5\x2F", 4), table);
  ASSERT_LT(entry, table + 64 * 1024);
  image.replace(entry + 16, 4, little_endian(0xFFFFFFF8, 4));
  expect_raw(image);
  image.replace(entry + 16, 4, little_endian(0, 4));
  expect_raw(image);
}

}  // namespace
}  // namespace strata::codec
