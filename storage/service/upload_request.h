#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "storage/http/server.h"
#include "storage/service/services.h"
#include "storage/upload/uploads.h"

namespace strata::storage {

// A request's content as what is appended to a session. Lives on the connection's thread.
class RequestSource final : public upload::AppendSource {
 public:
  // Told of durable offsets while bytes come; null: nobody wants to know.
  using Acknowledge = std::function<http::Awaitable<Status>(std::uint64_t offset)>;

  RequestSource(http::Request& request, Services& services, Acknowledge acknowledge = nullptr);
  RequestSource(const RequestSource&) = delete;
  RequestSource& operator=(const RequestSource&) = delete;

  // What a newer request calls to have the session: from any thread, also when this is gone.
  [[nodiscard]] std::function<void()> interrupt(const boost::asio::any_io_executor& executor) const;
  // The digests of this request's bytes, or (trailer) which field will say them behind the bytes.
  void expect(const ExpectedDigests& digests) { expected_ = digests; }
  using ReadTrailer = std::function<Result<ExpectedDigests>(const http::Headers&)>;
  void expect_trailer(ReadTrailer read) { read_trailer_ = std::move(read); }

  [[nodiscard]] http::Awaitable<Result<std::size_t>> read_some(std::span<std::byte> out) override;
  [[nodiscard]] Result<ExpectedDigests> expected() const override;
  [[nodiscard]] http::Awaitable<Status> acknowledged(std::uint64_t offset) override;

 private:
  http::Request& request_;
  Services& services_;
  Acknowledge acknowledge_;
  ExpectedDigests expected_;
  ReadTrailer read_trailer_;
  std::shared_ptr<http::RequestBody*> body_;  // shared with no one: others look at it weakly
};

// What an error of an append means for the client: a cut or slow body is worth another try (503),
// for nothing that arrived is lost; being taken over is a conflict (409).
[[nodiscard]] Error append_error(const Error& error, const Services& services);

// The algorithms whose values are given.
[[nodiscard]] digest::Algorithms algorithms_of(const ExpectedDigests& digests);

[[nodiscard]] std::string upload_url(const Services& services, const upload::Session& session);

}  // namespace strata::storage
