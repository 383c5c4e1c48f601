#include <benchmark/benchmark.h>

#include <algorithm>
#include <cstdio>
#include <string_view>
#include <thread>

#include "bench/digest_ratios.h"
#include "bench/xz_ratio.h"

// strata-bench [--ratios | --xz] [Google Benchmark's flags]
// --ratios prints only the table of digest ratios, measured in turn in one run;
// --xz only how much faster xz is decoded on all threads than on one.
int main(int argc, char** argv) {
  if (argc == 2 && std::string_view(argv[1]) == "--ratios") {
    const strata::bench::DigestRatioOptions options;
    std::fputs(to_text(measure_digest_ratios(options)).c_str(), stdout);
    return 0;
  }
  if (argc == 2 && std::string_view(argv[1]) == "--xz") {
    strata::bench::print_xz_ratio(stdout);
    return 0;
  }
  benchmark::Initialize(&argc, argv);
  if (benchmark::ReportUnrecognizedArguments(argc, argv)) return 2;
  benchmark::RunSpecifiedBenchmarks();
  return 0;
}
