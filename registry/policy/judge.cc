#include "registry/policy/judge.h"

#include <algorithm>
#include <utility>

#include "strata/base/limits.h"
#include "strata/base/text.h"

namespace strata::policy {
namespace {

using metadata::VerifiedEntry;

RuleResult signature_rule(const VerifiedEntry& entry) {
  // Under the legacy profile an e-mail may be unproven, so that a list of e-mails would mean
  // nothing.
  if (entry.signature().profile != metadata::Profile::kStrict) {
    std::string why = "was verified under the legacy profile only";
    if (entry.signature().certificate_email.empty()) {
      why += "; the certificate carries no e-mail, so nothing proves who the endorser is";
    }
    return {"signature", false, std::move(why)};
  }
  const std::string& algorithm = entry.signature().algorithm;
  if (entry.signature().weak) return {"signature", false, algorithm + " is weak"};
  return {"signature", true, "holds (" + algorithm + ")"};
}

// Deprecated wins over expired.
RuleResult status_rule(const Rules& rules, const VerifiedEntry& entry, UnixMillis now) {
  const auto& valid = entry.metadata().valid;
  const auto& deprecated = entry.metadata().deprecated;
  std::string status = "valid", reason = valid ? "valid until " + format_rfc3339(*valid) : "valid";
  if (deprecated) {
    status = "deprecated";
    reason = "deprecated: " + (deprecated->empty() ? "no reason given" : *deprecated);
  } else if (valid && now >= *valid) {
    status = "expired";
    reason = "expired " + format_rfc3339(*valid);
  }
  return {"require.status", rules.status.contains(status), reason};
}

template <typename T>
void ask_allowed(std::vector<RuleResult>& results, const char* rule, const std::set<T>& allow,
                 const T& value, const std::string& text) {
  if (allow.empty()) return;
  const bool listed = allow.contains(value);
  results.push_back({rule, listed, text + (listed ? " is listed" : " is not listed")});
}

template <typename T>
void ask_denied(std::vector<RuleResult>& results, const char* rule, const std::set<T>& deny,
                const T& value, const std::string& text) {
  if (deny.empty()) return;
  const bool listed = deny.contains(value);
  results.push_back({rule, !listed, text + (listed ? " is listed" : " is not listed")});
}

// Anybody can write any subject into a certificate of its own.
RuleResult subject_rule(const Rules& rules, const VerifiedEntry& entry, UnixMillis now) {
  const std::string& subject = entry.signature().subject;
  RuleResult result{"signers.allow_subjects", false, subject + " is not listed"};
  if (!rules.subjects.allow.contains(subject)) return result;
  check(rules.signers_ca.has_value(), "subjects are allowed with a CA only");
  const metadata::Verdict verdict =
      rules.signers_ca->judge(entry.certificate(), entry.key().created, now);
  result.passed = verdict.kind == metadata::Verdict::Kind::kChains;
  result.reason = subject + (result.passed ? " is listed, with a chain to signers.ca_file"
                                           : " is listed, but the certificate claims it only: " +
                                                 verdict.reason);
  return result;
}

void ask_signer(std::vector<RuleResult>& results, const Rules& rules, const VerifiedEntry& entry,
                UnixMillis now) {
  const std::string& email = entry.key().endorser;
  ask_allowed(results, "endorsers.allow", rules.endorsers.allow, email, email);
  ask_denied(results, "endorsers.deny", rules.endorsers.deny, email, email);
  const std::string& subject = entry.signature().subject;
  if (!rules.subjects.allow.empty()) results.push_back(subject_rule(rules, entry, now));
  ask_denied(results, "signers.deny_subjects", rules.subjects.deny, subject, subject);
  const std::string& hex = entry.signature().fingerprint;
  const auto fingerprint = Sha256Digest::from_hex(hex);
  check(fingerprint.has_value(), "a verified entry has a fingerprint");
  ask_allowed(results, "signers.allow_fingerprints", rules.fingerprints.allow, *fingerprint, hex);
  ask_denied(results, "signers.deny_fingerprints", rules.fingerprints.deny, *fingerprint, hex);
}

void ask_content(std::vector<RuleResult>& results, const Rules& rules, const VerifiedEntry& entry) {
  const metadata::ImageMetadata& image = entry.metadata();
  ask_allowed(results, "images.allow", rules.images.allow, image.identifier,
              image.identifier.text());
  ask_allowed(results, "checksums.allow_sha1", rules.sha1.allow, image.sha1, image.sha1.hex());
  if (image.sha256) {
    ask_allowed(results, "checksums.allow_sha256", rules.sha256.allow, *image.sha256,
                image.sha256->hex());
  } else if (!rules.sha256.allow.empty()) {
    results.push_back({"checksums.allow_sha256", false, "the entry names no SHA-256"});
  }
}

// StratusLab's words for what dcterms:compression says.
std::string encoding_of(const std::string& compression) {
  const std::string name = ascii_lower(compression);
  constexpr std::pair<std::string_view, const char*> kNames[] = {
      {"none", "identity"}, {"gz", "gzip"}, {"bz2", "bzip2"}, {"zst", "zstd"}};
  for (const auto& [other, encoding] : kNames) {
    if (name == other) return encoding;
  }
  return name;
}

// Every stored form that the entry names: which of them a location serves, it does not say.
void ask_encodings(std::vector<RuleResult>& results, const Rules& rules,
                   const VerifiedEntry& entry) {
  if (rules.encodings.empty()) return;
  std::set<std::string> encodings;
  for (const auto& stored : entry.metadata().stored) encodings.insert(stored.encoding);
  const std::string& compression = entry.metadata().compression;
  if (!compression.empty()) encodings.insert(encoding_of(compression));
  if (encodings.empty()) {
    results.push_back({"require.encodings", false, "the entry names no encoding"});
    return;
  }
  for (const std::string& encoding : encodings) {
    ask_allowed(results, "require.encodings", rules.encodings, encoding, encoding);
  }
}

void ask_format(std::vector<RuleResult>& results, const Rules& rules, const VerifiedEntry& entry) {
  if (rules.formats.empty()) return;
  const std::string format = ascii_lower(entry.metadata().format);
  if (format.empty()) {
    results.push_back({"require.formats", false, "the entry names no format"});
  } else {
    ask_allowed(results, "require.formats", rules.formats, format, format);
  }
}

std::string days(UnixMillis time) {
  constexpr UnixMillis kHour = 3'600'000, kDay = 24 * kHour;
  if (time < 2 * kDay) return std::to_string(time / kHour) + " hours";
  return std::to_string(time / kDay) + " days";
}

}  // namespace

Judge::Judge(const Rules& rules, const Identifier& image, std::span<const VerifiedEntry> entries,
             UnixMillis now)
    : rules_(rules), image_(image), now_(now) {
  for (const VerifiedEntry& entry : entries) {
    // Only entries that are proven can take the place of an older one.
    const bool proven = entry.signature().profile == metadata::Profile::kStrict;
    if (!proven || entry.key().identifier != image) continue;
    UnixMillis& newest =
        newest_.try_emplace(entry.key().endorser, entry.key().created).first->second;
    newest = std::max(newest, entry.key().created);
  }
}

RuleResult Judge::image_rule(const VerifiedEntry& entry) const {
  const bool same = entry.key().identifier == image_;
  return {"image", same, same ? "is the one asked for" : "is not " + image_.text()};
}

RuleResult Judge::newest_rule(const VerifiedEntry& entry) const {
  const auto newest = newest_.find(entry.key().endorser);
  if (newest != newest_.end() && newest->second > entry.key().created) {
    return {"newest", false, "a newer one is of " + format_rfc3339(newest->second)};
  }
  return {"newest", true, "of its endorser"};
}

RuleResult Judge::age_rule(const VerifiedEntry& entry) const {
  const UnixMillis age = now_ - entry.key().created;
  const UnixMillis skew = std::chrono::milliseconds(Limits().created_skew).count();
  // A date that is ahead would keep an entry young for ever.
  if (age < -skew) return {"require.max_age", false, "its date is in the future"};
  const bool young = age <= *rules_.age_max;
  return {"require.max_age", young,
          days(std::max<UnixMillis>(age, 0)) + " old, at most " + days(*rules_.age_max)};
}

std::vector<RuleResult> Judge::ask(const VerifiedEntry& entry) const {
  std::vector<RuleResult> results = {image_rule(entry), signature_rule(entry), newest_rule(entry),
                                     status_rule(rules_, entry, now_)};
  if (rules_.age_max) results.push_back(age_rule(entry));
  ask_encodings(results, rules_, entry);
  ask_format(results, rules_, entry);
  ask_signer(results, rules_, entry, now_);
  ask_content(results, rules_, entry);
  return results;
}

}  // namespace strata::policy
