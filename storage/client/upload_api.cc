#include "storage/client/upload_api.h"

#include <algorithm>
#include <boost/json.hpp>

#include "storage/client/storage_api.h"
#include "strata/base/clock.h"
#include "strata/base/text.h"
#include "strata/http/problem.h"

namespace strata::client {
namespace {

using std::chrono::milliseconds;

constexpr int kLocked = 423;  // other servers' word for an upload that another request writes
constexpr std::string_view kContentType = "application/offset+octet-stream";

Error bad_answer(const std::string& why) {
  return {Errc::kMalformed, "the server's answer is not understood: " + why};
}

Result<std::uint64_t> offset_of(const http::ResponseHead& head) {
  const auto offset = parse_decimal(trim(head.headers.get("Upload-Offset").value_or("")));
  if (!offset) return bad_answer("no Upload-Offset");
  return *offset;
}

// Seconds or a date (RFC 9110 §10.2.3).
std::optional<milliseconds> retry_after_of(const http::Headers& headers) {
  constexpr std::uint64_t kSecondsMax = 365 * 24 * 3600;
  const std::string_view text = trim(headers.get("Retry-After").value_or(""));
  if (const auto seconds = parse_decimal(text)) {
    return std::chrono::seconds(std::min(*seconds, kSecondsMax));
  }
  const auto date = parse_http_date(text);
  if (!date) return std::nullopt;
  return milliseconds(std::max<UnixMillis>(*date - SystemClock().now(), 0));
}

std::optional<UploadStatus::State> state_of(std::string_view name) {
  if (name == "receiving") return UploadStatus::State::kReceiving;
  if (name == "verifying") return UploadStatus::State::kVerifying;
  if (name == "complete") return UploadStatus::State::kComplete;
  if (name == "failed") return UploadStatus::State::kFailed;
  return std::nullopt;
}

std::string_view text_of(const boost::json::value* value) {
  return value != nullptr && value->is_string() ? std::string_view(value->get_string()) : "";
}

}  // namespace

Result<UploadStatus> parse_upload_status(std::string_view text) {
  boost::system::error_code bad;
  const boost::json::value document = boost::json::parse(text, bad);
  const boost::json::object* object = bad ? nullptr : document.if_object();
  if (object == nullptr) return bad_answer("no JSON object");
  UploadStatus status;
  const auto state = state_of(text_of(object->if_contains("state")));
  if (!state) return bad_answer("no state of the upload");
  status.state = *state;
  if (status.state == UploadStatus::State::kComplete) {
    // A partial upload that is complete is no image.
    const std::string_view image = text_of(object->if_contains("image"));
    if (!image.empty()) {
      STRATA_TRY(status.image, ImageId::parse(image));
    }
  }
  if (status.state == UploadStatus::State::kFailed) {
    const boost::json::value* error = object->if_contains("error");
    const std::string problem = error == nullptr ? "" : boost::json::serialize(*error);
    status.error = http::error_from_response(422, http::kProblemType, problem);
  }
  return status;
}

Result<http::ClientResponse> UploadApi::call(http::ClientRequest request) {
  request.headers.add("Tus-Resumable", "1.0.0");
  retry_after_.reset();
  STRATA_TRY(http::ClientResponse response, client_.send(request));
  const http::ResponseHead& head = response.head;
  if (head.status >= 200 && head.status <= 299) return response;
  retry_after_ = retry_after_of(head.headers);
  const Error error = error_of(response);
  if (head.status == kLocked) return Error(Errc::kInUse, error.detail());
  return error;
}

Result<std::string> UploadApi::post(const http::Headers& headers) {
  http::ClientRequest request;
  request.method = "POST";
  request.target = "/v1/uploads";
  request.headers = headers;
  STRATA_TRY(const http::ClientResponse response, call(std::move(request)));
  const auto location = response.head.headers.get("Location");
  if (response.head.status != 201 || !location) {
    return bad_answer("an upload that was created has a Location");
  }
  STRATA_TRY(const http::Url url, client_.origin().resolve(trim(*location)));
  return url.target;
}

Result<std::string> UploadApi::create(std::uint64_t length, const std::string& metadata) {
  http::Headers headers;
  headers.add("Upload-Length", std::to_string(length));
  if (!metadata.empty()) headers.add("Upload-Metadata", metadata);
  return post(headers);
}

Result<std::string> UploadApi::create_partial(std::uint64_t length) {
  http::Headers headers;
  headers.add("Upload-Length", std::to_string(length));
  headers.add("Upload-Concat", "partial");
  return post(headers);
}

Result<std::string> UploadApi::create_final(const std::vector<std::string>& partials,
                                            const std::string& metadata) {
  std::string list = "final;";
  for (const std::string& partial : partials) list += (list.ends_with(';') ? "" : " ") + partial;
  http::Headers headers;
  headers.add("Upload-Concat", list);
  if (!metadata.empty()) headers.add("Upload-Metadata", metadata);
  return post(headers);
}

Result<std::uint64_t> UploadApi::offset(const std::string& target) {
  http::ClientRequest request;
  request.method = "HEAD";
  request.target = target;
  STRATA_TRY(const http::ClientResponse response, call(std::move(request)));
  return offset_of(response.head);
}

Result<std::uint64_t> UploadApi::append(const std::string& target, std::uint64_t offset,
                                        std::uint64_t length, Source source) {
  http::ClientRequest request;
  request.method = "PATCH";
  request.target = target;
  request.headers.add("Content-Type", kContentType);
  request.headers.add("Upload-Offset", std::to_string(offset));
  request.length = length;
  request.source = std::move(source);
  STRATA_TRY(const http::ClientResponse response, call(std::move(request)));
  return offset_of(response.head);
}

Result<UploadStatus> UploadApi::status(const std::string& target) {
  http::ClientRequest request;
  request.target = target;
  STRATA_TRY(const http::ClientResponse response, call(std::move(request)));
  return parse_upload_status(response.body);
}

Status UploadApi::remove(const std::string& target) {
  http::ClientRequest request;
  request.method = "DELETE";
  request.target = target;
  const auto response = call(std::move(request));
  return response ? Status() : response.error();
}

}  // namespace strata::client
