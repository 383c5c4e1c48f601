#include <cerrno>
#include <cstdio>
#include <cstring>
#include <fstream>

#include "bench/digest_plot.h"
#include "bench/digest_ratios.h"
#include "tools/cli/command.h"

namespace strata::cli {
namespace {

struct Options {
  bench::DigestRatioOptions ratios;
  std::size_t mib = bench::DigestRatioOptions().bytes >> 20;
  std::string json;
  std::string plot;
};

// Before anything is measured: nobody should wait for figures that cannot be kept.
Status check_writable(const std::string& flag, const std::string& path) {
  if (path.empty() || path == "-") return {};
  errno = 0;
  if (std::ofstream(path, std::ios::binary | std::ios::app)) return {};
  return Error(Errc::kIo, flag + ": cannot write " + path + ": " + std::strerror(errno));
}

Status run_bench(const Options& options) {
  if (!options.plot.empty() && options.plot == options.json) {
    return Error(Errc::kUsage, "--json and --plot name the same file");
  }
  if (const Status status = check_writable("--json", options.json); !status) return status;
  if (const Status status = check_writable("--plot", options.plot); !status) return status;
  std::fprintf(stderr, "measuring; every variant is timed %d times in turn ...\n",
               options.ratios.rounds);
  const bench::DigestRatioTable table = bench::measure_digest_ratios(options.ratios);
  if (!options.json.empty()) {
    if (const Status status = write_text(options.json, to_json(table)); !status) return status;
  }
  if (!options.plot.empty()) {
    if (const Status status = write_text(options.plot, to_svg(table)); !status) return status;
  }
  // What was asked for on standard output is alone there.
  if (options.json == "-" || options.plot == "-") return {};
  return write_text("-", to_text(table));
}

}  // namespace

void add_bench(CLI::App& app, Context& context) {
  auto options = std::make_shared<Options>();  // shared by the parser and the callback
  auto* bench = app.add_subcommand("bench", "Measures this machine");
  bench->require_subcommand(1);
  auto* digest = bench->add_subcommand("digest", "Checksum throughput, ours beside OpenSSL's");
  digest
      ->add_option("--threads", options->ratios.threads,
                   "Threads; by default one for each CPU this process may use")
      ->capture_default_str()
      ->check(CLI::Range(1, 256));
  digest->add_option("--streams", options->ratios.streams, "Streams at once, at most")
      ->capture_default_str()
      ->check(CLI::Range(1, 256));
  digest->add_option("--rounds", options->ratios.rounds, "Rounds; the median counts")
      ->capture_default_str()
      ->check(CLI::Range(1, 1000));
  digest->add_option("--mib", options->mib, "MiB that each variant hashes in a round")
      ->capture_default_str()
      ->check(CLI::Range(1, 4096));
  digest->add_option("--json", options->json,
                     "Write the figures to this file; - is standard output");
  digest->add_option("--plot", options->plot, "Draw them into this SVG file; - is standard output");
  digest->callback([&context, options] {
    context.run = [options] {
      options->ratios.bytes = options->mib << 20;
      return run_bench(*options);
    };
  });
}

}  // namespace strata::cli
