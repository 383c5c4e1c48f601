#include "storage/blob/sidecar.h"

#include <boost/json/serialize.hpp>

#include "storage/blob/json_fields.h"
#include "strata/digest/hasher.h"

namespace strata::blob {
namespace {

constexpr std::string_view kWhat = "the sidecar of a blob";

// A sidecar is {"sha-256":"<64 hex digits>",<the rest> where the digest is of <the rest>, byte for
// byte: damage is found without a canonical form of JSON.
constexpr std::string_view kHead = "{\"sha-256\":\"";
constexpr std::string_view kHeadEnd = "\",";
constexpr std::size_t kHexDigits = 64;
constexpr std::size_t kRestAt = kHead.size() + kHexDigits + kHeadEnd.size();

std::string sha256_of(std::string_view text) {
  return digest::digest_of(text).sha256.hex();
}

boost::json::object digests_to_json(const DigestSet& set) {
  return {{"bytes", set.bytes},
          {"sha-1", set.sha1.hex()},
          {"sha-256", set.sha256.hex()},
          {"sha-512", set.sha512.hex()}};
}

template <typename D>
Status read_digest(const JsonFields& fields, D& out) {
  const auto key = algorithm_name(D::kAlgorithm);
  STRATA_TRY(const std::string hex, fields.string(key));
  const auto digest = D::from_hex(hex);
  if (!digest) return fields.damaged(key);
  out = *digest;
  return {};
}

Result<DigestSet> digests_from_json(const boost::json::object& json) {
  const JsonFields fields(json, kWhat);
  DigestSet set;
  STRATA_TRY(set.bytes, fields.unsigned_number("bytes"));
  if (auto read = read_digest(fields, set.sha1); !read) return read.error();
  if (auto read = read_digest(fields, set.sha256); !read) return read.error();
  if (auto read = read_digest(fields, set.sha512); !read) return read.error();
  return set;
}

}  // namespace

boost::json::object properties_to_json(const BlobProperties& properties) {
  return {{"stored", digests_to_json(properties.stored)},
          {"decoded", digests_to_json(properties.decoded)},
          {"encoding", codec::encoding_name(properties.encoding)},
          {"format", codec::disk_format_name(properties.disk.format)},
          {"virtual_bytes", properties.disk.virtual_bytes},
          {"created", properties.created}};
}

Result<BlobProperties> properties_from_json(const boost::json::object& json) {
  const JsonFields fields(json, kWhat);
  BlobProperties properties;
  STRATA_TRY(const auto* stored, fields.object("stored"));
  STRATA_TRY(properties.stored, digests_from_json(*stored));
  STRATA_TRY(const auto* decoded, fields.object("decoded"));
  STRATA_TRY(properties.decoded, digests_from_json(*decoded));
  STRATA_TRY(const std::string encoding, fields.string("encoding"));
  const auto known_encoding = codec::encoding_from_name(encoding);
  if (!known_encoding) return fields.damaged("encoding");
  properties.encoding = *known_encoding;
  STRATA_TRY(const std::string format, fields.string("format"));
  const auto known_format = codec::disk_format_from_name(format);
  if (!known_format) return fields.damaged("format");
  properties.disk.format = *known_format;
  STRATA_TRY(properties.disk.virtual_bytes, fields.unsigned_number("virtual_bytes"));
  STRATA_TRY(properties.created, fields.number("created"));
  return properties;
}

std::string to_sidecar(const BlobInfo& info) {
  const boost::json::object object = {{"version", kSidecarVersion},
                                      {"properties", properties_to_json(info.properties)},
                                      {"annotation", info.annotation}};
  const std::string rest = boost::json::serialize(object).substr(1) + "\n";  // without its brace
  return std::string(kHead) + sha256_of(rest) + std::string(kHeadEnd) + rest;
}

Result<BlobInfo> from_sidecar(std::string_view text) {
  STRATA_TRY(const auto object, parse_json_object(text, kWhat));
  const JsonFields fields(object, kWhat);
  // The version first: a newer one may compute its digest otherwise.
  if (auto known = fields.check_version(kSidecarVersion); !known) return known.error();
  STRATA_TRY(const std::string sha256, fields.string("sha-256"));
  if (!text.starts_with(kHead) || text.size() < kRestAt ||
      sha256 != text.substr(kHead.size(), kHexDigits) ||
      sha256 != sha256_of(text.substr(kRestAt))) {
    return Error(Errc::kCorruptData, std::string(kWhat) + " is damaged: its digest does not match");
  }
  BlobInfo info;
  STRATA_TRY(const auto* properties, fields.object("properties"));
  STRATA_TRY(info.properties, properties_from_json(*properties));
  STRATA_TRY(info.annotation, fields.string("annotation"));
  return info;
}

}  // namespace strata::blob
