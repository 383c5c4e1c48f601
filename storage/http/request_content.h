#pragma once

#include "storage/http/byte_buffer.h"
#include "storage/http/server.h"
#include "storage/http/socket_stream.h"

namespace strata::http {

// The content of one request on a connection: first what came along with the head, then straight
// from the socket into the reader's memory.
class RequestContent final : public RequestBody {
 public:
  // `input` holds what was read beyond the head; what lies beyond the content stays there.
  // `request_id` is for the log.
  RequestContent(const RequestHead& head, SocketStream& stream, ByteBuffer& input,
                 const Limits& limits, std::string request_id);

  [[nodiscard]] std::optional<std::uint64_t> length() const override;
  [[nodiscard]] Awaitable<Result<std::size_t>> read_some(std::span<std::byte> out) override;
  [[nodiscard]] Awaitable<Result<std::string>> read_all(std::size_t bytes_max) override;
  [[nodiscard]] const Headers& trailers() const override;
  void interrupt() override;
  [[nodiscard]] Awaitable<Status> send_interim(int status, const Headers& headers) override;

  [[nodiscard]] bool ended() const { return ended_; }
  [[nodiscard]] bool interrupted() const { return interrupted_; }
  // From here on the response has the sending direction: interim ones come too late.
  void begin_answer() { answered_ = true; }
  // The first error that reading met; the connection is not usable for another request then.
  [[nodiscard]] const std::optional<Error>& failure() const { return failure_; }
  // Whether the rest is known, small and on its way: cheaper to read than a new connection.
  [[nodiscard]] bool worth_discarding() const;
  [[nodiscard]] Awaitable<Status> discard();

 private:
  [[nodiscard]] Awaitable<Result<std::size_t>> read(std::span<std::byte> out);
  [[nodiscard]] Awaitable<Result<std::size_t>> read_with_length(std::span<std::byte> out);
  [[nodiscard]] Awaitable<Result<std::size_t>> read_chunked(std::span<std::byte> out);
  [[nodiscard]] Awaitable<Result<std::size_t>> read_raw(std::span<std::byte> out);
  [[nodiscard]] Awaitable<Status> read_framing();

  SocketStream& stream_;
  ByteBuffer& input_;
  const Limits& limits_;
  std::string request_id_;
  int minor_version_;
  Framing framing_;
  std::uint64_t remaining_;  // of a known length
  ChunkedDecoder chunks_;
  bool continue_wanted_;
  bool ended_;
  bool busy_ = false;  // a read or an interim response is under way
  bool interrupted_ = false;
  bool answered_ = false;
  std::optional<Error> failure_;
};

}  // namespace strata::http
