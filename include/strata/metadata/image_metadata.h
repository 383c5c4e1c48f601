#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "strata/base/clock.h"
#include "strata/base/digest.h"
#include "strata/base/ids.h"
#include "strata/base/result.h"

// Image metadata as a value: what a StratusLab metadata document says (FORMAT.md of registry/).
// Field by field the elements of that format; extension terms carry what it could not say.
namespace strata::metadata {

inline constexpr std::string_view kBaseUri = "http://mp.stratuslab.eu/";

struct Endorsement {
  UnixMillis created = 0;  // whole seconds; part of the entry key
  std::string email;       // the endorser
  std::string subject;     // certificate DNs, RFC 2253 as Java prints them
  std::vector<std::string> issuers;
  bool operator==(const Endorsement&) const = default;
};

struct ImageMetadata {
  Identifier identifier;
  std::uint64_t bytes = 0;  // decoded
  Sha1Digest sha1;          // decoded; must agree with the identifier
  std::optional<Sha256Digest> sha256;
  std::optional<Sha512Digest> sha512;
  std::optional<Endorsement> endorsement;  // filled by signing

  std::string type;                 // dcterms:type, exactly one: "machine", "disk", "base", ...
  std::string kind;                 // slterms:kind: machine | disk
  std::optional<UnixMillis> valid;  // expiry; of several the earliest
  // Of the image, not of the endorsement. Other date forms, which the format allows, are left out.
  std::optional<UnixMillis> created;
  // Of a text that a document gives several times, the first that is not empty.
  std::string title, description, creator, publisher, format, compression;
  std::vector<std::string> tags;  // dcterms:alternative
  std::string version, os, os_version, os_arch;
  std::optional<std::string> deprecated;  // present: deprecated, with the reason
  std::optional<std::uint64_t> serial_number;
  std::vector<std::string> hypervisors;
  std::vector<std::string> locations;  // URIs

  // Extension terms (strata namespace): the stored bytes.
  struct Stored {
    std::string encoding;  // identity, gzip, xz, zstd
    DigestSet digests;
    auto operator<=>(const Stored&) const = default;
  };
  std::vector<Stored> stored;

  bool operator==(const ImageMetadata&) const = default;
};

// The key of an entry: identifier / endorser e-mail / created. Its parts are safe path segments
// after percent-encoding.
struct EntryKey {
  Identifier identifier;
  std::string endorser;
  UnixMillis created = 0;

  [[nodiscard]] static Result<EntryKey> parse(std::string_view identifier,
                                              std::string_view endorser, std::string_view created);
  // "/metadata/{identifier}/{email}/{created}"
  [[nodiscard]] std::string path() const;
  auto operator<=>(const EntryKey&) const = default;
};

// [A-Za-z0-9._%+-]+@[A-Za-z0-9.-]+, at most 254 bytes, no ".." and nothing else.
[[nodiscard]] bool is_valid_email(std::string_view email);

}  // namespace strata::metadata
