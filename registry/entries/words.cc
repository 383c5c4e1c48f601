#include "registry/entries/words.h"

#include "strata/base/text.h"

namespace strata::entries {
namespace {

constexpr std::size_t kPartsBytesMax = 16 * kKiB;

bool is_word_byte(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
         static_cast<unsigned char>(c) >= 0x80;
}

bool ignores_case(Field field) {
  switch (field) {
    case Field::kOs:
    case Field::kOsVersion:
    case Field::kArch:
    case Field::kKind:
    case Field::kFormat:
      return true;
    default:
      return false;
  }
}

// The last segment of a location without its query: what people call the file.
std::string_view file_name(std::string_view location) {
  location = location.substr(0, location.find_first_of("?#"));
  const std::size_t slash = location.rfind('/');
  return slash == std::string_view::npos ? location : location.substr(slash + 1);
}

class Collector {
 public:
  Collector(std::set<std::string>& terms, const Limits& limits) : terms_(terms), limits_(limits) {}

  void words(std::string_view text) {
    for (std::string& word : split_words(text, limits_)) {
      if (words_ == limits_.index_words_max) return;
      if (terms_.insert(kWordTerm + std::move(word)).second) ++words_;
    }
  }
  void field(Field field, std::string_view value) {
    if (value.empty()) return;
    if (auto term = field_term(field, value, limits_)) terms_.insert(std::move(*term));
  }
  void parts(char kind, std::initializer_list<std::string_view> parts) {
    std::string term(1, kind);
    for (const std::string_view part : parts) {
      if (term.size() > 1) term += kPartSeparator;
      term += part;
    }
    // A distinguished name that long is no name, and no key of a database.
    if (term.size() <= kPartsBytesMax) terms_.insert(std::move(term));
  }

 private:
  std::set<std::string>& terms_;
  const Limits& limits_;
  std::size_t words_ = 0;
};

template <typename D>
std::optional<std::string> digest_term(Field field, std::string_view hex) {
  const auto digest = D::from_hex(hex);
  if (!digest) return std::nullopt;
  std::string term = static_cast<char>(field) + to_base64(digest->bytes);
  while (term.ends_with('=')) term.pop_back();
  return term;
}

}  // namespace

std::vector<std::string> split_words(std::string_view text, const Limits& limits) {
  std::vector<std::string> words;
  for (std::size_t i = 0; i < text.size();) {
    if (!is_word_byte(text[i])) {
      ++i;
      continue;
    }
    std::size_t end = i;
    while (end < text.size() && is_word_byte(text[end])) ++end;
    words.push_back(ascii_lower(text.substr(i, std::min(end - i, limits.index_value_bytes_max))));
    i = end;
  }
  return words;
}

std::optional<std::string> field_term(Field field, std::string_view value, const Limits& limits) {
  if (value.size() > limits.index_value_bytes_max || value.find('\0') != std::string_view::npos) {
    return std::nullopt;
  }
  // Most terms are digests, each of one entry: shorter ones leave more room in memory.
  if (field == Field::kSha1) return digest_term<Sha1Digest>(field, value);
  if (field == Field::kSha256) return digest_term<Sha256Digest>(field, value);
  return static_cast<char>(field) + (ignores_case(field) ? ascii_lower(value) : std::string(value));
}

std::set<std::string> terms_of(const StoredEntry& entry, const Limits& limits) {
  const metadata::ImageMetadata& image = entry.metadata;
  std::set<std::string> terms{std::string(1, kAllTerm)};
  Collector add(terms, limits);
  // Short, telling fields first: a description of a million words only loses its own tail.
  add.words(image.identifier.text());
  for (const std::string_view text :
       {std::string_view(image.title), std::string_view(image.os),
        std::string_view(image.os_version), std::string_view(image.os_arch),
        std::string_view(image.kind), std::string_view(image.publisher)}) {
    add.words(text);
  }
  for (const std::string& tag : image.tags) add.words(tag);
  for (const std::string& location : image.locations) {
    const auto name = percent_decode(file_name(location));
    add.words(name ? *name : file_name(location));
  }
  add.words(entry.key.endorser);
  add.words(image.description);

  add.field(Field::kOs, image.os);
  add.field(Field::kOsVersion, image.os_version);
  add.field(Field::kArch, image.os_arch);
  add.field(Field::kKind, image.kind);
  add.field(Field::kFormat, image.format);
  add.field(Field::kIdentifier, image.identifier.text());
  add.field(Field::kEndorser, entry.key.endorser);
  add.field(Field::kSha1, image.sha1.hex());
  if (image.sha256) add.field(Field::kSha256, image.sha256->hex());
  for (const auto& stored : image.stored) {
    add.field(Field::kSha1, stored.digests.sha1.hex());
    add.field(Field::kSha256, stored.digests.sha256.hex());
  }
  for (const std::string& tag : image.tags) {
    add.field(Field::kTag, tag);
    add.parts(kTagOfTerm, {entry.key.endorser, tag});
  }
  add.parts(kSignerTerm, {entry.key.endorser, entry.signature.subject, entry.signature.issuer});
  return terms;
}

std::string created_term(UnixMillis created) {
  return kCreatedTerm + std::to_string(created / 1000);
}

}  // namespace strata::entries
