#pragma once

#include <condition_variable>
#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include "strata/io/file_system.h"

namespace strata::test {

// Another file system whose sync_data waits at a gate: for tests of what happens meanwhile.
// Thread-safe.
class GatedFileSystem final : public io::FileSystem {
 public:
  explicit GatedFileSystem(io::FileSystem& below) : below_(below) {}

  void close_gate() { set_open(false); }
  void open_gate() { set_open(true); }
  // Until a sync_data waits at the gate.
  void wait_for_sync() {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [this] { return waiting_ > 0; });
  }
  [[nodiscard]] std::uint64_t syncs() const {
    const std::lock_guard lock(mutex_);
    return syncs_;
  }

  [[nodiscard]] Result<std::unique_ptr<io::File>> open(const std::string& path,
                                                       io::OpenMode mode) override {
    STRATA_TRY(auto file, below_.open(path, mode));
    return std::unique_ptr<io::File>(std::make_unique<GatedFile>(*this, std::move(file)));
  }
  [[nodiscard]] Status link(const std::string& from, const std::string& to) override {
    return below_.link(from, to);
  }
  [[nodiscard]] Status rename(const std::string& from, const std::string& to) override {
    return below_.rename(from, to);
  }
  [[nodiscard]] Status remove(const std::string& path) override { return below_.remove(path); }
  [[nodiscard]] Status make_directories(const std::string& path) override {
    return below_.make_directories(path);
  }
  [[nodiscard]] Status sync_directory(const std::string& path) override {
    return below_.sync_directory(path);
  }
  [[nodiscard]] Result<std::vector<std::string>> list(const std::string& path) override {
    return below_.list(path);
  }
  [[nodiscard]] Result<bool> exists(const std::string& path) override {
    return below_.exists(path);
  }
  [[nodiscard]] Result<std::uint64_t> free_bytes(const std::string& path) override {
    return below_.free_bytes(path);
  }

 private:
  class GatedFile final : public io::File {
   public:
    GatedFile(GatedFileSystem& fs, std::unique_ptr<io::File> file)
        : fs_(fs), file_(std::move(file)) {}
    Result<std::size_t> read_at(std::uint64_t offset, std::span<std::byte> out) const override {
      return file_->read_at(offset, out);
    }
    Status write_at(std::uint64_t offset, std::span<const std::byte> data) override {
      return file_->write_at(offset, data);
    }
    Status sync() override { return file_->sync(); }
    Status sync_data() override {
      fs_.pass_gate();
      return file_->sync_data();
    }
    Status truncate(std::uint64_t size) override { return file_->truncate(size); }
    Result<bool> punch_hole(std::uint64_t offset, std::uint64_t bytes) override {
      return file_->punch_hole(offset, bytes);
    }
    Status reserve(std::uint64_t bytes) override { return file_->reserve(bytes); }
    Result<std::uint64_t> size() const override { return file_->size(); }
    bool set_direct(bool on) override { return file_->set_direct(on); }
    int descriptor() const override { return file_->descriptor(); }

   private:
    GatedFileSystem& fs_;
    std::unique_ptr<io::File> file_;
  };

  void set_open(bool open) {
    const std::lock_guard lock(mutex_);
    open_ = open;
    changed_.notify_all();
  }
  void pass_gate() {
    std::unique_lock lock(mutex_);
    ++syncs_;
    ++waiting_;
    changed_.notify_all();
    changed_.wait(lock, [this] { return open_; });
    --waiting_;
  }

  io::FileSystem& below_;
  mutable std::mutex mutex_;
  std::condition_variable changed_;
  bool open_ = true;
  int waiting_ = 0;
  std::uint64_t syncs_ = 0;
};

}  // namespace strata::test
