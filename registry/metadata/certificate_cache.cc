#include "registry/metadata/certificate_cache.h"

#include <list>
#include <mutex>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>

namespace strata::metadata {
namespace {

// Some 10 KiB each with OpenSSL's structures; a longer certificate is read each time.
constexpr std::size_t kCertificatesMax = 512;
constexpr std::size_t kBytesMax = 8 * kKiB;

class CertificateCache {
 public:
  std::shared_ptr<const Certificate> find(std::string_view der) {
    const std::lock_guard lock(mutex_);
    const auto found = index_.find(der);
    if (found == index_.end()) return nullptr;
    used_.splice(used_.begin(), used_, found->second);
    return found->second->second;
  }

  void keep(std::string_view der, std::shared_ptr<const Certificate> certificate) {
    const std::lock_guard lock(mutex_);
    if (index_.contains(der)) return;
    used_.emplace_front(der, std::move(certificate));
    index_.emplace(used_.front().first, used_.begin());
    if (used_.size() <= kCertificatesMax) return;
    index_.erase(used_.back().first);
    used_.pop_back();
  }

 private:
  using Entry = std::pair<std::string, std::shared_ptr<const Certificate>>;
  std::mutex mutex_;
  std::list<Entry> used_;  // the last used first
  std::unordered_map<std::string_view, std::list<Entry>::iterator> index_;
};

}  // namespace

Result<std::shared_ptr<const Certificate>> shared_certificate(std::span<const std::uint8_t> der) {
  static CertificateCache cache;
  const std::string_view bytes(reinterpret_cast<const char*>(der.data()), der.size());
  if (auto found = cache.find(bytes)) return found;
  STRATA_TRY(auto read, read_certificate(der));
  auto certificate = std::make_shared<const Certificate>(std::move(read));
  if (der.size() <= kBytesMax) cache.keep(bytes, certificate);
  return certificate;
}

}  // namespace strata::metadata
