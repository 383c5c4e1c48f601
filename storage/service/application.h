#pragma once

#include "storage/http/server.h"
#include "storage/service/router.h"
#include "storage/service/services.h"

namespace strata::storage {

// Every request: who makes it, which resource, and problems for what goes wrong.
class Application final : public http::Handler {
 public:
  explicit Application(Services& services);
  [[nodiscard]] http::Awaitable<http::Response> handle(http::Request& request) override;
  [[nodiscard]] http::Response problem(const Error& error, const std::string& request_id) override;
  // Without the tokens of uploads, which are capabilities.
  [[nodiscard]] std::string loggable_path(const http::RequestHead& head) const override;

 private:
  [[nodiscard]] http::Awaitable<http::Response> dispatch(http::Request& request);

  Services& services_;
  Router router_;
};

}  // namespace strata::storage
