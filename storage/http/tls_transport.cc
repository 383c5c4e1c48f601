#include "storage/http/tls_transport.h"

#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <poll.h>

#include <algorithm>
#include <limits>

namespace strata::http {
namespace {

template <auto Free>
struct Deleter {
  template <typename T>
  void operator()(T* pointer) const {
    Free(pointer);
  }
};
using ContextPtr = std::unique_ptr<SSL_CTX, Deleter<SSL_CTX_free>>;
using SslPtr = std::unique_ptr<SSL, Deleter<SSL_free>>;
using BioMethodPtr = std::unique_ptr<BIO_METHOD, Deleter<BIO_meth_free>>;

std::string openssl_text() {
  const unsigned long code = ERR_get_error();
  ERR_clear_error();
  const char* reason = code == 0 ? nullptr : ERR_reason_error_string(code);
  return reason == nullptr ? "TLS failed" : std::string("TLS: ") + reason;
}

// OpenSSL's own socket BIO writes with write(2), which raises SIGPIPE when the peer is gone. This
// one goes through Socket, which does not.
int bio_result(BIO* bio, Result<std::optional<std::size_t>> moved, int retry_flag) {
  BIO_clear_retry_flags(bio);
  if (!moved) return -1;
  if (const std::optional<std::size_t> count = *std::move(moved)) return static_cast<int>(*count);
  BIO_set_flags(bio, retry_flag | BIO_FLAGS_SHOULD_RETRY);
  return -1;
}

int bio_read(BIO* bio, char* out, int size) {
  const auto* socket = static_cast<const Socket*>(BIO_get_data(bio));
  const std::span<char> space(out, static_cast<std::size_t>(size));
  return bio_result(bio, socket->read_some(std::as_writable_bytes(space)), BIO_FLAGS_READ);
}

int bio_write(BIO* bio, const char* data, int size) {
  const auto* socket = static_cast<const Socket*>(BIO_get_data(bio));
  const std::span<const char> bytes(data, static_cast<std::size_t>(size));
  return bio_result(bio, socket->write_some(std::as_bytes(bytes)), BIO_FLAGS_WRITE);
}

long bio_control(BIO*, int command, long, void*) {
  return command == BIO_CTRL_FLUSH ? 1 : 0;
}

const BIO_METHOD* socket_bio_method() {
  static const BioMethodPtr method = [] {
    BioMethodPtr made(BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "strata socket"));
    check(made != nullptr, "BIO_meth_new");
    BIO_meth_set_read(made.get(), bio_read);
    BIO_meth_set_write(made.get(), bio_write);
    BIO_meth_set_ctrl(made.get(), bio_control);
    return made;
  }();
  return method.get();
}

class TlsTransport final : public Transport {
 public:
  TlsTransport(Socket socket, ContextPtr context, SslPtr ssl)
      : socket_(std::make_unique<Socket>(std::move(socket))),
        context_(std::move(context)),
        ssl_(std::move(ssl)) {
    BIO* bio = BIO_new(socket_bio_method());
    check(bio != nullptr, "BIO_new");
    BIO_set_data(bio, socket_.get());
    BIO_set_init(bio, 1);
    SSL_set_bio(ssl_.get(), bio, bio);
  }

  ~TlsTransport() override { SSL_shutdown(ssl_.get()); }  // says close_notify, waits for nothing

  Status handshake(const Waiting& waiting) {
    for (;;) {
      ERR_clear_error();
      const int done = SSL_connect(ssl_.get());
      if (done == 1) return {};
      if (!note_want(done)) return handshake_error();
      if (auto ready = wait_for(descriptor(), events_, waiting); !ready) return ready.error();
    }
  }

