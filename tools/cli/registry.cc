#include <cstdio>

#include "strata/base/text.h"
#include "tools/cli/registry_client.h"

namespace strata::cli {
namespace {

Status register_file(const Context& context, const std::string& file) {
  STRATA_TRY(std::string document, read_small_file(file, Limits{}.metadata_document_bytes_max));
  return post_document(context, std::move(document));
}

// One that fails does not stop the others.
Status run_register(const Context& context, const std::vector<std::string>& files) {
  if (files.size() == 1) return register_file(context, files[0]);
  Status outcome;
  std::size_t failed = 0;
  for (const std::string& file : files) {
    const Status status = register_file(context, file);
    if (status) continue;
    complain(status.error().in(file));
    if (failed++ == 0) outcome = status;
  }
  if (failed == 0) return {};
  return Error(outcome.error().code(), std::to_string(failed) + " of " +
                                           std::to_string(files.size()) +
                                           " documents were not registered");
}

void add_register(CLI::App& app, Context& context) {
  auto files = std::make_shared<std::vector<std::string>>();  // shared by parser and callback
  auto* command = app.add_subcommand(
      "register", "Uploads signed metadata documents and says where they are now");
  command->add_option("FILE", *files, "The documents; - is standard input")->required();
  command->callback([&context, files] {
    context.run = [&context, files] { return run_register(context, *files); };
  });
}

struct EntryOptions {
  std::string id;
  bool json = false, verify = false;
};

void print_signer(const metadata::VerifiedEntry& entry) {
  const auto& signature = entry.signature();
  std::printf("%s\n", entry.key().path().c_str());
  std::printf("  signed by   %s\n", printable(signature.subject).c_str());
  std::printf("  issuer      %s%s\n", printable(signature.issuer).c_str(),
              signature.self_signed ? " (self-signed)" : "");
  std::printf("  signature   %s%s, holds under the %s profile\n", signature.algorithm.c_str(),
              signature.weak ? " (weak)" : "",
              signature.profile == metadata::Profile::kStrict ? "strict" : "legacy");
  std::printf("  certificate sha-256 %s\n", signature.fingerprint.c_str());
}

// Who signed, checked here; an entry that does not hold under the strict profile is an error.
Status verify_entries(const Context& context, const std::string& id) {
  FoundEntries found;
  const auto parts = split(id, '/');
  if (parts.size() == 3) {
    const auto key = metadata::EntryKey::parse(parts[0], parts[1], parts[2]);
    if (!key) return Error(Errc::kUsage, key.error().detail());
    STRATA_TRY(auto entry, fetch_entry(context, *key));
    found.verified.push_back(std::move(entry));
  } else {
    const auto identifier = Identifier::parse(id);
    if (!identifier) return Error(Errc::kUsage, identifier.error().detail());
    STRATA_TRY(found, find_entries(context, *identifier));
  }
  if (found.verified.empty() && found.unverified.empty()) {
    return Error(Errc::kNotFound, "the registry has no entry of " + id);
  }
  std::size_t refused = found.unverified.size();
  for (const auto& entry : found.verified) {
    print_signer(entry);
    if (entry.signature().profile != metadata::Profile::kStrict) ++refused;
  }
  for (const auto& unverified : found.unverified) {
    complain(Error(Errc::kVerification, unverified.second));
  }
  if (refused == 0) return {};
  return Error(Errc::kVerification,
               std::to_string(refused) + " of " +
                   std::to_string(found.verified.size() + found.unverified.size()) +
                   " entries do not hold under the strict profile");
}

// An identifier (all current entries) or IDENTIFIER/EMAIL/CREATED (that one).
Status run_entry(const Context& context, const EntryOptions& options) {
  if (options.verify) return verify_entries(context, options.id);
  http::ClientRequest request;
  request.target = "/metadata/" + percent_encode(options.id, "/");
  request.headers.add("Accept", options.json ? "application/json" : "application/xml");
  STRATA_TRY(const auto response, ask_registry(context, request));
  const bool ends = !response.body.empty() && response.body.back() == '\n';
  return write_text("-", response.body + (ends ? "" : "\n"));
}

void add_entry(CLI::App& app, Context& context) {
  auto options = std::make_shared<EntryOptions>();  // shared by the parser and the callback
  auto* command =
      app.add_subcommand("entry", "Shows entries of the registry: their signed XML, as it is");
  command
      ->add_option("ID", options->id,
                   "IDENTIFIER (its valid entries), or IDENTIFIER/EMAIL/CREATED (that one)")
      ->required();
  auto* as_json =
      command->add_flag("--json", options->json, "The registry's JSON instead of the signed XML");
  command
      ->add_flag("--verify", options->verify,
                 "Who signed each current entry, deprecated and expired ones too, checked here; "
                 "exit 4 when one does not hold")
      ->excludes(as_json);
  command->callback([&context, options] {
    context.run = [&context, options] { return run_entry(context, *options); };
  });
}

}  // namespace

void add_registry(CLI::App& app, Context& context) {
  add_register(app, context);
  add_entry(app, context);
}

}  // namespace strata::cli
