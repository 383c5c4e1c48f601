#include "storage/service/registrar.h"

#include <algorithm>
#include <boost/json.hpp>
#include <optional>

#include "storage/service/image_document.h"
#include "strata/base/log.h"
#include "strata/http/problem.h"

namespace strata::storage {
namespace {

using catalog::Registration;

constexpr std::size_t kBatch = 64;
constexpr UnixMillis kLookAgainMillis = 60'000;  // even when nobody wakes us

bool is_announced(const catalog::Image& image, RegisterMode mode) {
  return mode == RegisterMode::kAll ||
         (mode == RegisterMode::kPublic && image.visibility == catalog::Visibility::kPublic);
}

// A tenth of what registries allow: the rest is for clocks that differ.
UnixMillis created_ahead_max(const Limits& limits) {
  return std::chrono::milliseconds(limits.created_skew).count() / 10;
}

// The problem type of an error answer, e.g. "not-newer".
std::string problem_type(const http::ClientResponse& response) {
  boost::system::error_code failed;
  const auto value = boost::json::parse(response.body, failed);
  if (failed || !value.is_object()) return {};
  const auto* type = value.get_object().if_contains("type");
  return type != nullptr && type->is_string() ? std::string(type->get_string()) : std::string();
}

}  // namespace

Registrar::Registrar(Options options, catalog::Catalog& catalog, Clock& clock,
                     const metadata::Endorser& endorser, ServiceMetrics& counts)
    : options_(std::move(options)),
      catalog_(catalog),
      clock_(clock),
      endorser_(endorser),
      counts_(counts),
      client_(options_.registry, http::ClientOptions{}, stopping_.get_token()) {}

Registrar::~Registrar() {
  stopping_.request_stop();
}

Status Registrar::adopt_unannounced() {
  std::optional<std::string> cursor;
  do {
    STRATA_TRY(const auto page, catalog_.list({}, options_.limits.page_size_max, cursor));
    for (const catalog::Image& image : page.images) {
      if (!is_announced(image, options_.mode)) continue;
      STRATA_TRY(const auto record, catalog_.registration(image.content.decoded.sha256));
      const bool settled = record && (record->done < record->wanted || !record->entry_url.empty());
      if (settled) continue;
      if (const Status status = catalog_.put(image, true); !status) return status;
    }
    cursor = page.cursor;
  } while (cursor);
  return {};
}

void Registrar::start() {
  thread_ = std::jthread([this](const std::stop_token& stop) { run(stop); });
}

void Registrar::wake() {
  {
    const std::lock_guard lock(mutex_);
    woken_ = true;
  }
  changed_.notify_one();
}

void Registrar::run(const std::stop_token& stop) {
  while (!stop.stop_requested()) {
    const UnixMillis wait = std::max<UnixMillis>(1, drain_due() - clock_.now());
    std::unique_lock lock(mutex_);
    changed_.wait_for(lock, stop, std::chrono::milliseconds(wait), [this] { return woken_; });
    woken_ = false;
  }
}

UnixMillis Registrar::drain_due() {
  const UnixMillis later = clock_.now() + kLookAgainMillis;
  const auto due = catalog_.due_registrations(clock_.now(), kBatch);
  if (!due) {
    log::error("outbox.unreadable", {{"error", due.error().message()}});
    return later;
  }
  for (const Registration& registration : *due) {
    if (stopping_.stop_requested()) break;
    attempt(registration);
  }
  if (const auto depth = catalog_.outbox_depth()) {
    counts_.outbox_depth.set(static_cast<std::int64_t>(*depth));
    // Waiting ones become due within their back-off.
    if (*depth > 0) return clock_.now() + options_.limits.outbox_retry_first.count();
  }
  return later;
}

void Registrar::attempt(Registration registration) {
  if (registration.document.empty() || registration.document_for != registration.wanted) {
    // A burst of changes dates its entries ahead of the clock, one second each; a registry refuses
    // what is created_skew ahead for good. So the rest of the burst waits and becomes one entry.
    const UnixMillis ahead = created_ahead_max(options_.limits);
    if (registration.last_created + 1000 > clock_.now() + ahead) {
      registration.next_attempt = registration.last_created + 1000 - ahead;
      return save(registration);
    }
    auto document = make_document(registration);
    if (!document && document.error().info().retryable) {
      return retry_later(registration, document.error());
    }
    if (!document) return fail(registration, document.error());
    if (!*document) {
      registration.done = registration.wanted;
      registration.state = Registration::State::kRegistered;
      return save(registration);
    }
    registration.document = std::move(**document);
    registration.document_for = registration.wanted;
    save(registration);
  }
  post(registration);
}

Result<std::optional<std::string>> Registrar::make_document(Registration& registration) {
  STRATA_TRY(std::vector<catalog::Image> images, catalog_.images_of_content(registration.content));
  const bool announced = std::any_of(images.begin(), images.end(), [this](const auto& image) {
    return is_announced(image, options_.mode);
  });
  if (!announced && registration.document.empty()) return std::optional<std::string>();
  const UnixMillis now = clock_.now();
  std::string unsigned_document;
  if (announced) {
    unsigned_document = metadata::build(describe_content(images, options_.public_url, now));
  } else if (!images.empty()) {
    // Only private ones are left: what was public of this content is not repeated.
    auto private_content = describe_content(images, options_.public_url, now);
    unsigned_document = metadata::build(withdraw_content(std::move(private_content)));
  } else {
    STRATA_TRY(auto previous, metadata::parse(registration.document));
    // Words that the registry never confirmed may have become private before they could be posted.
    if (registration.done == 0) previous = without_words(previous);
    unsigned_document = metadata::build(withdraw_content(std::move(previous)));
  }
  const UnixMillis created = std::max(
      now - now % 1000, registration.last_created == 0 ? 0 : registration.last_created + 1000);
  STRATA_TRY(std::string document, metadata::sign(unsigned_document, endorser_, created));
  registration.last_created = created;
  return std::optional<std::string>(std::move(document));
}

void Registrar::post(Registration& registration) {
  http::ClientRequest request;
  request.method = "POST";
  request.target =
      options_.registry.target == "/" ? "/metadata" : options_.registry.target + "/metadata";
  request.headers.add("Content-Type", "application/rdf+xml");
  request.headers.add("Accept", "application/json");
  request.body = registration.document;
  const auto response = client_.send(request);
  if (!response) return retry_later(registration, response.error());
  const int status = response->head.status;
  if (status == 200 || status == 201 || status == 202) {
    const auto location = response->head.headers.get("Location");
    const auto url = location ? options_.registry.resolve(*location)
                              : Result<http::Url>(Error(Errc::kMalformed, "no Location"));
    return succeed(registration, url ? url->text() : std::string());
  }
  const Error error = http::error_from_response(
      status, response->head.headers.get("Content-Type").value_or(""), response->body);
  if (status == 409 && problem_type(*response) != "collision") {
    // Somebody has a newer entry of ours (a restored catalogue): sign again, with a later date.
    registration.document_for = 0;
    return retry_later(registration, error);
  }
  if (status >= 500 || status == 408 || status == 429) return retry_later(registration, error);
  fail(registration, error);
}

void Registrar::succeed(Registration& registration, std::string entry_url) {
  registration.done = registration.document_for;
  registration.state = Registration::State::kRegistered;
  registration.entry_url = std::move(entry_url);
  registration.error.clear();
  registration.attempts = 0;
  registration.next_attempt = 0;
  counts_.registrations.add();
  log::info("registration.accepted",
            {{"content", registration.content.hex()}, {"entry", registration.entry_url}});
  save(registration);
}

void Registrar::fail(Registration& registration, const Error& error) {
  registration.state = Registration::State::kFailed;
  registration.error = error.message();
  counts_.registrations_failed.add();
  log::error("registration.refused",
             {{"content", registration.content.hex()}, {"error", registration.error}});
  save(registration);
}

void Registrar::retry_later(Registration& registration, const Error& error) {
  registration.state = Registration::State::kPending;
  registration.error = error.message();
  const auto shift = std::min<std::uint32_t>(registration.attempts, 16);
  const UnixMillis delay = std::min<UnixMillis>(options_.limits.outbox_retry_first.count() << shift,
                                                options_.limits.outbox_retry_max.count());
  registration.next_attempt = clock_.now() + delay;
  if (registration.attempts++ == 0) {
    log::warn("registration.delayed",
              {{"content", registration.content.hex()}, {"error", registration.error}});
  }
  save(registration);
}

void Registrar::save(const Registration& registration) {
  if (const Status status = catalog_.update_registration(registration); !status) {
    log::error("outbox.unwritable", {{"error", status.error().message()}});
  }
}

}  // namespace strata::storage