  Result<std::optional<std::size_t>> read_some(std::span<std::byte> out) override {
    ERR_clear_error();
    const int n = SSL_read(ssl_.get(), out.data(), clamp(out.size()));
    if (n > 0) return std::optional(static_cast<std::size_t>(n));
    if (note_want(n)) return std::optional<std::size_t>();
    if (SSL_get_error(ssl_.get(), n) == SSL_ERROR_ZERO_RETURN) return std::optional<std::size_t>(0);
    return Error(Errc::kConnectionLost, openssl_text());
  }

  Result<std::optional<std::size_t>> write_some(std::span<const std::byte> data) override {
    ERR_clear_error();
    const int n = SSL_write(ssl_.get(), data.data(), clamp(data.size()));
    if (n > 0) return std::optional(static_cast<std::size_t>(n));
    if (note_want(n)) return std::optional<std::size_t>();
    return Error(Errc::kConnectionLost, openssl_text());
  }

  short events() const override { return events_; }
  int descriptor() const override { return socket_->descriptor(); }

 private:
  static int clamp(std::size_t size) {
    return static_cast<int>(std::min<std::size_t>(size, std::numeric_limits<int>::max()));
  }

  bool note_want(int outcome) {
    const int what = SSL_get_error(ssl_.get(), outcome);
    if (what == SSL_ERROR_WANT_READ) events_ = POLLIN;
    if (what == SSL_ERROR_WANT_WRITE) events_ = POLLOUT;
    return what == SSL_ERROR_WANT_READ || what == SSL_ERROR_WANT_WRITE;
  }

  Error handshake_error() {
    const long verdict = SSL_get_verify_result(ssl_.get());
    if (verdict != X509_V_OK) {
      return {Errc::kVerification, std::string("the server's certificate is not accepted: ") +
                                       X509_verify_cert_error_string(verdict)};
    }
    return {Errc::kUnreachable, openssl_text()};
  }

  std::unique_ptr<Socket> socket_;  // the BIO holds its address
  ContextPtr context_;
  SslPtr ssl_;
  short events_ = POLLIN;
};

Result<ContextPtr> make_context(const std::string& ca_file) {
  ContextPtr context(SSL_CTX_new(TLS_client_method()));
  check(context != nullptr, "SSL_CTX_new");
  SSL_CTX_set_min_proto_version(context.get(), TLS1_2_VERSION);
  SSL_CTX_set_verify(context.get(), SSL_VERIFY_PEER, nullptr);
  // A retried SSL_write may come with other bytes behind those that were not taken.
  SSL_CTX_set_mode(context.get(),
                   SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
  SSL_CTX_set_default_verify_paths(context.get());
  if (!ca_file.empty() && SSL_CTX_load_verify_file(context.get(), ca_file.c_str()) != 1) {
    return Error(Errc::kUsage, "no CA certificates could be read from " + ca_file);
  }
  ERR_clear_error();  // a system without a bundle is found out by the handshake
  return context;
}

// The name the certificate must carry: an address is compared with addresses, and never sent as
// SNI.
bool set_peer_name(SSL* ssl, const std::string& host) {
  if (X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(ssl), host.c_str()) == 1) return true;
  ERR_clear_error();
  SSL_set_hostflags(ssl, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
  return SSL_set1_host(ssl, host.c_str()) == 1 && SSL_set_tlsext_host_name(ssl, host.c_str()) == 1;
}

}  // namespace

Result<std::unique_ptr<Transport>> make_tls_transport(Socket socket, const std::string& host,
                                                      const std::string& ca_file,
                                                      const Waiting& waiting) {
  STRATA_TRY(ContextPtr context, make_context(ca_file));
  SslPtr ssl(SSL_new(context.get()));
  check(ssl != nullptr, "SSL_new");
  if (!set_peer_name(ssl.get(), host)) return Error(Errc::kUsage, "bad host name for TLS");
  auto transport =
      std::make_unique<TlsTransport>(std::move(socket), std::move(context), std::move(ssl));
  if (auto done = transport->handshake(waiting); !done) return done.error();
  return std::unique_ptr<Transport>(std::move(transport));
}

}  // namespace strata::http
