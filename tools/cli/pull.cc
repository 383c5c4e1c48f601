#include "storage/client/pull.h"

#include <cstdio>
#include <optional>

#include "storage/client/storage_api.h"
#include "strata/base/text.h"
#include "strata/codec/encoding.h"
#include "tools/cli/progress_bar.h"
#include "tools/cli/registry_client.h"
#include "tools/cli/site_policy.h"

namespace strata::cli {
namespace {

struct Options {
  std::string image, output, policy;
  client::PullOptions pull;
};

// A server's name for an image, as the name of a file in this folder; the identifier when it is
// none (names come from outside and never become paths).
std::string file_name(const std::string& name, const std::string& otherwise) {
  const bool safe = !name.empty() && name.find('/') == std::string::npos && name[0] != '.' &&
                    printable(name) == name;
  return safe ? name : otherwise;
}

// Without ".xz" when the decoded view of an .xz is pulled.
std::string destination(const client::ImageInfo& image, bool decoded) {
  std::string name = file_name(image.name, image.identifier);
  const auto encoding = codec::encoding_from_name(image.encoding);
  if (!decoded || !encoding) return name;
  const std::string_view suffix = codec::encoding_suffix(*encoding);
  if (name.size() > suffix.size() && name.ends_with(suffix))
    name.resize(name.size() - suffix.size());
  return name;
}

void report(const std::string& file, const client::PullReport& report) {
  std::printf("%s\nsha-256     %s (verified)\n", printable(file).c_str(),
              report.digests.sha256.hex().c_str());
  if (report.resumed_bytes > 0) {
    std::printf("resumed     %s were there already\n", human_bytes(report.resumed_bytes).c_str());
  }
  if (report.skipped_bytes > 0) {
    std::printf("holes       %s of zeros were not transferred\n",
                human_bytes(report.skipped_bytes).c_str());
  }
}

Status pull_from_storage(const client::Endpoint& endpoint, const client::ImageInfo& image,
                         const Options& options) {
  const std::string file =
      options.output.empty() ? destination(image, options.pull.decoded) : options.output;
  ProgressBar bar("pulling " + printable(image.name));
  STRATA_TRY(const auto pulled, client::pull(endpoint, image, file, options.pull,
                                             [&bar](std::uint64_t done, std::uint64_t total) {
                                               bar.update(done, total);
                                             }));
  bar.finish();
  report(file, pulled);
  return {};
}

// The entry that the site's policy accepts; without a policy, every valid entry whose signature
// holds, named.
Result<std::vector<metadata::VerifiedEntry>> accepted_entries(const FoundEntries& found,
                                                              const Identifier& identifier,
                                                              const SitePolicy& site) {
  policy::Decision decision = judge(found, identifier, site.policy);
  std::vector<metadata::VerifiedEntry> entries;
  if (!site.path.empty()) {
    if (!decision.accepted()) {
      return Error(Errc::kVerification, "refused by " + site.path + ": " + decision.explain());
    }
    entries.push_back(std::move(*decision.entry));
    return entries;
  }
  if (!decision.accepted()) {
    return Error(Errc::kNotFound, "no entry can be trusted: " + decision.explain());
  }
  for (std::size_t i = 0; i < found.verified.size(); ++i) {
    if (!decision.results[i].accepted()) continue;
    const metadata::VerifiedEntry& entry = found.verified[i];
    std::fprintf(stderr, "strata: no policy; endorsed by %s, certificate sha-256 %s\n",
                 printable(entry.key().endorser).c_str(), entry.signature().fingerprint.c_str());
    entries.push_back(entry);
  }
  return entries;
}

// Each location of each accepted entry in turn; the bytes must be those that the entry names.
Status pull_from_registry(const Context& context, const Identifier& identifier,
                          const Options& options) {
  STRATA_TRY(const FoundEntries found, find_entries(context, identifier));
  if (found.verified.empty() && found.unverified.empty()) {
    return Error(Errc::kNotFound, "the registry has no entry of " + identifier.text());
  }
  const SitePolicy site = load_site_policy(context, options.policy);
  STRATA_TRY(const auto entries, accepted_entries(found, identifier, site));
  client::PullOptions pull = options.pull;
  // An entry need not name an SHA-256; now it is known.
  pull.admit = [&](const DigestSet& digests) -> Status {
    const Status allowed = site.policy.allow_content(identifier, digests, digests);
    if (allowed) return {};
    return Error(Errc::kVerification, allowed.error().detail());
  };
  const std::string file = options.output.empty() ? identifier.text() : options.output;
  Status outcome = Error(Errc::kNotFound, "no entry of " + identifier.text() + " names a location");
  for (const auto& entry : entries) {
    const metadata::ImageMetadata& metadata = entry.metadata();
    const ExpectedDigests expected{metadata.bytes, metadata.sha1, metadata.sha256, metadata.sha512};
    for (const std::string& location : metadata.locations) {
      auto url = http::Url::parse(location);
      if (!url) continue;
      std::fprintf(stderr, "strata: trying %s\n", printable(location).c_str());
      STRATA_TRY(auto endpoint, context.storage_endpoint());
      if (url->origin() != endpoint.url.origin()) endpoint.options.bearer_token.clear();
      endpoint.url = std::move(*url);
      ProgressBar bar("pulling " + identifier.text());
      const auto pulled = client::pull_url(
          endpoint, expected, file, pull,
          [&bar](std::uint64_t done, std::uint64_t total) { bar.update(done, total); });
      if (pulled) {
        bar.finish();
        report(file, *pulled);
        return {};
      }
      std::fprintf(stderr, "strata: %s: %s\n", printable(location).c_str(),
                   pulled.error().detail().c_str());
      outcome = pulled.error();
    }
  }
  return outcome;
}

Status run_pull(const Context& context, const Options& options) {
  STRATA_TRY(const auto endpoint, context.storage_endpoint());
  const auto image = client::StorageApi(endpoint).resolve(options.image);
  if (image) return pull_from_storage(endpoint, *image, options);
  const auto identifier = Identifier::parse(options.image);
  const bool elsewhere =
      image.error().code() == Errc::kNotFound || image.error().code() == Errc::kUnreachable;
  if (!identifier || !elsewhere) return image.error();
  return pull_from_registry(context, *identifier, options);
}

}  // namespace

void add_pull(CLI::App& app, Context& context) {
  auto options = std::make_shared<Options>();  // shared by the parser and the callback
  auto* command = app.add_subcommand(
      "pull",
      "Downloads an image, verified before it has its name; an identifier that storage "
      "does not have comes through the registry");
  command->add_option("IMAGE", options->image, "Id, identifier, sha256:HEX or name")->required();
  command->add_option("-o,--output", options->output, "The file to make");
  command->add_flag("--decoded", options->pull.decoded, "The decoded bytes");
  command->add_option("--connections", options->pull.connections, "Ranged requests at a time")
      ->check(CLI::Range(1, 64));
  command->add_flag("--force", options->pull.force, "Replace an existing file");
  command->add_option("--policy", options->policy,
                      "Policy file for what comes through the registry, instead of the site's");
  command->callback([&context, options] {
    context.run = [&context, options] { return run_pull(context, *options); };
  });
}

}  // namespace strata::cli
