#include <gtest/gtest.h>

#include <random>
#include <string>
#include <vector>

#include "tests/fuzz/fuzz_target.h"
#include "tests/support/journal_bytes.h"
#include "tests/support/journals.h"

// The fuzz target on good journals, as they are and damaged: an ordinary test for any compiler.
namespace strata::upload {
namespace {

using Slot = Journal::Slot;

void run(const std::string& input) {
  LLVMFuzzerTestOneInput(reinterpret_cast<const std::uint8_t*>(input.data()), input.size());
}

std::vector<std::string> all_groups() {
  std::vector<std::string> groups = {
      test::put_record(test::numbered_id(1), Slot::kSession, "1234567"),
      test::put_record(test::numbered_id(1), Slot::kCheckpoint, std::string(200, 'c')),
      test::put_record(test::numbered_id(2), Slot::kOutcome, "")};
  encode_removal(test::numbered_id(1), groups[2]);
  return groups;
}

// Whole files, and groups as the target's sealed() takes them.
std::vector<std::string> corpus() {
  std::vector<std::string> seeds = {test::journal_of({}), test::journal_of(all_groups())};
  std::string unsealed;
  for (std::string group : all_groups()) {
    std::string padded = group + group;
    while (padded.size() % 8 != 0)
      padded += test::put_record(test::numbered_id(3), Slot::kSession, "p");
    unsealed += static_cast<char>(padded.size() / 8);
    unsealed += padded;
    seeds.push_back(static_cast<char>(padded.size() / 8) + padded);
  }
  seeds.push_back(unsealed);
  return seeds;
}

TEST(JournalCorpus, Seeds) {
  for (const auto& seed : corpus()) run(seed);
}

TEST(JournalCorpus, Truncated) {
  for (const auto& seed : corpus()) {
    for (std::size_t size = 0; size < seed.size(); ++size) run(seed.substr(0, size));
  }
}

TEST(JournalCorpus, Damaged) {
  std::mt19937 random(20260101);  // NOLINT: the same run every time
  const auto seeds = corpus();
  for (int i = 0; i < 10'000; ++i) {
    std::string text = seeds[random() % seeds.size()];
    for (std::size_t n = 1 + random() % 3; n > 0; --n) {
      // Half of the changes where the lengths and kinds are.
      const std::size_t at = random() % (random() % 2 == 0 ? 12 : text.size());
      switch (random() % 4) {
        case 0:
          text[at] = static_cast<char>(random());
          break;
        case 1:
          text[at] = static_cast<char>(text[at] ^ 1 << random() % 8);
          break;
        case 2:
          text.insert(at, 1 + random() % 4, '\0');
          break;
        default:
          text.resize(text.size() + random() % 8);
      }
    }
    run(text);
  }
}

}  // namespace
}  // namespace strata::upload
