#include "tests/support/faulty_file_system.h"

#include <algorithm>
#include <cstring>
#include <limits>
#include <utility>

namespace strata::test {
namespace {

using Bytes = std::vector<std::byte>;

std::string normal(const std::string& path) {
  std::string result;
  for (const char c : path) {
    if (c != '/' || result.empty() || result.back() != '/') result += c;
  }
  if (result.size() > 1 && result.back() == '/') result.pop_back();
  return result;
}

std::string parent_of(const std::string& path) {
  const std::size_t slash = path.find_last_of('/');
  if (slash == std::string::npos) return "";
  return slash == 0 ? "/" : path.substr(0, slash);
}

// One unsynced change of a file: bytes at an offset, or (without bytes) a new size.
struct Change {
  bool is_truncate;
  std::uint64_t offset;
  Bytes data;
};

void apply(const Change& change, std::size_t length, Bytes& content) {
  if (change.is_truncate) {
    content.resize(static_cast<std::size_t>(change.offset));
    return;
  }
  const auto end = static_cast<std::size_t>(change.offset) + length;
  if (content.size() < end) content.resize(end);
  std::copy_n(change.data.begin(), length,
              content.begin() + static_cast<std::ptrdiff_t>(change.offset));
}

}  // namespace

struct FaultyFileSystem::Node {
  bool is_directory = false;
  Bytes content;
  Bytes durable;
  std::vector<Change> unsynced;

  void change(Change c) {
    apply(c, c.data.size(), content);
    unsynced.push_back(std::move(c));
  }
  void make_durable() {
    durable = content;
    unsynced.clear();
  }
  [[nodiscard]] Bytes after_cut(Leaves leaves, std::mt19937& random) const {
    if (leaves == Leaves::kEverything) return content;
    Bytes left = durable;
    if (leaves == Leaves::kNothing) return left;
    for (const Change& c : unsynced) {
      const auto choice = random() % 3;
      if (choice == 0) continue;
      const bool torn = choice == 1 && !c.data.empty();
      apply(c, torn ? random() % c.data.size() : c.data.size(), left);
    }
    return left;
  }
};

// A name that came to be (node set) or went.
struct FaultyFileSystem::NameChange {
  std::string path;
  std::shared_ptr<Node> node;

  void apply_to(Names& names) const {
    if (node) {
      names[path] = node;
    } else {
      names.erase(path);
    }
  }
};

class FaultyFileSystem::OpenFile final : public io::File {
 public:
  OpenFile(FaultyFileSystem& fs, std::shared_ptr<Node> node) : fs_(fs), node_(std::move(node)) {}

  Result<std::size_t> read_at(std::uint64_t offset, std::span<std::byte> out) const override {
    if (auto alive = fs_.plan_.reading("read"); !alive) return alive.error();
    const std::lock_guard lock(fs_.mutex_);
    const Bytes& content = node_->content;
    if (offset >= content.size()) return std::size_t{0};
    const auto start = static_cast<std::size_t>(offset);
    const std::size_t n = std::min(out.size(), content.size() - start);
    std::copy_n(content.begin() + static_cast<std::ptrdiff_t>(start), n, out.begin());
    return n;
  }

  Status write_at(std::uint64_t offset, std::span<const std::byte> data) override {
    const auto fate = fs_.plan_.mutating("write");
    const std::lock_guard lock(fs_.mutex_);
    if (fate.error && !fate.power_went) data = data.first(data.size() / 2);
    if (!data.empty()) node_->change({false, offset, Bytes(data.begin(), data.end())});
    fs_.bytes_written_ += data.size();
    return status(fate);
  }

  Status sync() override { return make_durable("fsync"); }
  Status sync_data() override { return make_durable("fdatasync"); }

  Status truncate(std::uint64_t size) override {
    const auto fate = fs_.plan_.mutating("truncate");
    const std::lock_guard lock(fs_.mutex_);
    if (!fate.error || fate.power_went) node_->change({true, size, {}});
    return status(fate);
  }
  // The same as zeros that are written, also when it is torn; but never behind the end.
  Result<bool> punch_hole(std::uint64_t offset, std::uint64_t bytes) override {
    const auto fate = fs_.plan_.mutating("hole");
    if (fate.error && !fate.power_went) return *fate.error;
    const std::lock_guard lock(fs_.mutex_);
    const std::uint64_t size = node_->content.size();
    if (fs_.punches_holes_ && offset < size) {
      node_->change({false, offset, Bytes(std::min(bytes, size - offset))});
    }
    if (fate.error) return *fate.error;
    return fs_.punches_holes_;
  }
  Status reserve(std::uint64_t bytes) override {
    if (const auto fate = fs_.plan_.mutating("fallocate"); fate.error) return *fate.error;
    const std::lock_guard lock(fs_.mutex_);
    if (bytes > fs_.free_bytes_) return Error(Errc::kNoSpace, "fallocate: the disk is full");
    return {};
  }
  Result<std::uint64_t> size() const override {
    if (auto alive = fs_.plan_.reading("fstat"); !alive) return alive.error();
    const std::lock_guard lock(fs_.mutex_);
    return static_cast<std::uint64_t>(node_->content.size());
  }
  bool set_direct(bool /*on*/) override { return false; }
  int descriptor() const override { return -1; }

