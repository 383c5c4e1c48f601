#include <algorithm>
#include <cstdio>
#include <filesystem>

#include "tools/cli/credentials.h"
#include "tools/cli/registry_client.h"

namespace strata::cli {
namespace {

struct DeprecateOptions {
  std::string entry, reason, created, output;
  Credentials credentials;
  bool post = false;
  bool any_signer = false;
};

// What is to be deprecated, and when it was endorsed.
struct Subject {
  metadata::ImageMetadata metadata;
  UnixMillis created = 0;  // 0: never
};

Result<Subject> from_file(const std::string& file) {
  STRATA_TRY(const std::string document,
             read_small_file(file, Limits{}.metadata_document_bytes_max));
  auto metadata = metadata::parse(document);
  if (!metadata) return metadata.error().in(file);
  const UnixMillis created = metadata->endorsement ? metadata->endorsement->created : 0;
  return Subject{*std::move(metadata), created};
}

// A certificate is renewed now and then; but values that somebody else signed in this endorser's
// name must not get its signature just because a registry answers with them.
Status check_signer(const metadata::VerifiedEntry& current, const metadata::Endorser& endorser) {
  if (current.signature().fingerprint == endorser.fingerprint()) return {};
  return Error(Errc::kVerification,
               "its current entry was signed with another certificate, sha-256 " +
                   current.signature().fingerprint +
                   ": look at it (strata entry URL), then take its values with --any-signer, or "
                   "those of an entry of yours with --created; " +
                   current.key().path());
}

// The endorser's own entry: nobody can deprecate for another.
Result<Subject> from_registry(const Context& context, const Identifier& identifier,
                              const metadata::Endorser& endorser, const std::string& email,
                              const DeprecateOptions& options) {
  STRATA_TRY(FoundEntries found, find_entries(context, identifier, email));
  std::erase_if(found.verified, [&](const auto& entry) { return entry.key().endorser != email; });
  if (found.verified.empty()) {
    for (const auto& [key, why] : found.unverified) complain(Error(Errc::kVerification, why));
    return Error(Errc::kNotFound,
                 "the registry has no entry of " + identifier.text() + " endorsed by " + email);
  }
  const metadata::VerifiedEntry& current = found.verified.front();
  if (options.created.empty()) {
    if (!options.any_signer) {
      if (Status same = check_signer(current, endorser); !same) return same.error();
    }
    return Subject{current.metadata(), current.key().created};
  }
  const auto key = metadata::EntryKey::parse(identifier.text(), email, options.created);
  if (!key) return Error(Errc::kUsage, "--created: " + key.error().detail());
  STRATA_TRY(const auto entry, fetch_entry(context, *key));
  return Subject{entry.metadata(), current.key().created};
}

Result<Subject> find_subject(const Context& context, const DeprecateOptions& options,
                             const metadata::Endorser& endorser) {
  const auto identifier = Identifier::parse(options.entry);
  if (!identifier) {
    const bool file = options.entry == "-" || std::filesystem::exists(options.entry);
    if (file && options.created.empty()) return from_file(options.entry);
    return Error(Errc::kUsage, file ? "--created chooses among a registry's entries, not of a file"
                                    : options.entry + " is neither an identifier nor a file");
  }
  const std::string& email =
      endorser.email().empty() ? options.credentials.email : endorser.email();
  if (!metadata::is_valid_email(email)) {
    return Error(Errc::kUsage, "the certificate has no e-mail address: give yours with --email");
  }
  return from_registry(context, *identifier, endorser, email, options);
}

Status run_deprecate(const Context& context, const DeprecateOptions& options) {
  if (options.reason.empty()) return Error(Errc::kUsage, "--reason may not be empty");
  STRATA_TRY(const auto endorser, load_endorser(options.credentials));
  STRATA_TRY(Subject subject, find_subject(context, options, endorser));
  if (subject.metadata.deprecated) {
    std::fprintf(stderr, "strata: it is deprecated already: %s\n",
                 printable(*subject.metadata.deprecated).c_str());
  }
  subject.metadata.deprecated = options.reason;
  subject.metadata.endorsement.reset();
  const UnixMillis now = SystemClock().now();
  const UnixMillis created = std::max(now - now % 1000, subject.created + 1000);
  STRATA_TRY(std::string document, metadata::sign(metadata::build(subject.metadata), endorser,
                                                  created, options.credentials.email));
  if (!options.output.empty()) {
    if (Status status = write_text(options.output, document); !status) return status;
    if (!options.post) return {};
  }
  return post_document(context, std::move(document));
}

}  // namespace

void add_deprecate(CLI::App& metadata, Context& context) {
  auto options = std::make_shared<DeprecateOptions>();  // shared by the parser and the callback
  auto* command = metadata.add_subcommand("deprecate",
                                          "Signs a newer entry that withdraws your own, with the "
                                          "same values and a reason, and registers "
                                          "it; with --output it is written and not registered");
  command
      ->add_option("ENTRY", options->entry,
                   "Identifier of an image whose entry is yours, or a document (FILE or -)")
      ->required();
  command->add_option("--reason", options->reason, "What readers are told")->required();
  command->add_option("--created", options->created,
                      "Take the values of your entry of that date; default: the newest");
  command->add_flag("--any-signer", options->any_signer,
                    "Take the values also when the current entry was signed with another "
                    "certificate, e.g. the one before yours; else exit 4");
  add_credentials(*command, options->credentials);
  auto* output = command->add_option("-o,--output", options->output,
                                     "Where to write the document; - is standard output");
  command->add_flag("--register", options->post, "Register it too, when it is written")
      ->needs(output);
  command->callback([&context, options] {
    context.run = [&context, options] { return run_deprecate(context, *options); };
  });
}

}  // namespace strata::cli
