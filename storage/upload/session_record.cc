#include "storage/upload/session_record.h"

#include <boost/json.hpp>

#include "storage/blob/json_fields.h"

namespace strata::upload {
namespace {

using blob::JsonFields;

constexpr std::uint64_t kVersion = 1;
constexpr std::array<std::string_view, 3> kKinds = {"plain", "partial", "final"};
constexpr std::string_view kSessionWhat = "the record of an upload";
constexpr std::string_view kOutcomeWhat = "the outcome of an upload";

Result<RandomId> token_of(const JsonFields& fields, const boost::json::value& value) {
  if (!value.is_string()) return fields.damaged("token");
  return RandomId::parse(std::string_view(value.get_string()));
}

bool flag(const boost::json::object& object, std::string_view key) {
  const auto* value = object.if_contains(key);
  return value != nullptr && value->is_bool() && value->get_bool();
}

}  // namespace

std::string to_json(const SessionRecord& record) {
  boost::json::object object = {{"version", kVersion},
                                {"kind", kKinds[static_cast<std::size_t>(record.kind)]},
                                {"owner", record.owner},
                                {"created", record.created},
                                {"image", record.image.text()},
                                {"blob", record.blob.text()},
                                {"description", record.description},
                                {"digested", record.digested},
                                {"absorbed", record.absorbed}};
  if (record.length) object["length"] = *record.length;
  if (record.final) object["final"] = record.final->text();
  if (!record.parts.empty()) {
    boost::json::array parts;
    for (const RandomId& part : record.parts) parts.emplace_back(part.text());
    object["parts"] = std::move(parts);
  }
  return boost::json::serialize(object);
}

Result<SessionRecord> session_from_json(std::string_view text) {
  STRATA_TRY(const auto object, blob::parse_json_object(text, kSessionWhat));
  const JsonFields fields(object, kSessionWhat);
  if (auto known = fields.check_version(kVersion); !known) return known.error();
  SessionRecord record;
  STRATA_TRY(const std::string kind, fields.string("kind"));
  const auto* const found = std::find(kKinds.begin(), kKinds.end(), kind);
  if (found == kKinds.end()) return fields.damaged("kind");
  record.kind = static_cast<Kind>(found - kKinds.begin());
  STRATA_TRY(record.owner, fields.string("owner"));
  STRATA_TRY(record.created, fields.number("created"));
  STRATA_TRY(const std::string image, fields.string("image"));
  STRATA_TRY(record.image, ImageId::parse(image));
  STRATA_TRY(const std::string blob, fields.string("blob"));
  STRATA_TRY(record.blob, BlobId::parse(blob));
  STRATA_TRY(record.description, fields.string("description"));
  record.digested = flag(object, "digested");
  record.absorbed = flag(object, "absorbed");
  if (object.contains("length")) {
    STRATA_TRY(record.length, fields.unsigned_number("length"));
  }
  if (const auto* final = object.if_contains("final")) {
    STRATA_TRY(record.final, token_of(fields, *final));
  }
  if (const auto* parts = object.if_contains("parts")) {
    if (!parts->is_array()) return fields.damaged("parts");
    for (const auto& part : parts->get_array()) {
      STRATA_TRY(const RandomId token, token_of(fields, part));
      record.parts.push_back(token);
    }
  }
  return record;
}

std::string to_json(const OutcomeRecord& record) {
  return boost::json::serialize(boost::json::object{{"version", kVersion},
                                                    {"complete", record.complete},
                                                    {"error_type", record.error_type},
                                                    {"error_detail", record.error_detail},
                                                    {"ended", record.ended}});
}

Result<OutcomeRecord> outcome_from_json(std::string_view text) {
  STRATA_TRY(const auto object, blob::parse_json_object(text, kOutcomeWhat));
  const JsonFields fields(object, kOutcomeWhat);
  if (auto known = fields.check_version(kVersion); !known) return known.error();
  OutcomeRecord record;
  record.complete = flag(object, "complete");
  STRATA_TRY(record.error_type, fields.string("error_type"));
  STRATA_TRY(record.error_detail, fields.string("error_detail"));
  STRATA_TRY(record.ended, fields.number("ended"));
  return record;
}

}  // namespace strata::upload
