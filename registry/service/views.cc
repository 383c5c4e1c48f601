#include "registry/service/views.h"

#include <boost/json.hpp>

#include "strata/base/text.h"

namespace strata::registry {
namespace {

namespace json = boost::json;
using entries::StoredEntry;

std::string_view standing_name(const StoredEntry& entry, UnixMillis now) {
  switch (entries::standing_of(entry.metadata, now)) {
    case entries::Standing::kValid:
      return "valid";
    case entries::Standing::kExpired:
      return "expired";
    case entries::Standing::kDeprecated:
      return "deprecated";
  }
  return "valid";
}

json::array array_of(const std::vector<std::string>& values) {
  return json::array(values.begin(), values.end());
}

json::object digests_json(const DigestSet& set) {
  return {{"sha-1", set.sha1.hex()}, {"sha-256", set.sha256.hex()}, {"sha-512", set.sha512.hex()}};
}

json::object checksums_json(const metadata::ImageMetadata& image) {
  json::object checksums{{"sha-1", image.sha1.hex()}};
  if (image.sha256) checksums["sha-256"] = image.sha256->hex();
  if (image.sha512) checksums["sha-512"] = image.sha512->hex();
  return checksums;
}

json::value text_or_null(const std::string& text) {
  return text.empty() ? json::value(nullptr) : json::value(text);
}

json::value time_or_null(const std::optional<UnixMillis>& time) {
  return time ? json::value(format_rfc3339(*time)) : json::value(nullptr);
}

json::object signature_json(const App& app, const RulesInForce& rules, const StoredEntry& entry) {
  const auto& signature = entry.signature;
  return {{"trusted", is_trusted(app, rules, entry)},
          {"algorithm", signature.algorithm},
          {"weak", signature.weak},
          {"subject", signature.subject},
          {"issuer", signature.issuer},
          {"fingerprint", signature.fingerprint},
          {"self_signed", signature.self_signed}};
}

// The document without its XML declaration, which may stand at the beginning of a file only.
std::string_view without_declaration(std::string_view document) {
  constexpr std::string_view kByteOrderMark = "\xef\xbb\xbf";
  if (document.starts_with(kByteOrderMark)) document.remove_prefix(kByteOrderMark.size());
  if (document.starts_with("<?xml")) {
    const std::size_t end = document.find("?>");
    if (end != std::string_view::npos) document.remove_prefix(end + 2);
  }
  return document;
}

}  // namespace

bool is_trusted(const App& app, const RulesInForce& rules, const StoredEntry& entry) {
  const auto certificate = [&]() -> Result<std::vector<std::uint8_t>> {
    STRATA_TRY(const std::string document, app.store.document(entry.key));
    STRATA_TRY(auto found, metadata::signing_certificate(document, app.limits));
    if (found.fingerprint != entry.signature.fingerprint) {
      return Error(Errc::kCorruptData, "a document with another certificate than its record says");
    }
    return std::move(found.der);
  };
  return rules
      .decide({.endorser = entry.key.endorser,
               .signature = entry.signature,
               .created = entry.key.created,
               .certificate = certificate})
      .has_value();
}

json::object entry_json(const App& app, const RulesInForce& rules, const StoredEntry& entry) {
  const metadata::ImageMetadata& image = entry.metadata;
  json::array stored;
  for (const auto& one : image.stored) {
    stored.push_back(json::object{{"encoding", one.encoding},
                                  {"bytes", one.digests.bytes},
                                  {"digests", digests_json(one.digests)}});
  }
  return {{"identifier", entry.key.identifier.text()},
          {"endorser", entry.key.endorser},
          {"created", format_rfc3339(entry.key.created)},
          {"entry", app.public_url + entry.key.path()},
          {"status", standing_name(entry, app.clock.now())},
          {"size", image.bytes},
          {"checksums", checksums_json(image)},
          {"format", text_or_null(image.format)},
          {"compression", text_or_null(image.compression)},
          {"stored", std::move(stored)},
          {"locations", array_of(image.locations)},
          {"type", text_or_null(image.type)},
          {"kind", text_or_null(image.kind)},
          {"title", text_or_null(image.title)},
          {"description", text_or_null(image.description)},
          {"creator", text_or_null(image.creator)},
          {"publisher", text_or_null(image.publisher)},
          {"tags", array_of(image.tags)},
          {"version", text_or_null(image.version)},
          {"os", text_or_null(image.os)},
          {"os_version", text_or_null(image.os_version)},
          {"arch", text_or_null(image.os_arch)},
          {"hypervisors", array_of(image.hypervisors)},
          {"valid", time_or_null(image.valid)},
          {"deprecated", image.deprecated ? json::value(*image.deprecated) : json::value(nullptr)},
          {"signature", signature_json(app, rules, entry)},
          {"sequence", entry.sequence}};
}

web::EntryView entry_view(const App& app, const RulesInForce& rules, const StoredEntry& entry) {
  const metadata::ImageMetadata& image = entry.metadata;
  web::EntryView view;
  view.path = entry.key.path();
  view.identifier = entry.key.identifier.text();
  view.endorser = entry.key.endorser;
  view.created = format_rfc3339(entry.key.created);
  view.title = image.title;
  view.description = image.description;
  view.publisher = image.publisher;
  view.creator = image.creator;
  view.os = image.os;
  view.os_version = image.os_version;
  view.os_arch = image.os_arch;
  view.kind = image.kind;
  view.type = image.type;
  view.format = image.format;
  view.version = image.version;
  view.bytes = human_bytes(image.bytes);
  if (image.bytes >= kKiB) view.bytes += " (" + std::to_string(image.bytes) + " bytes)";
  view.standing = standing_name(entry, app.clock.now());
  if (image.valid) view.valid = format_rfc3339(*image.valid);
  if (image.deprecated) {
    view.deprecated = image.deprecated->empty() ? "no reason given" : *image.deprecated;
  }
  view.tags = image.tags;
  view.locations = image.locations;
  view.checksums.emplace_back("SHA-1", image.sha1.hex());
  if (image.sha256) view.checksums.emplace_back("SHA-256", image.sha256->hex());
  if (image.sha512) view.checksums.emplace_back("SHA-512", image.sha512->hex());
  for (const auto& stored : image.stored) {
    view.stored.emplace_back(stored.encoding + ", " + human_bytes(stored.digests.bytes),
                             stored.digests.sha256.hex());
  }
  view.algorithm = entry.signature.algorithm;
  view.subject = entry.signature.subject;
  view.issuer = entry.signature.issuer;
  view.fingerprint = entry.signature.fingerprint;
  view.trusted = is_trusted(app, rules, entry);
  return view;
}

std::vector<web::EntryView> entry_views(const App& app, const std::vector<StoredEntry>& entries) {
  const auto rules = app.trust.rules();
  std::vector<web::EntryView> views;
  for (const StoredEntry& entry : entries) views.push_back(entry_view(app, *rules, entry));
  return views;
}

std::string page_json(const App& app, const entries::Page& page) {
  const auto rules = app.trust.rules();
  json::array list;
  for (const StoredEntry& entry : page.entries) list.push_back(entry_json(app, *rules, entry));
  return json::serialize(json::object{{"entries", std::move(list)},
                                      {"total", page.total},
                                      {"total_is", page.total_exact ? "exact" : "at_least"},
                                      {"next", text_or_null(page.next)}}) +
         "\n";
}

Result<std::string> entries_xml(const App& app, const std::vector<StoredEntry>& entries,
                                std::size_t& taken) {
  std::string xml = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<metadata>\n";
  taken = 0;
  for (const StoredEntry& entry : entries) {
    STRATA_TRY(const std::string document, app.store.document(entry.key));
    if (taken > 0 && xml.size() + document.size() > app.limits.list_bytes_max) break;
    xml += without_declaration(document);
    xml += '\n';
    ++taken;
  }
  return xml + "</metadata>\n";
}

std::string sparql_xml(const std::vector<std::string>& variables,
                       const std::vector<std::vector<std::string>>& rows) {
  std::string xml =
      "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
      "<sparql xmlns=\"http://www.w3.org/2005/sparql-results#\">\n<head>\n";
  for (const std::string& name : variables) xml += "<variable name=\"" + name + "\"/>\n";
  xml += "</head>\n<results>\n";
  for (const auto& row : rows) {
    xml += "<result>";
    for (std::size_t i = 0; i < variables.size(); ++i) {
      if (row[i].empty()) continue;
      xml += "<binding name=\"" + variables[i] + "\"><literal>" + html_escape(row[i]) +
             "</literal></binding>";
    }
    xml += "</result>\n";
  }
  return xml + "</results>\n</sparql>\n";
}

}  // namespace strata::registry
