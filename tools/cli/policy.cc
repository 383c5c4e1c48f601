#include <cstdio>

#include "strata/base/text.h"
#include "tools/cli/site_policy.h"

namespace strata::cli {
namespace {

struct CheckOptions {
  std::string identifier, policy;
  bool explain = false, json = false;
};

void print_lines(const std::string& text) {
  for (const std::string_view line : split(text, '\n')) {
    if (!line.empty()) std::puts(printable(line).c_str());
  }
}

void print_accepted(const FoundEntries& found, const metadata::VerifiedEntry& entry) {
  std::printf("accepted    %s%s\n", found.registry.c_str(), entry.key().path().c_str());
  std::printf("endorser    %s, certificate sha-256 %s\n", printable(entry.key().endorser).c_str(),
              entry.signature().fingerprint.c_str());
  std::printf("sha-1       %s\n", entry.metadata().sha1.hex().c_str());
  if (entry.metadata().sha256) {
    std::printf("sha-256     %s\n", entry.metadata().sha256->hex().c_str());
  }
  for (const std::string& location : entry.metadata().locations) {
    std::printf("location    %s\n", printable(location).c_str());
  }
}

// With --json, and with --explain, standard output holds the decision whichever it is.
Status run_check(const Context& context, const CheckOptions& options) {
  const auto identifier = Identifier::parse(options.identifier);
  if (!identifier) return Error(Errc::kUsage, identifier.error().detail());
  const SitePolicy site = load_site_policy(context, options.policy);
  if (site.path.empty()) {
    return Error(
        Errc::kVerification,
        "refused: there is no policy; name one with --policy, STRATA_POLICY or `policy` in "
        "config.toml, or write /etc/strata/policy.toml");
  }
  if (const auto& why = site.policy.denied()) {
    return Error(Errc::kVerification, "refused by " + site.path + ": everything is: " + *why);
  }
  STRATA_TRY(const FoundEntries found, find_entries(context, *identifier));
  const policy::Decision decision = judge(found, *identifier, site.policy);
  if (options.json) {
    if (Status status = write_text("-", decision.json(found.registry)); !status) return status;
  } else if (options.explain) {
    print_lines(decision.explain());
  } else if (decision.accepted()) {
    print_accepted(found, *decision.entry);
  }
  if (decision.accepted()) return {};
  const bool said = options.explain && !options.json;
  return Error(Errc::kVerification,
               site.path + ": " + (said ? decision.reason : decision.explain()));
}

void add_check(CLI::App& parent, Context& context) {
  auto options = std::make_shared<CheckOptions>();  // shared by the parser and the callback
  auto* command =
      parent.add_subcommand("check",
                            "Whether the site's policy accepts an image: prints the accepted "
                            "entry, else exits with 4 and "
                            "says why. No entry, no policy and a broken policy are refusals too");
  command->add_option("IDENTIFIER", options->identifier, "27 characters")->required();
  command->add_option(
      "--policy", options->policy,
      "The policy: *.toml, or StratusLab's policy.cfg; else STRATA_POLICY, `policy` "
      "in config.toml, /etc/strata/policy.toml, /etc/stratuslab/policy.cfg");
  command->add_flag("--explain", options->explain, "Every entry and rule");
  command->add_flag("--json", options->json, "The decision as JSON");
  command->callback([&context, options] {
    context.run = [&context, options] { return run_check(context, *options); };
  });
}

}  // namespace

void add_policy(CLI::App& app, Context& context) {
  auto* command = app.add_subcommand("policy", "Which images this site trusts");
  command->require_subcommand(1);
  add_check(*command, context);
}

}  // namespace strata::cli
