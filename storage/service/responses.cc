#include "storage/service/responses.h"

#include "strata/http/problem.h"

namespace strata::storage {

http::Response json_response(int status, std::string body) {
  http::Response response;
  response.status = status;
  response.headers.add("Content-Type", "application/json");
  response.headers.add("Cache-Control", "no-store");
  response.headers.add("X-Content-Type-Options", "nosniff");
  response.body = std::move(body);
  return response;
}

http::Response problem_response(const Error& error, const std::string& request_id) {
  // A body that ends early, from a client that may still read: its fault, not ours (RFC 9112 §8).
  if (error.code() == Errc::kConnectionLost) {
    return problem_response(Error(Errc::kMalformed, error.detail()), request_id);
  }
  http::Response response;
  response.status = error.info().status != 0 ? error.info().status : 500;
  response.headers.add("Content-Type", http::kProblemType);
  response.headers.add("Cache-Control", "no-store");
  response.headers.add("X-Content-Type-Options", "nosniff");
  if (response.status == 401) {
    response.headers.add("WWW-Authenticate", "Bearer realm=\"strata\", Basic realm=\"strata\"");
  }
  if (response.status == 429 || response.status == 503) response.headers.add("Retry-After", "5");
  response.body = http::problem_json(error, request_id);
  return response;
}

}  // namespace strata::storage
