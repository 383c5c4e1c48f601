#include "storage/service/registrar.h"

#include <algorithm>
#include <boost/json.hpp>
#include <optional>

#include "storage/service/content_policy.h"
#include "storage/service/image_document.h"
#include "strata/base/log.h"
#include "strata/http/problem.h"

namespace strata::storage {
namespace {

using catalog::Registration;

constexpr std::size_t kBatch = 64;
constexpr UnixMillis kLookAgainMillis = 60'000;  // even when nobody wakes us
constexpr const char* kConfirmationNeeded =
    "confirmation-needed: the registry has asked the endorser by e-mail; the entry is there when "
    "the link in that message was followed";

bool is_announced(const catalog::Image& image, RegisterMode mode) {
  return mode == RegisterMode::kAll ||
         (mode == RegisterMode::kPublic && image.visibility == catalog::Visibility::kPublic);
}

// A tenth of what registries allow: the rest is for clocks that differ.
UnixMillis created_ahead_max(const Limits& limits) {
  return std::chrono::milliseconds(limits.created_skew).count() / 10;
}

// Whether a document offers the image. Of a private one it says only that the content exists.
bool tells_of(std::string_view document, const catalog::Image& image) {
  if (image.visibility == catalog::Visibility::kPublic) {
    return document.find("/v1/images/" + image.id.text() + "/decoded") != std::string_view::npos;
  }
  // A '<' within a value is escaped, so this is the element or nothing.
  return document.find(":deprecated>") == std::string_view::npos;
}

// The path under which the registry has a document once it is published.
Result<std::string> entry_path(const std::string& document) {
  STRATA_TRY(const auto metadata, metadata::parse(document));
  if (!metadata.endorsement) return Error(Errc::kCorruptData, "a kept document is not signed");
  return metadata::EntryKey{metadata.identifier, metadata.endorsement->email,
                            metadata.endorsement->created}
      .path();
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

Status Registrar::review() {
  if (options_.policy != nullptr) {
    const auto policy = options_.policy->get();
    if (policy != nullptr && policy->denied()) return {};
  }
  std::optional<std::string> cursor;
  do {
    STRATA_TRY(const auto page, catalog_.list({}, options_.limits.page_size_max, cursor));
    for (const catalog::Image& image : page.images) {
      if (stopping_.stop_requested()) return {};
      if (!is_announced(image, options_.mode)) continue;
      STRATA_TRY(const auto record, catalog_.registration(image.content.decoded.sha256));
      Registration registration = record.value_or(Registration{});
      registration.content = image.content.decoded.sha256;
      STRATA_TRY(const bool wrong, is_told_wrongly(image, registration));
      if (!wrong) continue;
      // Only this thread writes progress, and a change that raised it meanwhile is the same change.
      ++registration.wanted;
      registration.state = Registration::State::kPending;
      registration.attempts = 0;
      registration.next_attempt = 0;
      if (Status status = catalog_.update_registration(registration); !status) return status;
    }
    cursor = page.cursor;
  } while (cursor);
  return {};
}

Result<bool> Registrar::is_told_wrongly(const catalog::Image& image,
                                        const Registration& registration) const {
  const bool settled = registration.done >= registration.wanted;
  // One whose document is not made yet is judged when its turn comes.
  if (!settled && registration.document_for != registration.wanted) return false;
  const bool told =
      (!settled || !registration.entry_url.empty()) && tells_of(registration.document, image);
  if (options_.policy == nullptr) return !told;
  const Status allowed = allow_publication(*options_.policy, image.content);
  if (!allowed && allowed.error().code() != Errc::kForbidden) return allowed.error();
  return told != allowed.has_value();
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

void Registrar::policy_changed() {
  {
    const std::lock_guard lock(mutex_);
    woken_ = review_due_ = true;
  }
  changed_.notify_one();
}

void Registrar::run(const std::stop_token& stop) {
  while (!stop.stop_requested()) {
    bool review_due = false;
    {
      const std::lock_guard lock(mutex_);
      std::swap(review_due, review_due_);
    }
    if (review_due) {
      if (const Status status = review(); !status) {
        log::error("registrations.not_reviewed", {{"error", status.error().message()}});
      }
    }
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
  if (registration.state == Registration::State::kAsked &&
      registration.document_for == registration.wanted) {
    return look_for_entry(registration);
  }
  registration.state = Registration::State::kPending;
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

Result<std::vector<catalog::Image>> Registrar::allowed_images(
    std::vector<catalog::Image> images) const {
  if (options_.policy == nullptr) return images;
  std::vector<catalog::Image> allowed;
  for (catalog::Image& image : images) {
    const Status status = allow_publication(*options_.policy, image.content);
    if (status) {
      allowed.push_back(std::move(image));
    } else if (status.error().code() != Errc::kForbidden) {
      return status.error();
    }
  }
  return allowed;
}

Result<std::optional<std::string>> Registrar::make_document(Registration& registration) {
  STRATA_TRY(const std::vector<catalog::Image> all,
             catalog_.images_of_content(registration.content));
  STRATA_TRY(const std::vector<catalog::Image> images, allowed_images(all));
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
    unsigned_document = metadata::build(
        all.empty() ? withdraw_content(std::move(previous))
                    : withdraw_content(std::move(previous), "withdrawn by its site"));
  }
  const UnixMillis created = std::max(
      now - now % 1000, registration.last_created == 0 ? 0 : registration.last_created + 1000);
  STRATA_TRY(std::string document, metadata::sign(unsigned_document, endorser_, created));
  registration.last_created = created;
  return std::optional<std::string>(std::move(document));
}

http::ClientRequest Registrar::request_for(std::string_view method, const std::string& path) const {
  http::ClientRequest request;
  request.method = method;
  request.target = (options_.registry.target == "/" ? "" : options_.registry.target) + path;
  request.headers.add("Accept", "application/json");
  return request;
}

void Registrar::post(Registration& registration) {
  http::ClientRequest request = request_for("POST", "/metadata");
  request.headers.add("Content-Type", "application/rdf+xml");
  request.body = registration.document;
  const auto response = client_.send(request);
  if (!response) return retry_later(registration, response.error());
  const int status = response->head.status;
  if (status == 202) return wait_for_confirmation(registration);
  if (status == 200 || status == 201) {
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

// Not sent again: the endorser has been asked, and may have said no. Who wants another e-mail asks
// for it (POST .../registration).
void Registrar::wait_for_confirmation(Registration& registration) {
  registration.state = Registration::State::kAsked;
  registration.attempts = 0;
  back_off(registration, kConfirmationNeeded);
}

void Registrar::look_for_entry(Registration& registration) {
  const auto path = entry_path(registration.document);
  if (!path) return fail(registration, path.error());
  const http::ClientRequest request = request_for("GET", *path);
  const auto response = client_.send(request);
  if (!response) return retry_later(registration, response.error());
  if (response->head.status == 200) {
    return succeed(registration, options_.registry.origin() + request.target);
  }
  if (response->head.status == 404) return back_off(registration, kConfirmationNeeded);
  retry_later(registration,
              http::error_from_response(response->head.status,
                                        response->head.headers.get("Content-Type").value_or(""),
                                        response->body));
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
  back_off(registration, error.message());
}

void Registrar::back_off(Registration& registration, std::string why) {
  registration.error = std::move(why);
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
