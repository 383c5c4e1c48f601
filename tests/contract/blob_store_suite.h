#pragma once

#include <gtest/gtest.h>

#include <functional>
#include <memory>
#include <string>
#include <utility>

#include "storage/blob/blob_store.h"
#include "storage/blob/local_blob_store.h"
#include "storage/blob/memory_blob_store.h"
#include "strata/digest/hasher.h"
#include "tests/support/faulty_file_system.h"
#include "tests/support/fixed.h"
#include "tests/support/temporary_directory.h"

// What the parts of the suite for every BlobStore share; blob_store_test.cc lists the
// implementations.
namespace strata::blob {

inline std::span<const std::byte> bytes_of(std::string_view text) {
  return std::as_bytes(std::span(text.data(), text.size()));
}

inline BlobProperties properties_of(std::string_view bytes) {
  BlobProperties properties;
  properties.stored = digest::digest_of(bytes);
  properties.decoded = digest::digest_of("decoded " + std::string(bytes));
  properties.encoding = codec::Encoding::kXz;
  properties.disk = {codec::DiskFormat::kQcow2, std::uint64_t{1} << 63};
  properties.created = 1'700'000'000'123;
  return properties;
}

// An implementation under test, with what it needs.
struct Fixture {
  virtual ~Fixture() = default;
  std::unique_ptr<BlobStore> store;
  test::SeededRandom random;
};

struct MemoryFixture final : Fixture {
  MemoryFixture() { store = make_memory_blob_store(random); }
};

struct LocalFixture final : Fixture {
  LocalFixture() { store = std::move(*open_local_blob_store(*fs, dir.path(), random)); }
  test::TemporaryDirectory dir;
  std::unique_ptr<io::FileSystem> fs = io::make_posix_file_system();
};

struct FaultlessFixture final : Fixture {
  FaultlessFixture() { store = std::move(*open_local_blob_store(fs, "/blobs", random)); }
  test::FaultPlan plan;
  test::FaultyFileSystem fs{plan};
};

struct Implementation {
  std::string name;
  std::function<std::unique_ptr<Fixture>()> make;
};

class BlobStoreContract : public ::testing::TestWithParam<Implementation> {
 protected:
  BlobStore& store() { return *fixture_->store; }
  std::unique_ptr<BlobWriter> begin(const WriteHints& hints = {}) {
    return std::move(*store().begin(hints));
  }
  BlobId put(std::string_view bytes, const std::string& annotation = "note") {
    const auto writer = begin();
    EXPECT_TRUE(writer->append(bytes_of(bytes)));
    EXPECT_TRUE(writer->commit(properties_of(bytes), annotation));
    return writer->id();
  }
  std::string get(const BlobId& id) {
    const auto reader = *store().open(id);
    std::string bytes(static_cast<std::size_t>(reader->size()), '?');
    EXPECT_TRUE(reader->read_at(0, std::as_writable_bytes(std::span(bytes))));
    return bytes;
  }

  // A writer that is kept and gone, with these bytes.
  BlobId keep(std::string_view bytes) {
    const auto writer = begin({bytes.size()});
    writer->keep();
    EXPECT_TRUE(writer->append(bytes_of(bytes)));
    EXPECT_TRUE(writer->sync());
    return writer->id();
  }
  static std::string read(const BlobWriter& writer) {
    std::string bytes(static_cast<std::size_t>(writer.size()), '?');
    EXPECT_TRUE(writer.read_at(0, std::as_writable_bytes(std::span(bytes))));
    return bytes;
  }

  static void write_side(BlobWriter& blob, Side side, std::string_view bytes) {
    const auto writer = std::move(*blob.begin_side(side));
    EXPECT_TRUE(writer->append(bytes_of(bytes)));
    EXPECT_TRUE(writer->commit());
  }
  // "-" when there is none.
  std::string side_of(const BlobId& id, Side side) {
    const auto reader = store().open_side(id, side);
    if (!reader) {
      EXPECT_EQ(reader.error().code(), Errc::kNotFound);
      return "-";
    }
    std::string bytes(static_cast<std::size_t>((*reader)->size()), '?');
    EXPECT_TRUE((*reader)->read_at(0, std::as_writable_bytes(std::span(bytes))));
    return bytes;
  }

  std::unique_ptr<Fixture> fixture_ = GetParam().make();
};

}  // namespace strata::blob
