#include <gtest/gtest.h>

#include <string>
#include <string_view>

#include "strata/base/text.h"
#include "strata/codec/disk_format.h"
#include "tests/support/codec_streams.h"
#include "tests/support/temporary_directory.h"
#include "tests/support/tool.h"

// The probe and qemu-img must agree about what qemu-img makes.
namespace strata::codec {
namespace {

struct Recipe {
  const char* name;
  DiskFormat format;
  const char* qemu_format;
  const char* options;  // for qemu-img convert
};

void PrintTo(const Recipe& recipe, std::ostream* out) {
  *out << recipe.name;
}

std::uint64_t qemu_virtual_size(const std::string& format, const std::string& path) {
  const std::string json = test::run_tool("qemu-img info --output=json -f " + format + " " + path);
  const std::string_view key = "\"virtual-size\": ";
  const std::string_view rest = std::string_view(json).substr(json.find(key) + key.size());
  return parse_decimal(rest.substr(0, rest.find_first_not_of("0123456789"))).value_or(0);
}

class DiskImage : public testing::TestWithParam<Recipe> {};

TEST_P(DiskImage, IsFoundWithTheSizeThatQemuSees) {
  const test::TemporaryDirectory folder;
  const std::string raw = folder.path() + "/raw";
  const std::string image = folder.path() + "/image";
  // 7.5 MiB and a sector: a multiple of nothing but 512, with data in the middle and at the end.
  (void)test::run_tool("truncate -s 7864832 " + raw + " && printf data | dd of=" + raw +
                       " bs=1 seek=4000000 conv=notrunc status=none && printf end | dd of=" + raw +
                       " bs=1 seek=7864829 conv=notrunc status=none");
  (void)test::run_tool(std::string("qemu-img convert -f raw -O ") + GetParam().qemu_format + " " +
                       GetParam().options + " " + raw + " " + image);
  const std::string bytes = test::read_file(image);
  const DiskInfo expected{GetParam().format, qemu_virtual_size(GetParam().qemu_format, image)};
  EXPECT_GE(expected.virtual_bytes, 7'864'832U);
  EXPECT_EQ(test::probe_all(bytes), expected);
  EXPECT_EQ(test::probe_all(bytes, 1'000'003), expected);
  EXPECT_EQ(test::probe_all(bytes, 97), expected);
}

INSTANTIATE_TEST_SUITE_P(
    QemuImg, DiskImage,
    testing::Values(Recipe{"Raw", DiskFormat::kRaw, "raw", ""},
                    Recipe{"Qcow2", DiskFormat::kQcow2, "qcow2", ""},
                    Recipe{"Qcow2Old", DiskFormat::kQcow2, "qcow2", "-o compat=0.10"},
                    Recipe{"Qcow2Zstd", DiskFormat::kQcow2, "qcow2", "-c -o compression_type=zstd"},
                    Recipe{"Vmdk", DiskFormat::kVmdk, "vmdk", ""},
                    Recipe{"VmdkStream", DiskFormat::kVmdk, "vmdk", "-o subformat=streamOptimized"},
                    Recipe{"Vdi", DiskFormat::kVdi, "vdi", ""},
                    Recipe{"VdiStatic", DiskFormat::kVdi, "vdi", "-o static=on"},
                    Recipe{"VhdDynamic", DiskFormat::kVhd, "vpc", ""},
                    Recipe{"VhdDynamicSized", DiskFormat::kVhd, "vpc", "-o force_size=on"},
                    Recipe{"VhdFixed", DiskFormat::kVhd, "vpc", "-o subformat=fixed"},
                    Recipe{"VhdFixedSized", DiskFormat::kVhd, "vpc",
                           "-o subformat=fixed,force_size=on"},
                    Recipe{"Vhdx", DiskFormat::kVhdx, "vhdx", ""},
                    Recipe{"VhdxFixed", DiskFormat::kVhdx, "vhdx", "-o subformat=fixed"}),
    [](const auto& recipe) { return std::string(recipe.param.name); });

// A terabyte and more, where 32 bits of a size would not be enough.
TEST(DiskImageSizes, AreReadInFull) {
  const test::TemporaryDirectory folder;
  const std::string image = folder.path() + "/image";
  const std::pair<const char*, DiskFormat> formats[] = {{"qcow2", DiskFormat::kQcow2},
                                                        {"vmdk", DiskFormat::kVmdk},
                                                        {"vdi", DiskFormat::kVdi},
                                                        {"vhdx", DiskFormat::kVhdx}};
  for (const auto& [name, format] : formats) {
    (void)test::run_tool(std::string("qemu-img create -q -f ") + name + " " + image + " 1100G");
    const DiskInfo expected{format, 1100 * (std::uint64_t{1} << 30)};
    EXPECT_EQ(test::probe_all(test::read_file(image)), expected) << name;
  }
}

TEST(DiskImageIso, IsFoundAndIsAsLongAsItsBytes) {
  const test::TemporaryDirectory folder;
  const std::string tree = folder.path() + "/tree";
  const std::string iso = test::run_tool("mkdir " + tree + " && echo hello > " + tree +
                                         "/hello.txt && genisoimage -quiet -R -J " + tree);
  const DiskInfo expected{DiskFormat::kIso, iso.size()};
  EXPECT_EQ(test::probe_all(iso), expected);
  EXPECT_EQ(test::probe_all(iso, 1), expected);
}

}  // namespace
}  // namespace strata::codec
