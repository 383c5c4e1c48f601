#include <boost/json.hpp>
#include <cstdio>

#include "strata/base/text.h"
#include "tools/cli/registry_client.h"

namespace strata::cli {
namespace {

namespace json = boost::json;

std::string text_of(const json::object& object, std::string_view key) {
  const json::value* value = object.if_contains(key);
  if (value == nullptr || !value->is_string()) return "-";
  return printable(std::string_view(value->get_string()));
}

void print_entry_line(const json::object& entry) {
  std::printf("%s  %s  %-20s  %s\n", text_of(entry, "identifier").c_str(),
              text_of(entry, "created").c_str(), text_of(entry, "endorser").c_str(),
              text_of(entry, "title").c_str());
}

struct SearchOptions {
  std::vector<std::string> words;
  std::string os, os_version, arch, endorser, kind, format, tag, status, limit;
  bool json = false;
};

Status run_search(const Context& context, const SearchOptions& options) {
  std::string words;
  for (const std::string& word : options.words) words += (words.empty() ? "" : " ") + word;
  http::ClientRequest request;
  request.target = "/v1/entries?q=" + percent_encode(words);
  const std::pair<const char*, const std::string&> fields[] = {
      {"os", options.os},      {"os_version", options.os_version},
      {"arch", options.arch},  {"endorser", options.endorser},
      {"kind", options.kind},  {"format", options.format},
      {"tag", options.tag},    {"status", options.status},
      {"limit", options.limit}};
  for (const auto& [name, value] : fields) {
    if (!value.empty()) request.target += "&" + std::string(name) + "=" + percent_encode(value);
  }
  STRATA_TRY(const auto response, ask_registry(context, request));
  if (options.json) return write_text("-", response.body + "\n");
  boost::system::error_code failed;
  const json::value body = json::parse(response.body, failed);
  if (failed || !body.is_object() || !body.get_object().contains("entries")) {
    return Error(Errc::kMalformed, "the registry did not answer with entries");
  }
  for (const json::value& entry : body.at("entries").as_array()) {
    if (entry.is_object()) print_entry_line(entry.get_object());
  }
  return {};
}

void add_search(CLI::App& app, Context& context) {
  auto options = std::make_shared<SearchOptions>();  // shared by the parser and the callback
  auto* command = app.add_subcommand("search", "Searches the registry");
  command->add_option("WORDS", options->words, "All must occur; the last one may be cut short");
  command->add_option("--os", options->os);
  command->add_option("--os-version", options->os_version);
  command->add_option("--arch", options->arch);
  command->add_option("--endorser", options->endorser);
  command->add_option("--kind", options->kind);
  command->add_option("--format", options->format);
  command->add_option("--tag", options->tag);
  command->add_option("--status", options->status, "valid, expired, deprecated or all");
  command->add_option("--limit", options->limit);
  command->add_flag("--json", options->json, "The registry's JSON");
  command->callback([&context, options] {
    context.run = [&context, options] { return run_search(context, *options); };
  });
}

// Upload of a signed document.
Status run_register(const Context& context, const std::string& file) {
  STRATA_TRY(std::string document, read_small_file(file, Limits{}.metadata_document_bytes_max));
  http::ClientRequest request;
  request.method = "POST";
  request.target = "/metadata";
  request.headers.add("Content-Type", "application/rdf+xml");
  request.headers.add("Accept", "application/json");
  request.body = std::move(document);
  STRATA_TRY(const auto response, ask_registry(context, request));
  if (response.head.status == 202) {
    std::puts("not published yet: the registry asks the endorser by e-mail");
    return {};
  }
  std::printf("%s %s\n", response.head.status == 200 ? "already there:" : "registered:",
              std::string(response.head.headers.get("Location").value_or("-")).c_str());
  return {};
}

void add_register(CLI::App& app, Context& context) {
  auto file = std::make_shared<std::string>();  // shared by the parser and the callback
  auto* command = app.add_subcommand("register", "Uploads a signed metadata document");
  command->add_option("FILE", *file, "The document; - is standard input")->required();
  command->callback([&context, file] {
    context.run = [&context, file] { return run_register(context, *file); };
  });
}

// ID is a 27-character identifier (all current entries) or IDENTIFIER/EMAIL/CREATED (that one).
Status run_entry(const Context& context, const std::string& id, bool as_json) {
  http::ClientRequest request;
  request.target = "/metadata/" + percent_encode(id, "/");
  request.headers.add("Accept", as_json ? "application/json" : "application/xml");
  STRATA_TRY(const auto response, ask_registry(context, request));
  const bool ends = !response.body.empty() && response.body.back() == '\n';
  return write_text("-", response.body + (ends ? "" : "\n"));
}

void add_entry(CLI::App& app, Context& context) {
  struct Options {
    std::string id;
    bool json = false;
  };
  auto options = std::make_shared<Options>();  // shared by the parser and the callback
  auto* command = app.add_subcommand("entry", "Shows entries of the registry");
  command->add_option("ID", options->id, "IDENTIFIER, or IDENTIFIER/EMAIL/CREATED")->required();
  command->add_flag("--json", options->json, "JSON instead of the signed XML");
  command->callback([&context, options] {
    context.run = [&context, options] { return run_entry(context, options->id, options->json); };
  });
}

}  // namespace

void add_registry(CLI::App& app, Context& context) {
  add_register(app, context);
  add_search(app, context);
  add_entry(app, context);
}

}  // namespace strata::cli
