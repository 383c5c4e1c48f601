#pragma once

#include "storage/http/byte_buffer.h"
#include "storage/http/server.h"
#include "storage/http/socket_stream.h"
#include "strata/io/worker_pool.h"

namespace strata::http {

// Sends the content of a response whose head lies in `pending`, so that the head and the first
// bytes leave together. File content goes by sendfile: from the network thread when the page cache
// has it, else after the disk pool has read it. Any error means that the content is incomplete and
// the connection must be aborted, unless nothing at all was sent yet.
class ContentWriter {
 public:
  ContentWriter(SocketStream& stream, ByteBuffer& pending, io::WorkerPool& disk_pool)
      : stream_(stream), pending_(pending), disk_pool_(disk_pool) {}

  [[nodiscard]] Awaitable<Status> write_body(std::string_view body);
  [[nodiscard]] Awaitable<Status> write_parts(ContentSource& source,
                                              const std::vector<ContentPart>& parts,
                                              std::uint64_t total);
  // To the source's end, in chunked coding or as it is.
  [[nodiscard]] Awaitable<Status> write_until_end(ContentSource& source, bool chunked);

 private:
  struct FilePiece {
    int descriptor;
    std::uint64_t offset;
    std::uint64_t length;
  };
  [[nodiscard]] Awaitable<Status> write_range(ContentSource& source, ByteRange range);
  [[nodiscard]] Awaitable<Status> write_file(FilePiece piece);
  [[nodiscard]] Awaitable<Status> append_file(FilePiece piece);
  [[nodiscard]] Awaitable<Status> append_source(ContentSource& source, ByteRange range,
                                                std::size_t& appended);
  [[nodiscard]] Awaitable<Status> make_cached(FilePiece piece);
  [[nodiscard]] Awaitable<Status> flush(bool more);

  SocketStream& stream_;
  ByteBuffer& pending_;
  io::WorkerPool& disk_pool_;
  std::uint64_t left_ = 0;  // content bytes not yet in `pending_` or on the wire
};

}  // namespace strata::http
