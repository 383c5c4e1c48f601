#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

// The registry's HTML, rendered on the server: plain forms and links that work without scripts.
// Pure functions from values to text; every value is escaped here and nowhere else, so callers pass
// what the documents say.
namespace strata::web {

// Sent with every page: no script, style, image or frame but our own.
inline constexpr std::string_view kContentSecurityPolicy =
    "default-src 'self'; script-src 'none'; object-src 'none'; base-uri 'none'; form-action "
    "'self'; "
    "frame-ancestors 'none'";

// Another entry of the same image.
struct Other {
  std::string path, endorser, created, standing;
};

// One entry as the pages show it. Texts may be empty: then their line is left out.
struct EntryView {
  std::string path;  // of the entry on this server: "/metadata/..."
  std::string identifier, endorser, created;
  std::string title, description, publisher, creator;
  std::string os, os_version, os_arch, kind, type, format, version;
  std::string bytes;          // "1.5 GiB (1610612736 bytes)"
  std::string standing;       // "valid", "expired", "deprecated"
  std::string valid;          // until when
  std::string deprecated;     // why
  std::string superseded_by;  // path of the newer entry; empty when this is the newest
  std::vector<Other> others;  // newest entries of other endorsers
  std::vector<std::string> tags, locations;
  std::vector<std::pair<std::string, std::string>> checksums;  // name, hex
  std::vector<std::pair<std::string, std::string>> stored;     // "gzip, 1.2 MiB", SHA-256
  std::string algorithm, subject, issuer, fingerprint;
  bool trusted = false;
};

// A choice of the search form and what is chosen.
struct SearchForm {
  std::string text, os, arch, kind, endorser;
  std::string status = "valid";   // valid, expired, deprecated, all
  std::string sort = "-created";  // or "created"
};

struct SearchView {
  std::string heading = "Images";
  SearchForm form;
  std::vector<EntryView> entries;
  std::uint64_t total = 0;
  bool total_exact = true;
  std::string next;  // target of the next page, or empty
};

[[nodiscard]] std::string search_page(const SearchView& view);
[[nodiscard]] std::string entry_page(const EntryView& entry);
[[nodiscard]] std::string upload_page();
[[nodiscard]] std::string message_page(std::string_view title, std::string_view text);
// What an endorser is asked about a document in his name: two buttons that post to this page.
struct ConfirmationView {
  std::string identifier, title, endorser, created, fingerprint, expires;
};
[[nodiscard]] std::string confirmation_page(const ConfirmationView& view);

struct EndorserRow {
  std::string email, subject, issuer;
};
[[nodiscard]] std::string endorsers_page(const std::vector<EndorserRow>& endorsers);

struct EndorserView {
  std::string email;
  std::uint64_t days = 30;  // how far back `entries` go
  std::vector<std::string> tags;
  std::vector<EntryView> entries;
  std::string next;  // target of the next page, or empty
};
[[nodiscard]] std::string endorser_page(const EndorserView& view);
[[nodiscard]] std::string tags_page(const std::string& email, const std::vector<std::string>& tags);

[[nodiscard]] std::string problem_page(int status, std::string_view title, std::string_view detail,
                                       std::string_view request_id);

[[nodiscard]] std::string_view style_sheet();  // served as /static/style.css

// Where pages are: "/endorsers/{email}", "/tag/{email}/{tag}".
[[nodiscard]] std::string endorser_path(std::string_view email);
[[nodiscard]] std::string tag_path(std::string_view email, std::string_view tag);

// Whether a URI may stand in a link: http, https and ftp only, so never javascript:.
[[nodiscard]] bool is_linkable(std::string_view uri);

}  // namespace strata::web
