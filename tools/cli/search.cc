#include <array>
#include <boost/json.hpp>
#include <cstdio>

#include "strata/base/text.h"
#include "tools/cli/registry_client.h"

namespace strata::cli {
namespace {

namespace json = boost::json;

struct Filter {
  const char* option;
  const char* key;  // of GET /v1/entries
  const char* help;
};
constexpr std::array<Filter, 15> kFilters = {
    {{"--os", "os", "Operating system, whole, case does not matter"},
     {"--os-version", "os_version", "Its version"},
     {"--arch", "arch", "Architecture"},
     {"--endorser", "endorser", "E-mail address of the endorser"},
     {"--kind", "kind", "machine or disk"},
     {"--format", "format", "Format of the disk: raw, qcow2, ..."},
     {"--tag", "tag", "A tag, exactly"},
     {"--identifier", "identifier", "27 characters"},
     {"--sha1", "sha1", "Of the decoded or the stored bytes, hex"},
     {"--sha256", "sha256", "Of the decoded or the stored bytes, hex"},
     {"--status", "status", "valid (default), expired, deprecated or all"},
     {"--location", "location", "all (default), web or pdisk"},
     {"--sort", "sort", "-created (newest first, default) or created"},
     {"--limit", "limit", "Entries of a page"},
     {"--cursor", "cursor", "Go on where a page ended"}}};

struct SearchOptions {
  std::vector<std::string> words;
  std::array<std::string, kFilters.size()> values;
  bool json = false, all = false;
};

std::string text_of(const json::object& object, std::string_view key) {
  const json::value* value = object.if_contains(key);
  if (value == nullptr || !value->is_string()) return "-";
  return printable(std::string_view(value->get_string()));
}

void print_entry_line(const json::object& entry) {
  std::printf("%s  %-10s  %s  %-24s  %s\n", text_of(entry, "identifier").c_str(),
              text_of(entry, "status").c_str(), text_of(entry, "created").c_str(),
              text_of(entry, "endorser").c_str(), text_of(entry, "title").c_str());
}

Result<json::object> parse_page(const std::string& body) {
  boost::system::error_code failed;
  json::value page = json::parse(body, failed);
  const json::value* entries =
      failed || !page.is_object() ? nullptr : page.get_object().if_contains("entries");
  if (entries == nullptr || !entries->is_array()) {
    return Error(Errc::kMalformed, "the registry did not answer with entries");
  }
  return std::move(page.get_object());
}

std::string first_target(const SearchOptions& options) {
  std::string words;
  for (const std::string& word : options.words) words += (words.empty() ? "" : " ") + word;
  std::string target = "/v1/entries?q=" + percent_encode(words);
  for (std::size_t i = 0; i < kFilters.size(); ++i) {
    const std::string& value = options.values[i];
    if (value.empty() || std::string_view(kFilters[i].key) == "cursor") continue;
    target += std::string("&") + kFilters[i].key + "=" + percent_encode(value);
  }
  return target;
}

// "of 123 entries", "of at least 10000 entries".
std::string total_of(const json::object& page) {
  const json::value* total = page.if_contains("total");
  if (total == nullptr || !total->is_number()) return "entries";
  return "of " + std::string(text_of(page, "total_is") == "exact" ? "" : "at least ") +
         json::serialize(*total) + " entries";
}

Status run_search(const Context& context, const SearchOptions& options) {
  const std::string target = first_target(options);
  std::string cursor = options.values.back();
  for (std::size_t shown = 0;;) {
    http::ClientRequest request;
    request.target = target + (cursor.empty() ? "" : "&cursor=" + percent_encode(cursor));
    STRATA_TRY(const auto response, ask_registry(context, request));
    STRATA_TRY(const json::object page, parse_page(response.body));
    if (options.json) {
      const bool ends = response.body.ends_with('\n');
      if (Status status = write_text("-", response.body + (ends ? "" : "\n")); !status) {
        return status;
      }
    }
    for (const json::value& entry : page.at("entries").get_array()) {
      ++shown;
      if (!options.json && entry.is_object()) print_entry_line(entry.get_object());
    }
    const json::value* next = page.if_contains("next");
    if (next == nullptr || !next->is_string()) return {};
    std::string following(next->get_string());
    if (!options.all) {
      std::fflush(stdout);
      std::fprintf(stderr, "strata: %zu %s; there are more: --all, or --cursor %s\n", shown,
                   total_of(page).c_str(), printable(following).c_str());
      return {};
    }
    if (following == cursor) {
      return Error(Errc::kMalformed, "the registry's list of entries does not go on");
    }
    cursor = std::move(following);
  }
}

}  // namespace

void add_search(CLI::App& app, Context& context) {
  auto options = std::make_shared<SearchOptions>();  // shared by the parser and the callback
  auto* command = app.add_subcommand(
      "search",
      "Searches the registry; prints identifier, status, date, endorser and title of each entry");
  command->add_option("WORDS", options->words, "All must occur; the last one may be cut short");
  for (std::size_t i = 0; i < kFilters.size(); ++i) {
    command->add_option(kFilters[i].option, options->values[i], kFilters[i].help);
  }
  command->add_flag("--all", options->all, "All pages, not only the first");
  command->add_flag("--json", options->json, "The registry's JSON, unchanged; one for each page");
  command->callback([&context, options] {
    context.run = [&context, options] { return run_search(context, *options); };
  });
}

}  // namespace strata::cli
