#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "storage/catalog/catalog.h"
#include "tests/support/fault_plan.h"

namespace strata::test {

// A Catalog whose writes fail as a FaultPlan says. A write is atomic and durable, so a failing one
// took effect or did not: `takes_effect` says which, both when the power goes and when a call is
// made to fail.
class FaultyCatalog final : public catalog::Catalog {
 public:
  FaultyCatalog(catalog::Catalog& inner, FaultPlan& plan, bool takes_effect)
      : inner_(inner), plan_(plan), takes_effect_(takes_effect) {}

  Status put(const catalog::Image& image, bool registers) override {
    return write([&] { return inner_.put(image, registers); });
  }
  Status remove(const ImageId& id, bool registers, UnixMillis now) override {
    return write([&] { return inner_.remove(id, registers, now); });
  }
  Status add_removal(const BlobId& blob, UnixMillis since) override {
    return write([&] { return inner_.add_removal(blob, since); });
  }
  Status removed(const BlobId& blob) override {
    return write([&] { return inner_.removed(blob); });
  }
  Status update_registration(const catalog::Registration& registration) override {
    return write([&] { return inner_.update_registration(registration); });
  }
  Status retry_registration(const Sha256Digest& content) override {
    return write([&] { return inner_.retry_registration(content); });
  }

  Result<catalog::Image> get(const ImageId& id) override {
    return read([&] { return inner_.get(id); });
  }
  Result<catalog::ImagePage> list(const catalog::ImageFilter& filter, std::size_t limit,
                                  const std::optional<std::string>& cursor) override {
    return read([&] { return inner_.list(filter, limit, cursor); });
  }
  Result<std::uint64_t> count() override {
    return read([&] { return inner_.count(); });
  }
  Result<std::optional<BlobId>> find_blob(const std::string& owner, const Sha256Digest& sha256,
                                          std::uint64_t bytes) override {
    return read([&] { return inner_.find_blob(owner, sha256, bytes); });
  }
  Result<std::vector<catalog::Image>> images_of_blob(const BlobId& blob) override {
    return read([&] { return inner_.images_of_blob(blob); });
  }
  Result<std::vector<catalog::Image>> images_of_content(const Sha256Digest& decoded) override {
    return read([&] { return inner_.images_of_content(decoded); });
  }
  Result<std::vector<Removal>> removals() override {
    return read([&] { return inner_.removals(); });
  }
  Result<std::optional<catalog::Registration>> registration(const Sha256Digest& content) override {
    return read([&] { return inner_.registration(content); });
  }
  Result<std::vector<catalog::Registration>> due_registrations(UnixMillis now,
                                                               std::size_t limit) override {
    return read([&] { return inner_.due_registrations(now, limit); });
  }
  Result<std::uint64_t> outbox_depth() override {
    return read([&] { return inner_.outbox_depth(); });
  }

 private:
  Status write(const std::function<Status()>& call) {
    const auto fate = plan_.mutating("catalogue write");
    if (!fate.error) return call();
    if (takes_effect_ && (fate.power_went || !plan_.power_is_off())) (void)call();
    return *fate.error;
  }
  template <typename Call>
  std::invoke_result_t<Call> read(Call call) {
    if (auto alive = plan_.reading("catalogue read"); !alive) return alive.error();
    return call();
  }

  catalog::Catalog& inner_;
  FaultPlan& plan_;
  const bool takes_effect_;
};

}  // namespace strata::test
