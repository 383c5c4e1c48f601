#include "registry/entries/record.h"

#include <array>

#include "registry/entries/bytes.h"

namespace strata::entries {
namespace {

// Field numbers on disk; a number is never used again for something else. A reader skips those it
// does not know.
enum class Part : unsigned char {
  kBytes = 2,
  kSha1,
  kSha256,
  kSha512,
  kType,
  kKind,
  kValid,
  kImageCreated,
  kTitle,
  kDescription,
  kCreator,
  kPublisher,
  kFormat,
  kCompression,
  kTag,
  kVersion,
  kOs,
  kOsVersion,
  kOsArch,
  kDeprecated,
  kSerialNumber,
  kHypervisor,
  kLocation,
  kStored,  // bytes, SHA-1, SHA-256, SHA-512, then the encoding's name
  kEndorserSubject,
  kEndorserIssuer,
  kAlgorithm,
  kWeak,
  kCertificateSubject,
  kCertificateIssuer,
  kFingerprint,
  kCertificateEmail,
  kSelfSigned,
  kDatesHold,
  kLegacyProfile,
};

constexpr std::size_t kIdentifierBytes = 27;

// Seven bits in a byte, the lowest first; all but the last have the eighth bit set (LEB128).
void append_length(std::string& out, std::uint64_t value) {
  for (; value >= 0x80; value >>= 7) out += static_cast<char>((value & 0x7f) | 0x80);
  out += static_cast<char>(value);
}

std::optional<std::uint64_t> take_length(std::string_view& in) {
  std::uint64_t value = 0;
  for (int shift = 0; shift < 63 && !in.empty(); shift += 7) {
    const auto byte = static_cast<unsigned char>(in.front());
    in.remove_prefix(1);
    value |= std::uint64_t{byte & 0x7fU} << shift;
    if (byte < 0x80) return value;
  }
  return std::nullopt;
}

class Writer {
 public:
  void text(Part part, std::string_view value) {
    if (!value.empty()) raw(part, value);
  }
  void raw(Part part, std::string_view value) {
    out_ += static_cast<char>(part);
    append_length(out_, value.size());
    out_ += value;
  }
  void key(const metadata::EntryKey& key) {
    out_ += key.identifier.text();
    append_u64(out_, static_cast<std::uint64_t>(key.created / 1000));
    append_length(out_, key.endorser.size());
    out_ += key.endorser;
  }
  void number(Part part, std::uint64_t value) {
    std::string bytes;
    append_u64(bytes, value);
    raw(part, bytes);
  }
  void flag(Part part, bool value) {
    if (value) raw(part, {});
  }
  template <typename D>
  void digest(Part part, const D& digest) {
    raw(part, bytes_of(digest));
  }
  template <typename D>
  static std::string_view bytes_of(const D& digest) {
    return {reinterpret_cast<const char*>(digest.bytes.data()), digest.bytes.size()};
  }
  std::string take() { return std::move(out_); }

