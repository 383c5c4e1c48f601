#pragma once

#include "registry/http/server.h"
#include "registry/service/app.h"

namespace strata::registry {

// All routes of the registry (API.md, Registry).
class Router final : public registry_http::Handler {
 public:
  explicit Router(App& app) : app_(app) {}
  [[nodiscard]] Result<std::uint64_t> admit(const http::RequestHead& head) override;
  [[nodiscard]] std::string loggable_path(const http::RequestHead& head) const override;
  [[nodiscard]] registry_http::Response handle(const registry_http::Request& request) override;

 private:
  App& app_;
};

}  // namespace strata::registry
