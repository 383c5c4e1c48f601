#include <algorithm>
#include <boost/asio/this_coro.hpp>

#include "storage/service/image_upload.h"
#include "storage/service/responses.h"
#include "storage/service/upload_protocols.h"
#include "strata/base/text.h"
#include "strata/http/digest_fields.h"
#include "strata/http/problem.h"
#include "strata/http/structured_fields.h"

namespace strata::storage::ietf {
namespace {

constexpr std::string_view kPartialType = "application/partial-upload";

// What a request of this protocol says of itself. `interop` is 0 for the rules of draft -12, else
// the version that a shipped client speaks: 3 = draft -01, 4 = -02, 5 = -03, 6 = -04 and -05,
// 7 = -06, 8 = -09.
struct Dialect {
  std::uint64_t interop = 0;
  bool complete = false;  // this request's content is the last

  // Draft -01 asked the opposite.
  [[nodiscard]] bool inverted() const { return interop == 3; }
  // Before interop 6 an append had any media type.
  [[nodiscard]] bool wants_partial_type() const { return interop == 0 || interop >= 6; }
};

std::uint64_t interop_of(const http::Headers& headers) {
  const auto text = headers.joined("Upload-Draft-Interop-Version");
  const auto version =
      text ? http::parse_integer_item(*text) : Result<std::uint64_t>(Error(Errc::kMalformed, ""));
  return version && *version >= 3 && *version <= 8 ? *version : 0;
}

Result<Dialect> dialect_of(const http::Headers& headers) {
  Dialect dialect{interop_of(headers), false};
  const std::string_view name = dialect.inverted() ? "Upload-Incomplete" : "Upload-Complete";
  const auto field = headers.joined(name);
  if (!field) return Error(Errc::kMalformed, std::string(name) + " is missing: it is ?1 or ?0");
  const auto value = http::parse_boolean_item(*field);
  if (!value) return value.error().in(name);
  dialect.complete = *value != dialect.inverted();
  return dialect;
}

// What a request says of the length of the whole: by Upload-Length, and by where its last part
// ends.
struct Lengths {
  std::optional<std::uint64_t> announced, end;
  [[nodiscard]] bool agree() const { return !announced || !end || *announced == *end; }
  [[nodiscard]] std::optional<std::uint64_t> either() const { return announced ? announced : end; }
};

Result<Lengths> lengths_of(const http::Request& request, const Dialect& dialect,
                           std::uint64_t offset) {
  Lengths lengths;
  if (const auto field = request.head.headers.joined("Upload-Length")) {
    const auto value = http::parse_integer_item(*field);
    if (!value) return value.error().in("Upload-Length");
    lengths.announced = *value;
  }
  const auto content = request.body.length();
  if (dialect.complete && content) lengths.end = offset + *content;
  return lengths;
}

std::string upload_limit(const Limits& limits) {
  return http::integer_dictionary(
      {{"max-size", limits.stored_bytes_max},
       {"max-age", static_cast<std::uint64_t>(limits.upload_idle_max.count())}});
}

class Answer {
 public:
  Answer(const http::Request& request, const Services& services)
      : request_(request), services_(services), interop_(interop_of(request.head.headers)) {}

  void add_dialect(http::Headers& headers) const {
    if (interop_ == 0) return;
    headers.set("Upload-Draft-Interop-Version", std::to_string(interop_));
  }
  void add_complete(http::Headers& headers, bool complete) const {
    if (interop_ == 3) {
      headers.set("Upload-Incomplete", http::boolean_item(!complete));
    } else {
      headers.set("Upload-Complete", http::boolean_item(complete));
    }
  }
  void add_offset(http::Headers& headers, std::uint64_t offset) const {
    headers.set("Upload-Offset", http::integer_item(offset));
  }
  [[nodiscard]] http::Response make(int status) const {
    http::Response response;
    response.status = status;
    response.headers.set("Cache-Control", "no-store");
    add_dialect(response.headers);
    return response;
  }
  [[nodiscard]] http::Response problem(const Error& error,
                                       const http::ProblemExtras& extras = {}) const {
    http::Response response = problem_response(error, request_.id);
    response.body = http::problem_json(error, request_.id, extras);
    add_dialect(response.headers);
    if (response.status == 413) {
      response.headers.set("Upload-Limit", upload_limit(services_.config.limits));
    }
    return response;
  }
  // An error of an append, with what the client needs to go on.
  [[nodiscard]] http::Response append_problem(const Error& raw, const SessionPointer& session,
                                              std::uint64_t provided) const;

