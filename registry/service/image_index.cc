#include "registry/service/image_index.h"

#include <algorithm>

#include "strata/base/text.h"

namespace strata::registry {
namespace {

using metadata::ImageMetadata;

constexpr std::size_t kNameBytesMax = 200;  // a line of --list
constexpr std::size_t kSlugBytesMax = 60;

bool is_word(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

// A section is [-A-Za-z0-9._]+, and it names a file in virt-builder's cache and is typed on its
// command line: words of lower case, joined by '-', '.' and '_', which also do not begin or end it.
std::string slug(std::string_view text) {
  std::string out;
  for (const char c : ascii_lower(text)) {
    if (out.size() == kSlugBytesMax) break;
    if (is_word(c)) {
      out += c;
    } else if (!out.empty() && is_word(out.back())) {
      out += c == '.' || c == '_' ? c : '-';
    }
  }
  while (!out.empty() && !is_word(out.back())) out.pop_back();
  return out;
}

std::string slug_of(const ImageMetadata& image) {
  if (!image.os.empty()) {
    const std::string name = slug(image.os + "-" + image.os_version);
    if (!name.empty()) return name;
  }
  const std::string title = slug(image.title);
  return title.empty() ? "image" : title;
}

// The rest of a line: without what could end it.
std::string line_of(std::string_view text, std::size_t bytes_max = std::string_view::npos) {
  std::string line(text.substr(0, bytes_max));
  if (line.size() < text.size()) {
    while (!line.empty() && !is_valid_utf8(line)) line.pop_back();
  }
  for (char& c : line) {
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) c = ' ';
  }
  return line;
}

// Further lines begin with a space, so that they never are a field nor a section.
std::string lines_of(std::string_view text) {
  std::string lines;
  for (const std::string_view line : split(text, '\n')) {
    lines += (lines.empty() ? "" : "\n ") + line_of(line);
  }
  return lines;
}

// virt-builder's name for a file in its cache holds it as it is.
std::string arch_of(const ImageMetadata& image) {
  const std::string arch = slug(image.os_arch);
  return arch.empty() ? "unknown" : arch;
}

void field(std::string& section, std::string_view name, const std::string& value) {
  section += std::string(name) + "=" + value + "\n";
}

std::string printable_name(const entries::StoredEntry& entry) {
  const ImageMetadata& image = entry.metadata;
  if (!image.title.empty()) return line_of(image.title, kNameBytesMax);
  const std::string system = image.os + (image.os_version.empty() ? "" : " ") + image.os_version;
  return system.empty() ? entry.key.identifier.text() : line_of(system, kNameBytesMax);
}

}  // namespace

std::optional<http::Url> place_for_virt_builder(const entries::StoredEntry& entry) {
  const ImageMetadata& image = entry.metadata;
  const bool plain = image.compression.empty() || iequals(image.compression, "none");
  const bool known = iequals(image.format, "raw") || iequals(image.format, "qcow2");
  // Without a digest virt-builder would take whatever it is sent.
  if (!plain || !known || !image.sha512) return std::nullopt;
  for (const std::string& location : image.locations) {
    if (auto url = http::Url::parse(location)) return *url;
  }
  return std::nullopt;
}

bool ImageIndex::add(const entries::StoredEntry& entry, const std::string& file,
                     const std::string& page) {
  const ImageMetadata& image = entry.metadata;
  const std::string& identifier = entry.key.identifier.text();
  if (identifiers_.contains(identifier)) return true;
  if (identifiers_.size() == sections_max_) return false;
  // An identifier begins with a capital letter and has one length, so that no two images have one
  // name, whatever their titles are.
  const std::string arch = arch_of(image);
  std::string name = slug_of(image);
  if (names_.contains({name, arch})) name += "-" + identifier;

  std::string section = "[" + name + "]\n";
  field(section, "name", printable_name(entry));
  field(section, "arch", arch);
  field(section, "file", file);
  field(section, "checksum[sha512]", image.sha512->hex());
  field(section, "format", ascii_lower(image.format));
  // Of a qcow2 image the metadata says the size of the file, and not that of the disk in it.
  field(section, "size", std::to_string(image.bytes));
  field(section, "compressed_size", std::to_string(image.bytes));
  // Its cache knows an image by name and revision.
  field(section, "revision", std::to_string(entry.key.created / 1000));
  field(section, "notes",
        lines_of(image.description + (image.description.empty() ? "" : "\n\n") + "Image " +
                 identifier + ", endorsed by " + entry.key.endorser + ": " + page));
  if (!text_.empty()) section.insert(0, "\n");
  if (text_.size() + section.size() > bytes_max_) return false;
  text_ += section;
  identifiers_.insert(identifier);
  names_.emplace(std::move(name), arch);
  return true;
}

}  // namespace strata::registry
