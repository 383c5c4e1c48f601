#pragma once

#include <string>
#include <vector>

#include "registry/policy/policy.h"
#include "tests/support/metadata_samples.h"

// Verified entries for tests of the policy.
namespace strata::test {

inline metadata::VerifiedEntry entry_by(const metadata::Endorser& endorser,
                                        const metadata::ImageMetadata& metadata = sample_metadata(),
                                        UnixMillis created = kSampleTime,
                                        metadata::Profile profile = metadata::Profile::kStrict) {
  const auto document = sign(metadata::build(metadata), endorser, created);
  check(document.has_value(), "cannot sign a sample");
  auto entry = verify(*document, profile, Limits());
  check(entry.has_value(), "cannot verify a sample");
  return *std::move(entry);
}

inline metadata::VerifiedEntry entry_of(const std::string& email, UnixMillis created = kSampleTime,
                                        const metadata::ImageMetadata& metadata = sample_metadata(),
                                        metadata::Profile profile = metadata::Profile::kStrict) {
  return entry_by(sample_endorser(email), metadata, created, profile);
}

// The first rule that did not pass; null when all did.
inline const policy::RuleResult* failed_rule(const policy::Decision& decision,
                                             std::size_t entry = 0) {
  for (const policy::RuleResult& rule : decision.results.at(entry).rules) {
    if (!rule.passed) return &rule;
  }
  return nullptr;
}

}  // namespace strata::test
