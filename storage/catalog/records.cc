#include "storage/catalog/records.h"

#include <algorithm>
#include <array>
#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>

#include "storage/blob/json_fields.h"
#include "strata/base/text.h"

namespace strata::catalog {
namespace {

using blob::JsonFields;

constexpr std::uint64_t kRecordVersion = 1;
constexpr std::size_t kTimeBytes = 8;
constexpr std::array<std::string_view, 4> kStates = {"pending", "registered", "failed", "asked"};

// Eight bytes that sort like the number.
std::string big_endian(std::uint64_t number) {
  std::string bytes(kTimeBytes, '\0');
  for (std::size_t i = 0; i < kTimeBytes; ++i) {
    bytes[kTimeBytes - 1 - i] = static_cast<char>(number >> (8 * i) & 0xff);
  }
  return bytes;
}

}  // namespace

std::string term_prefix(TermKind kind, std::string_view value) {
  std::string prefix(1, static_cast<char>(kind));
  prefix += value;
  prefix += '\0';
  return prefix;
}

std::vector<std::string> term_keys(const Image& image) {
  std::vector<std::string> keys = {
      term_prefix(TermKind::kName, image.name),
      term_prefix(TermKind::kOwner, image.owner),
      term_prefix(TermKind::kIdentifier, image.identifier().text()),
      term_prefix(TermKind::kSha256, image.content.stored.sha256.hex()),
      term_prefix(TermKind::kSha256, image.content.decoded.sha256.hex()),
      term_prefix(image.visibility),
      term_prefix(TermKind::kBlob, image.blob.text()),
      term_prefix(TermKind::kContent, image.content.decoded.sha256.hex())};
  for (const std::string& tag : image.tags) keys.push_back(term_prefix(TermKind::kTag, tag));
  for (std::string& key : keys) key += image.id.text();
  return keys;
}

std::string stored_key(std::string_view owner, const Sha256Digest& sha256, std::uint64_t bytes) {
  std::string key(owner);
  key += '\0';
  return key + sha256.hex() + big_endian(bytes);
}

std::string outbox_key(const Registration& registration) {
  const auto time = static_cast<std::uint64_t>(std::max<UnixMillis>(0, registration.next_attempt));
  return big_endian(time) + registration.content.hex();
}

UnixMillis outbox_time(std::string_view key) {
  std::uint64_t time = 0;
  for (const char byte : key.substr(0, kTimeBytes)) {
    time = time << 8 | static_cast<unsigned char>(byte);
  }
  return static_cast<UnixMillis>(time);
}

std::string_view outbox_content(std::string_view key) {
  return key.substr(std::min(key.size(), kTimeBytes));
}

std::string to_json(const Registration& registration) {
  return boost::json::serialize(
      boost::json::object{{"version", kRecordVersion},
                          {"content", registration.content.hex()},
                          {"state", kStates[static_cast<std::size_t>(registration.state)]},
                          {"wanted", registration.wanted},
                          {"done", registration.done},
                          {"last_created", registration.last_created},
                          {"document", registration.document},
                          {"document_for", registration.document_for},
                          {"entry_url", registration.entry_url},
                          {"error", registration.error},
                          {"attempts", registration.attempts},
                          {"next_attempt", registration.next_attempt}});
}

Result<Registration> registration_from_json(std::string_view text) {
  constexpr std::string_view kWhat = "the record of a registration";
  STRATA_TRY(const auto object, blob::parse_json_object(text, kWhat));
  const JsonFields fields(object, kWhat);
  if (auto known = fields.check_version(kRecordVersion); !known) return known.error();
  Registration registration;
  STRATA_TRY(const std::string content, fields.string("content"));
  const auto digest = Sha256Digest::from_hex(content);
  if (!digest) return fields.damaged("content");
  registration.content = *digest;
  STRATA_TRY(const std::string state, fields.string("state"));
  const auto* const known_state = std::find(kStates.begin(), kStates.end(), state);
  if (known_state == kStates.end()) return fields.damaged("state");
  registration.state = static_cast<Registration::State>(known_state - kStates.begin());
  STRATA_TRY(registration.wanted, fields.unsigned_number("wanted"));
  STRATA_TRY(registration.done, fields.unsigned_number("done"));
  STRATA_TRY(registration.last_created, fields.number("last_created"));
  STRATA_TRY(registration.document, fields.string("document"));
  STRATA_TRY(registration.document_for, fields.unsigned_number("document_for"));
  STRATA_TRY(registration.entry_url, fields.string("entry_url"));
  STRATA_TRY(registration.error, fields.string("error"));
  STRATA_TRY(const std::uint64_t attempts, fields.unsigned_number("attempts"));
  registration.attempts = static_cast<std::uint32_t>(attempts);
  STRATA_TRY(registration.next_attempt, fields.number("next_attempt"));
  return registration;
}

std::string to_json(const RemovalRecord& removal) {
  // The key has raw bytes in it, which JSON cannot hold.
  const auto* const bytes = reinterpret_cast<const std::uint8_t*>(removal.stored.data());
  return boost::json::serialize(
      boost::json::object{{"version", kRecordVersion},
                          {"since", removal.since},
                          {"stored", to_hex({bytes, removal.stored.size()})}});
}

Result<RemovalRecord> removal_from_json(std::string_view text) {
  constexpr std::string_view kWhat = "the record of a removal";
  STRATA_TRY(const auto object, blob::parse_json_object(text, kWhat));
  const JsonFields fields(object, kWhat);
  if (auto known = fields.check_version(kRecordVersion); !known) return known.error();
  RemovalRecord removal;
  STRATA_TRY(removal.since, fields.number("since"));
  STRATA_TRY(const std::string stored, fields.string("stored"));
  removal.stored.resize(stored.size() / 2);
  auto* const bytes = reinterpret_cast<std::uint8_t*>(removal.stored.data());
  if (!from_hex(stored, {bytes, removal.stored.size()})) return fields.damaged("stored");
  return removal;
}

}  // namespace strata::catalog