 private:
  const http::Request& request_;
  const Services& services_;
  const std::uint64_t interop_;
};

http::Response Answer::append_problem(const Error& raw, const SessionPointer& session,
                                      std::uint64_t provided) const {
  Error error = append_error(raw, services_);
  const auto view = session->view();
  http::ProblemExtras extras;
  if (error.code() == Errc::kOffsetMismatch) {
    extras.type = http::kMismatchingOffsetType;
    extras.members = {{"expected-offset", view.offset}, {"provided-offset", provided}};
  }
  if (error.code() == Errc::kGone) extras.type = http::kCompletedUploadType;
  if (error.code() == Errc::kChecksumMismatch) {  // 460 is of tus
    error = Error(Errc::kDigestMismatch, error.detail());
  }
  http::Response response = problem(error, extras);
  add_offset(response.headers, view.offset);
  add_complete(response.headers, view.state == upload::SessionState::kFailed ||
                                     view.state == upload::SessionState::kComplete);
  return response;
}

// filename="..." or filename*=UTF-8''... (RFC 6266); empty when there is none.
std::string filename_of(const http::Headers& headers) {
  std::string name;
  for (const std::string_view part :
       split(headers.get("Content-Disposition").value_or(std::string_view()), ';')) {
    std::string_view parameter = trim(part);
    constexpr std::string_view kPlain = "filename=";
    constexpr std::string_view kExtended = "filename*=UTF-8''";
    if (parameter.size() > kExtended.size() &&
        iequals(parameter.substr(0, kExtended.size()), kExtended)) {
      if (auto decoded = percent_decode(parameter.substr(kExtended.size()))) return *decoded;
    }
    if (!iequals(parameter.substr(0, kPlain.size()), kPlain)) continue;
    parameter.remove_prefix(kPlain.size());
    if (parameter.size() >= 2 && parameter.front() == '"' && parameter.back() == '"') {
      parameter = parameter.substr(1, parameter.size() - 2);
    }
    name.clear();
    for (std::size_t i = 0; i < parameter.size(); ++i) {
      if (parameter[i] == '\\' && i + 1 < parameter.size()) ++i;
      name += parameter[i];
    }
  }
  return name;
}

template <typename D>
void add_digest(UploadDescription& description, const std::optional<D>& digest) {
  if (!digest) return;
  const std::string key(algorithm_name(D::kAlgorithm));
  const std::pair<std::string, std::string> pair(key, digest->hex());
  auto& all = description.parameters;
  if (std::find(all.begin(), all.end(), pair) == all.end()) all.push_back(pair);
}

struct Creation {
  upload::Uploads::Creation session;
  Dialect dialect;
  bool lengths_agree = true;  // false: the rest is not filled in
};

Result<Creation> check_creation(const http::Request& request, const Principal& principal,
                                const std::string& filename, const Services& services) {
  const http::Headers& headers = request.head.headers;
  Creation creation;
  STRATA_TRY(creation.dialect, dialect_of(headers));
  const auto coding = headers.joined("Content-Encoding");
  if (coding && !iequals(*coding, "identity")) {
    return Error(Errc::kUnsupportedMedia,
                 "Content-Encoding is not taken: send the bytes that are to be stored");
  }
  creation.session.owner = principal.id;
  STRATA_TRY(const Lengths lengths, lengths_of(request, creation.dialect, 0));
  creation.lengths_agree = lengths.agree();
  if (!creation.lengths_agree) return creation;
  creation.session.length = lengths.either();
  UploadDescription description;
  description.parameters = request.head.query;
  if (const auto value = headers.joined("Repr-Digest")) {
    const auto digests = http::parse_digest_field(*value);
    if (!digests) return digests.error().in("Repr-Digest");
    add_digest(description, digests->sha1);
    add_digest(description, digests->sha256);
    add_digest(description, digests->sha512);
  }
  STRATA_TRY(UploadParameters parameters,
             parse_upload_parameters(description.parameters, services.config.limits));
  if (parameters.name.empty()) {
    std::string name = filename.empty() ? filename_of(headers) : filename;
    if (name.empty()) name = "unnamed";
    const Status good = check_name(name, services.config.limits);
    if (!good) return good.error();
    description.parameters.emplace_back("filename", std::move(name));
  }
  const auto& promised = parameters.stored.bytes;
  if (creation.session.length && promised && *promised != *creation.session.length) {
    return Error(Errc::kSizeMismatch, "the length is " + std::to_string(*creation.session.length) +
                                          ", the parameter bytes says " +
                                          std::to_string(*promised));
  }
  creation.session.description = to_text(description);
  return creation;
}

Result<std::optional<digest::Algorithms>> read_digest(const http::Headers& headers,
                                                      RequestSource& source) {
  const auto value = headers.joined("Content-Digest");
  if (value) {
    const auto expected = http::parse_digest_field(*value);
    if (!expected) return expected.error().in("Content-Digest");
    if (expected->empty()) return std::optional<digest::Algorithms>();  // others are ignored
    source.expect(*expected);
    return std::optional(algorithms_of(*expected));
  }
  return std::optional<digest::Algorithms>();
}

http::Awaitable<Result<std::uint64_t>> take_content(Services& services, http::Request& request,
                                                    const SessionPointer& session,
                                                    upload::Uploads::Append append) {
  const Answer answer(request, services);
  // Each new durable offset is told while the content comes (104, "Upload Resumption Supported").
  RequestSource source(request, services, [&](std::uint64_t offset) -> http::Awaitable<Status> {
    http::Headers progress;
    answer.add_dialect(progress);
    answer.add_offset(progress, offset);
    co_return co_await request.body.send_interim(104, progress);
  });
  STRATA_CO_TRY(append.verified_by, read_digest(request.head.headers, source));
  append.bytes = request.body.length();
  const auto executor = co_await boost::asio::this_coro::executor;
  STRATA_CO_TRY(const auto hold, co_await session->hold(source.interrupt(executor)));
  co_return co_await services.uploads->append(hold, append, source);
}

// The answer to the last append: what a plain upload would have been answered with.
http::Awaitable<http::Response> finished(Services& services, const http::Request& request,
                                         const SessionPointer& session) {
  const Answer answer(request, services);
  const Status done = co_await services.uploads->completion(session);
  if (!done) {
    http::Response response = answer.problem(append_error(done.error(), services));
    // The upload is over, and this is what became of it; but for what can be tried again.
    answer.add_complete(response.headers, session->view().state == upload::SessionState::kFailed);
    answer.add_offset(response.headers, session->view().offset);
    co_return response;
  }
  const ImageId image = session->view().record.image;
  const auto json = co_await image_of_upload(services, image);
  if (!json) co_return answer.problem(json.error());
  http::Response response = json_response(201, *json);
  answer.add_dialect(response.headers);
  answer.add_complete(response.headers, true);
  answer.add_offset(response.headers, session->view().offset);
  response.headers.set("Location", services.public_url + "/v1/images/" + image.text());
  response.headers.set("Strata-Image", image.text());
  if (const auto want = request.head.headers.joined("Want-Repr-Digest")) {
    const auto found =
        co_await http::run_on(services.disk, [&] { return services.catalog.get(image); });
    const auto algorithms = http::parse_want_digest(*want);
    if (found) {
      response.headers.set(
          "Repr-Digest", algorithms.empty() ? http::repr_digest(found->content.stored)
                                            : http::repr_digest(found->content.stored, algorithms));
    }
  }
  co_return response;
}

// The client and we speak of different uploads: nothing good can come of this one (draft -12,
// "Upload Append").
http::Awaitable<http::Response> cancel_inconsistent(Services& services,
                                                    const http::Request& request,
                                                    const SessionPointer& session) {
  const Answer answer(request, services);
  const Status removed = co_await services.uploads->remove(session);
  if (!removed) co_return answer.problem(removed.error());
  co_return answer.problem(
      Error(Errc::kMalformed,
            "this request contradicts the length of the upload, which is cancelled"),
      {std::string(http::kInconsistentLengthType), {}});
}

// This protocol has no words for a part of a concatenation, whose end is no image, nor for what is
// still being joined, which has no offset.
Status check_plain(const upload::Session& session) {
  if (session.summary().kind == upload::Kind::kPlain) return {};
  return Error(Errc::kConflict,
               "this upload is part of a concatenation of tus: send Tus-Resumable: 1.0.0");
}

bool has_all(const upload::SessionView& view) {
  return view.record.length == view.offset && view.state != upload::SessionState::kFailed;
}

}  // namespace

bool speaks(const http::RequestHead& head) {
  return head.headers.get("Upload-Complete").has_value() ||
         head.headers.get("Upload-Incomplete").has_value() ||
         head.headers.get("Upload-Draft-Interop-Version").has_value();
}

void add_options(http::Headers& headers, const Limits& limits) {
  headers.set("Accept-Patch", kPartialType);
  headers.set("Upload-Limit", upload_limit(limits));
}

http::Awaitable<http::Response> create(Services& services, http::Request& request,
                                       const Principal& principal, const std::string& filename) {
  const Answer answer(request, services);
  auto creation = check_creation(request, principal, filename, services);
  if (!creation) co_return answer.problem(creation.error());
  if (!creation->lengths_agree) {
    co_return answer.problem(
        Error(Errc::kMalformed, "Upload-Length is not the length of this complete content"),
        {std::string(http::kInconsistentLengthType), {}});
  }
  const Dialect dialect = creation->dialect;
  auto session = co_await services.uploads->create(std::move(creation->session));
  if (!session) co_return answer.problem(append_error(session.error(), services));
  const std::string location = upload_url(services, **session);
  const std::string limit = upload_limit(services.config.limits);
  if (request.head.minor_version >= 1) {
    http::Headers interim;
    answer.add_dialect(interim);
    interim.set("Location", location);
    interim.set("Upload-Limit", limit);
    const Status sent = co_await request.body.send_interim(104, interim);
    if (!sent) co_return answer.problem(append_error(sent.error(), services));
  }
  upload::Uploads::Append append;
  append.last = dialect.complete;
  std::optional<Error> failed;
  if (request.body.length() != 0u || dialect.complete) {
    if ((*session)->view().record.length != 0u) {
      const auto reached = co_await take_content(services, request, *session, append);
      if (!reached) failed = reached.error();
    }
  }
  const auto view = (*session)->view();
  if (!failed && dialect.complete) {
    if (!has_all(view)) co_return co_await cancel_inconsistent(services, request, *session);
    co_return co_await finished(services, request, *session);
  }
  http::Response response = failed ? answer.append_problem(*failed, *session, 0) : answer.make(201);
  if (!failed) {
    answer.add_complete(response.headers, false);
    answer.add_offset(response.headers, view.offset);
  }
  response.headers.set("Location", location);
  response.headers.set("Upload-Limit", limit);
  co_return response;
}

http::Awaitable<http::Response> head(Services& services, http::Request& request,
                                     const SessionPointer& session) {
  const Answer answer(request, services);
  if (const Status plain = check_plain(*session); !plain) co_return answer.problem(plain.error());
  const auto view = co_await services.uploads->settled(session);
  if (!view) co_return answer.problem(view.error());
  if (view->state == upload::SessionState::kFailed) {
    co_return answer.problem(Error(Errc::kGone, view->error->detail()));
  }
  http::Response response = answer.make(204);
  answer.add_offset(response.headers, view->offset);
  answer.add_complete(response.headers, has_all(*view));
  if (view->record.length) {
    response.headers.set("Upload-Length", http::integer_item(*view->record.length));
  }
  response.headers.set("Upload-Limit", upload_limit(services.config.limits));
  if (view->state == upload::SessionState::kComplete) {
    response.headers.set("Strata-Image", view->record.image.text());
  }
  co_return response;
}

http::Awaitable<http::Response> patch(Services& services, http::Request& request,
                                      const SessionPointer& session) {
  const Answer answer(request, services);
  if (const Status plain = check_plain(*session); !plain) co_return answer.problem(plain.error());
  const http::Headers& headers = request.head.headers;
  const auto dialect = dialect_of(headers);
  if (!dialect) co_return answer.problem(dialect.error());
  const auto type = headers.get("Content-Type").value_or("");
  if (dialect->wants_partial_type() &&
      !iequals(trim(type.substr(0, type.find(';'))), kPartialType)) {
    co_return answer.problem(
        Error(Errc::kUnsupportedMedia, "Content-Type must be " + std::string(kPartialType)));
  }
  const auto offset_field = headers.joined("Upload-Offset");
  const auto offset = offset_field
                          ? http::parse_integer_item(*offset_field)
                          : Result<std::uint64_t>(Error(Errc::kMalformed, "it is missing"));
  if (!offset) co_return answer.problem(offset.error().in("Upload-Offset"));
  const auto before = session->view();
  http::ProblemExtras inconsistent{std::string(http::kInconsistentLengthType), {}};
  if (before.state == upload::SessionState::kComplete ||
      before.state == upload::SessionState::kVerifying) {
    if (request.body.length() != 0u) {
      co_return answer.problem(
          Error(Errc::kMalformed, "the upload is complete and takes no more bytes"), inconsistent);
    }
    // An empty last append asks again for an answer that was lost.
    if (dialect->complete && *offset == before.offset) {
      co_return co_await finished(services, request, session);
    }
    co_return answer.append_problem(Error(Errc::kGone, "the upload is complete"), session, *offset);
  }
  upload::Uploads::Append append;
  append.offset = *offset;
  append.last = dialect->complete;
  const auto lengths = lengths_of(request, *dialect, *offset);
  if (!lengths) co_return answer.problem(lengths.error());
  const auto length = lengths->either();
  const auto known = before.record.length;
  const auto content = request.body.length();
  const bool at_place = *offset == before.offset;
  const bool too_long = known && content && at_place && *content > *known - *offset;
  if (!lengths->agree() || (at_place && known && length && *length != *known) || too_long) {
    co_return co_await cancel_inconsistent(services, request, session);
  }
  append.length = length;
  const auto reached = co_await take_content(services, request, session, append);
  if (!reached) co_return answer.append_problem(reached.error(), session, *offset);
  if (dialect->complete && !has_all(session->view())) {
    co_return co_await cancel_inconsistent(services, request, session);
  }
  // Clients that do not know where their file ends say ?0 with the last part, too.
  if (has_all(session->view())) co_return co_await finished(services, request, session);
  http::Response response = answer.make(204);
  answer.add_complete(response.headers, false);
  answer.add_offset(response.headers, *reached);
  co_return response;
}

http::Awaitable<http::Response> remove(Services& services, http::Request& request,
                                       const SessionPointer& session) {
  const Answer answer(request, services);
  const Status removed = co_await services.uploads->remove(session);
  if (!removed) co_return answer.problem(removed.error());
  co_return answer.make(204);
}

}  // namespace strata::storage::ietf