 private:
  static Status status(const FaultPlan::Fate& fate) {
    return fate.error ? Status(*fate.error) : Status();
  }
  // When the power goes in a sync, nothing is promised: reboot() chooses as for unsynced data.
  Status make_durable(std::string_view call) {
    const auto fate = fs_.plan_.mutating(call);
    if (fate.error) return *fate.error;
    const std::lock_guard lock(fs_.mutex_);
    node_->make_durable();
    return {};
  }

  FaultyFileSystem& fs_;
  std::shared_ptr<Node> node_;
};

FaultyFileSystem::FaultyFileSystem(FaultPlan& plan)
    : plan_(plan), free_bytes_(std::numeric_limits<std::uint64_t>::max()) {
  names_["/"] = durable_names_["/"] = std::make_shared<Node>(Node{true, {}, {}, {}});
}

FaultyFileSystem::~FaultyFileSystem() = default;

std::unique_ptr<FaultyFileSystem> FaultyFileSystem::reboot(Leaves leaves, std::uint32_t seed) {
  const std::lock_guard lock(mutex_);
  std::mt19937 random(seed);
  Names names = leaves == Leaves::kEverything ? names_ : durable_names_;
  if (leaves == Leaves::kSome) {
    for (const NameChange& change : pending_) {
      if (random() % 2 == 0) change.apply_to(names);
    }
  }
  auto next = std::make_unique<FaultyFileSystem>(plan_);
  std::map<const Node*, std::shared_ptr<Node>> copies;  // hard links stay links to one file
  for (const auto& [path, node] : names) {              // parents sort before their children
    if (path == "/" || !next->names_.contains(parent_of(path))) continue;
    auto& copy = copies[node.get()];
    if (!copy) {
      const Bytes left = node->after_cut(leaves, random);
      copy = std::make_shared<Node>(Node{node->is_directory, left, left, {}});
    }
    next->names_[path] = next->durable_names_[path] = copy;
  }
  next->free_bytes_ = free_bytes_;
  next->punches_holes_ = punches_holes_;
  return next;
}

void FaultyFileSystem::set_free_bytes(std::uint64_t bytes) {
  const std::lock_guard lock(mutex_);
  free_bytes_ = bytes;
}

void FaultyFileSystem::set_punches_holes(bool punches) {
  const std::lock_guard lock(mutex_);
  punches_holes_ = punches;
}

std::uint64_t FaultyFileSystem::bytes_written() const {
  const std::lock_guard lock(mutex_);
  return bytes_written_;
}

std::vector<std::string> FaultyFileSystem::all_files() const {
  const std::lock_guard lock(mutex_);
  std::vector<std::string> files;
  for (const auto& [path, node] : names_) {
    if (!node->is_directory) files.push_back(path);
  }
  return files;
}

void FaultyFileSystem::flip_bit(const std::string& path, std::uint64_t offset) {
  const std::lock_guard lock(mutex_);
  Node& node = *names_.at(path);
  node.content.at(static_cast<std::size_t>(offset)) ^= std::byte{1};
  node.make_durable();
}

void FaultyFileSystem::shorten(const std::string& path, std::uint64_t size) {
  const std::lock_guard lock(mutex_);
  Node& node = *names_.at(path);
  node.content.resize(static_cast<std::size_t>(size));
  node.make_durable();
}

Status FaultyFileSystem::require_parent(const std::string& path) const {
  const auto parent = names_.find(parent_of(path));
  if (parent != names_.end() && parent->second->is_directory) return {};
  return Error(Errc::kNotFound, "no such directory: " + parent_of(path));
}

void FaultyFileSystem::change_name(const std::string& path, std::shared_ptr<Node> node) {
  pending_.push_back({path, std::move(node)});
  pending_.back().apply_to(names_);
}

Result<std::unique_ptr<io::File>> FaultyFileSystem::open(const std::string& path,
                                                         io::OpenMode mode) {
  const std::string name = normal(path);
  FaultPlan::Fate fate;
  if (mode == io::OpenMode::kCreateNew) {
    fate = plan_.mutating("open");
  } else if (auto alive = plan_.reading("open"); !alive) {
    return alive.error();
  }
  if (fate.error && !fate.power_went) return *fate.error;
  const std::lock_guard lock(mutex_);
  auto found = names_.find(name);
  if (mode == io::OpenMode::kCreateNew) {
    if (found != names_.end()) return Error(Errc::kConflict, "open: the name exists");
    if (auto parent = require_parent(name); !parent) return parent.error();
    change_name(name, std::make_shared<Node>());
    found = names_.find(name);
  }
  if (fate.error) return *fate.error;
  if (found == names_.end()) return Error(Errc::kNotFound, "open: no such file");
  if (found->second->is_directory) return Error(Errc::kIo, "open: a directory");
  return std::unique_ptr<io::File>(std::make_unique<OpenFile>(*this, found->second));
}

Status FaultyFileSystem::link(const std::string& from, const std::string& to) {
  const auto fate = plan_.mutating("link");
  if (fate.error && !fate.power_went) return *fate.error;
  const std::lock_guard lock(mutex_);
  const auto found = names_.find(normal(from));
  if (found == names_.end()) return Error(Errc::kNotFound, "link: no such file");
  if (names_.contains(normal(to))) return Error(Errc::kConflict, "link: the name exists");
  if (auto parent = require_parent(normal(to)); !parent) return parent;
  change_name(normal(to), found->second);
  return fate.error ? Status(*fate.error) : Status();
}

Status FaultyFileSystem::rename(const std::string& from, const std::string& to) {
  const auto fate = plan_.mutating("rename");
  if (fate.error && !fate.power_went) return *fate.error;
  const std::lock_guard lock(mutex_);
  const auto found = names_.find(normal(from));
  if (found == names_.end()) return Error(Errc::kNotFound, "rename: no such file");
  if (auto parent = require_parent(normal(to)); !parent) return parent;
  change_name(normal(to), found->second);
  change_name(normal(from), nullptr);
  return fate.error ? Status(*fate.error) : Status();
}

Status FaultyFileSystem::remove(const std::string& path) {
  const auto fate = plan_.mutating("unlink");
  if (fate.error && !fate.power_went) return *fate.error;
  const std::lock_guard lock(mutex_);
  const auto found = names_.find(normal(path));
  if (found == names_.end()) return Error(Errc::kNotFound, "unlink: no such file");
  if (found->second->is_directory) return Error(Errc::kIo, "unlink: a directory");
  change_name(normal(path), nullptr);
  return fate.error ? Status(*fate.error) : Status();
}

Status FaultyFileSystem::make_directories(const std::string& path) {
  const auto fate = plan_.mutating("mkdir");
  if (fate.error && !fate.power_went) return *fate.error;
  const std::lock_guard lock(mutex_);
  const std::string whole = normal(path);
  for (std::size_t at = 0; at != std::string::npos;) {
    at = whole.find('/', at + 1);
    const std::string part = whole.substr(0, at);
    const auto found = names_.find(part);
    if (found != names_.end() && !found->second->is_directory) {
      return Error(Errc::kIo, "mkdir: a file has this name");
    }
    if (found != names_.end()) continue;
    const auto node = std::make_shared<Node>(Node{true, {}, {}, {}});
    if (fate.error) {
      change_name(part, node);
    } else {
      names_[part] = durable_names_[part] = node;
    }
  }
  return fate.error ? Status(*fate.error) : Status();
}

Status FaultyFileSystem::sync_directory(const std::string& path) {
  const auto fate = plan_.mutating("fsync of a directory");
  if (fate.error) return *fate.error;
  const std::lock_guard lock(mutex_);
  const std::string directory = normal(path);
  if (!names_.contains(directory)) return Error(Errc::kNotFound, "no such directory");
  std::erase_if(pending_, [&](const NameChange& change) {
    if (parent_of(change.path) != directory) return false;
    change.apply_to(durable_names_);
    return true;
  });
  return {};
}

Result<std::vector<std::string>> FaultyFileSystem::list(const std::string& path) {
  if (auto alive = plan_.reading("readdir"); !alive) return alive.error();
  const std::lock_guard lock(mutex_);
  const std::string directory = normal(path);
  if (!names_.contains(directory)) return Error(Errc::kNotFound, "readdir: no such directory");
  std::vector<std::string> names;
  for (const auto& [name, node] : names_) {
    if (name != "/" && parent_of(name) == directory) {
      names.push_back(name.substr(name.find_last_of('/') + 1));
    }
  }
  return names;
}

Result<bool> FaultyFileSystem::exists(const std::string& path) {
  if (auto alive = plan_.reading("lstat"); !alive) return alive.error();
  const std::lock_guard lock(mutex_);
  return names_.contains(normal(path));
}

Result<std::uint64_t> FaultyFileSystem::free_bytes(const std::string& /*path*/) {
  if (auto alive = plan_.reading("statvfs"); !alive) return alive.error();
  const std::lock_guard lock(mutex_);
  return free_bytes_;
}

}  // namespace strata::test
