#include "storage/service/upload_request.h"

#include <boost/asio/post.hpp>

namespace strata::storage {

RequestSource::RequestSource(http::Request& request, Services& services, Acknowledge acknowledge)
    : request_(request),
      services_(services),
      acknowledge_(std::move(acknowledge)),
      body_(std::make_shared<http::RequestBody*>(&request.body)) {}

std::function<void()> RequestSource::interrupt(const boost::asio::any_io_executor& executor) const {
  return [executor, weak = std::weak_ptr(body_)] {
    boost::asio::post(executor, [weak] {
      // On the connection's thread, where alone this source goes away.
      if (const auto body = weak.lock()) (*body)->interrupt();
    });
  };
}

http::Awaitable<Result<std::size_t>> RequestSource::read_some(std::span<std::byte> out) {
  auto n = co_await request_.body.read_some(out);
  if (n) services_.counts.upload_bytes.add(*n);
  co_return n;
}

Result<ExpectedDigests> RequestSource::expected() const {
  if (read_trailer_) return read_trailer_(request_.body.trailers());
  return expected_;
}

http::Awaitable<Status> RequestSource::acknowledged(std::uint64_t offset) {
  if (!acknowledge_) co_return Status();
  co_return co_await acknowledge_(offset);
}

Error append_error(const Error& error, const Services& services) {
  switch (error.code()) {
    case Errc::kConnectionLost:
    case Errc::kRequestTimeout:
      return {Errc::kUnavailable, error.detail() + "; what arrived is kept, go on behind it"};
    case Errc::kCancelled:
      if (services.draining) return {Errc::kUnavailable, "the server is stopping"};
      return {Errc::kConflict, "a newer request has taken this upload over"};
    default:
      return error;
  }
}

digest::Algorithms algorithms_of(const ExpectedDigests& digests) {
  unsigned set = 0;
  if (digests.sha1) set |= static_cast<unsigned>(digest::Algorithms::kSha1);
  if (digests.sha256) set |= static_cast<unsigned>(digest::Algorithms::kSha256);
  if (digests.sha512) set |= static_cast<unsigned>(digest::Algorithms::kSha512);
  return static_cast<digest::Algorithms>(set);
}

std::string upload_url(const Services& services, const upload::Session& session) {
  return services.public_url + "/v1/uploads/" + session.token().text();
}

}  // namespace strata::storage
