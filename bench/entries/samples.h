#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "registry/entries/entry_store.h"

// Entries as a busy registry would hold them, made from their number alone, and queries that are
// known to find some of them.
namespace strata::bench {

struct SampleOptions {
  std::uint64_t count = 0;
  UnixMillis begin = 0;  // `created` of the first
};

// Nine in ten are endorsed one second after the one before; the tenth is an import with any date.
[[nodiscard]] metadata::ImageMetadata sample_image(std::uint64_t number,
                                                   const SampleOptions& options);
[[nodiscard]] UnixMillis sample_created(std::uint64_t number, const SampleOptions& options);

inline constexpr const char* kSampleEmail = "ops@images.example";  // who signs them

struct NamedQuery {
  std::string name;
  entries::Query query;
  std::string tag;     // when not empty: what does this tag of kSampleEmail stand for? (no query)
  std::string target;  // the same over HTTP
};

// One of each question, chosen by `random`. Pages of twenty.
[[nodiscard]] std::vector<NamedQuery> sample_queries(std::uint64_t random,
                                                     const SampleOptions& options);

// Of values in any order; 0 < share < 1.
[[nodiscard]] double percentile(std::vector<double> values, double share);

}  // namespace strata::bench