 private:
  std::string out_;
};

template <typename D>
bool take_digest(std::string_view& in, D& digest) {
  if (in.size() < digest.bytes.size()) return false;
  for (std::size_t i = 0; i < digest.bytes.size(); ++i) {
    digest.bytes[i] = static_cast<std::uint8_t>(in[i]);
  }
  in.remove_prefix(digest.bytes.size());
  return true;
}

template <typename D>
bool take_digest(std::string_view& in, std::optional<D>& digest) {
  return take_digest(in, digest.emplace());
}

template <typename N>
bool take_number(std::string_view in, N& out) {
  const auto value = take_u64(in);
  if (!value) return false;
  out = static_cast<N>(*value);
  return true;
}

bool take_stored(std::string_view in, metadata::ImageMetadata& image) {
  metadata::ImageMetadata::Stored stored;
  const auto bytes = take_u64(in);
  if (!bytes || !take_digest(in, stored.digests.sha1) || !take_digest(in, stored.digests.sha256) ||
      !take_digest(in, stored.digests.sha512)) {
    return false;
  }
  stored.digests.bytes = *bytes;
  stored.encoding = in;
  image.stored.push_back(std::move(stored));
  return true;
}

bool take_fact(Part part, std::string_view value, StoredEntry& entry) {
  metadata::ImageMetadata& image = entry.metadata;
  switch (part) {
    case Part::kBytes:
      return take_number(value, image.bytes);
    case Part::kSha1:
      return take_digest(value, image.sha1);
    case Part::kSha256:
      return take_digest(value, image.sha256);
    case Part::kSha512:
      return take_digest(value, image.sha512);
    case Part::kValid:
      return take_number(value, image.valid.emplace());
    case Part::kImageCreated:
      return take_number(value, image.created.emplace());
    case Part::kSerialNumber:
      return take_number(value, image.serial_number.emplace());
    case Part::kStored:
      return take_stored(value, image);
    case Part::kWeak:
      return entry.signature.weak = true;
    case Part::kSelfSigned:
      return entry.signature.self_signed = true;
    case Part::kDatesHold:
      return entry.signature.certificate_valid_at_created = true;
    case Part::kLegacyProfile:
      entry.signature.profile = metadata::Profile::kLegacy;
      return true;
    default:
      return true;
  }
}

std::string* text_of(Part part, StoredEntry& entry) {
  metadata::ImageMetadata& image = entry.metadata;
  metadata::VerifiedEntry::Signature& signature = entry.signature;
  switch (part) {
    case Part::kType:
      return &image.type;
    case Part::kKind:
      return &image.kind;
    case Part::kTitle:
      return &image.title;
    case Part::kDescription:
      return &image.description;
    case Part::kCreator:
      return &image.creator;
    case Part::kPublisher:
      return &image.publisher;
    case Part::kFormat:
      return &image.format;
    case Part::kCompression:
      return &image.compression;
    case Part::kVersion:
      return &image.version;
    case Part::kOs:
      return &image.os;
    case Part::kOsVersion:
      return &image.os_version;
    case Part::kOsArch:
      return &image.os_arch;
    case Part::kEndorserSubject:
      return &image.endorsement->subject;
    case Part::kAlgorithm:
      return &signature.algorithm;
    case Part::kCertificateSubject:
      return &signature.subject;
    case Part::kCertificateIssuer:
      return &signature.issuer;
    case Part::kFingerprint:
      return &signature.fingerprint;
    case Part::kCertificateEmail:
      return &signature.certificate_email;
    default:
      return nullptr;
  }
}

std::vector<std::string>* list_of(Part part, StoredEntry& entry) {
  switch (part) {
    case Part::kTag:
      return &entry.metadata.tags;
    case Part::kHypervisor:
      return &entry.metadata.hypervisors;
    case Part::kLocation:
      return &entry.metadata.locations;
    case Part::kEndorserIssuer:
      return &entry.metadata.endorsement->issuers;
    default:
      return nullptr;
  }
}

void take_text(Part part, std::string_view value, StoredEntry& entry) {
  if (std::string* text = text_of(part, entry)) {
    *text = value;
  } else if (std::vector<std::string>* list = list_of(part, entry)) {
    list->emplace_back(value);
  } else if (part == Part::kDeprecated) {
    entry.metadata.deprecated = value;
  }
}

void write_image(Writer& out, const metadata::ImageMetadata& image) {
  out.number(Part::kBytes, image.bytes);
  out.digest(Part::kSha1, image.sha1);
  if (image.sha256) out.digest(Part::kSha256, *image.sha256);
  if (image.sha512) out.digest(Part::kSha512, *image.sha512);
  out.text(Part::kType, image.type);
  out.text(Part::kKind, image.kind);
  if (image.valid) out.number(Part::kValid, static_cast<std::uint64_t>(*image.valid));
  if (image.created) out.number(Part::kImageCreated, static_cast<std::uint64_t>(*image.created));
  out.text(Part::kTitle, image.title);
  out.text(Part::kDescription, image.description);
  out.text(Part::kCreator, image.creator);
  out.text(Part::kPublisher, image.publisher);
  out.text(Part::kFormat, image.format);
  out.text(Part::kCompression, image.compression);
  for (const std::string& tag : image.tags) out.raw(Part::kTag, tag);
  out.text(Part::kVersion, image.version);
  out.text(Part::kOs, image.os);
  out.text(Part::kOsVersion, image.os_version);
  out.text(Part::kOsArch, image.os_arch);
  if (image.deprecated) out.raw(Part::kDeprecated, *image.deprecated);
  if (image.serial_number) out.number(Part::kSerialNumber, *image.serial_number);
  for (const std::string& hypervisor : image.hypervisors) out.raw(Part::kHypervisor, hypervisor);
  for (const std::string& location : image.locations) out.raw(Part::kLocation, location);
  for (const auto& stored : image.stored) {
    std::string bytes;
    append_u64(bytes, stored.digests.bytes);
    bytes += Writer::bytes_of(stored.digests.sha1);
    bytes += Writer::bytes_of(stored.digests.sha256);
    bytes += Writer::bytes_of(stored.digests.sha512);
    out.raw(Part::kStored, bytes + stored.encoding);
  }
}

}  // namespace

std::string encode_record(const StoredEntry& entry) {
  Writer out;
  out.key(entry.key);
  write_image(out, entry.metadata);
  if (entry.metadata.endorsement) {
    out.text(Part::kEndorserSubject, entry.metadata.endorsement->subject);
    for (const std::string& issuer : entry.metadata.endorsement->issuers) {
      out.raw(Part::kEndorserIssuer, issuer);
    }
  }
  out.text(Part::kAlgorithm, entry.signature.algorithm);
  out.flag(Part::kWeak, entry.signature.weak);
  out.text(Part::kCertificateSubject, entry.signature.subject);
  out.text(Part::kCertificateIssuer, entry.signature.issuer);
  out.text(Part::kFingerprint, entry.signature.fingerprint);
  out.text(Part::kCertificateEmail, entry.signature.certificate_email);
  out.flag(Part::kSelfSigned, entry.signature.self_signed);
  out.flag(Part::kDatesHold, entry.signature.certificate_valid_at_created);
  out.flag(Part::kLegacyProfile, entry.signature.profile == metadata::Profile::kLegacy);
  return out.take();
}

Result<metadata::EntryKey> take_record_key(std::string_view& record) {
  const auto damaged = [] { return Error(Errc::kCorruptData, "an entry's record is damaged"); };
  const auto identifier = Identifier::parse(record.substr(0, kIdentifierBytes));
  if (!identifier) return damaged();
  record.remove_prefix(kIdentifierBytes);
  const auto created = take_u64(record);
  const auto size = take_length(record);
  if (!created || !size || *size > record.size()) return damaged();
  metadata::EntryKey key{.identifier = *identifier,
                         .endorser = std::string(record.substr(0, *size)),
                         .created = static_cast<UnixMillis>(*created) * 1000};
  record.remove_prefix(*size);
  return key;
}

Result<StoredEntry> decode_record(std::uint64_t sequence, std::string_view record) {
  StoredEntry entry;
  entry.sequence = sequence;
  STRATA_TRY(entry.key, take_record_key(record));
  entry.metadata.identifier = entry.key.identifier;
  metadata::Endorsement& endorsement = entry.metadata.endorsement.emplace();
  endorsement.created = entry.key.created;
  endorsement.email = entry.key.endorser;
  while (!record.empty()) {
    const auto part = static_cast<Part>(record.front());
    record.remove_prefix(1);
    const auto size = take_length(record);
    if (!size || *size > record.size() || !take_fact(part, record.substr(0, *size), entry)) {
      return Error(Errc::kCorruptData, "the record of " + entry.key.path() + " is damaged");
    }
    take_text(part, record.substr(0, *size), entry);
    record.remove_prefix(*size);
  }
  return entry;
}

}  // namespace strata::entries
