#include <cstdio>

#include "bench/digest_ratios.h"
#include "tools/cli/command.h"

namespace strata::cli {
namespace {

struct Options {
  bench::DigestRatioOptions ratios;
  std::string json;
};

Status run_bench(const Options& options) {
  std::fprintf(stderr, "measuring; every variant is timed %d times in turn ...\n",
               options.ratios.rounds);
  const bench::DigestRatioTable table = bench::measure_digest_ratios(options.ratios);
  if (!options.json.empty()) {
    if (const Status status = write_text(options.json, bench::to_json(table)); !status) {
      return status;
    }
    if (options.json == "-") return {};
  }
  return write_text("-", bench::to_text(table));
}

}  // namespace

void add_bench(CLI::App& app, Context& context) {
  auto options = std::make_shared<Options>();  // shared by the parser and the callback
  auto* bench = app.add_subcommand("bench", "Measures this machine");
  bench->require_subcommand(1);
  auto* digest = bench->add_subcommand("digest", "Checksum throughput, ours beside OpenSSL's");
  digest->add_option("--threads", options->ratios.threads, "Threads for one stream")
      ->check(CLI::Range(1, 256));
  digest->add_option("--streams", options->ratios.streams, "Streams at once")
      ->check(CLI::Range(1, 256));
  digest->add_option("--rounds", options->ratios.rounds, "Rounds; the median counts")
      ->check(CLI::Range(1, 1000));
  digest->add_option("--json", options->json,
                     "Write the figures to this file; - is standard output");
  digest->callback(
      [&context, options] { context.run = [options] { return run_bench(*options); }; });
}

}  // namespace strata::cli
