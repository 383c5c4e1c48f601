#include "registry/policy/holder.h"
#include "registry/service/resources.h"

namespace strata::registry {
namespace {

// The documents of an image's current entries, verified anew: the policy takes nothing else.
class Candidates {
 public:
  // kUnavailable when there are more of them, or more bytes, than a request may have verified and
  // kept; judging some of them only could miss the one that names a denied checksum.
  [[nodiscard]] static Result<Candidates> of(const App& app, const Identifier& image) {
    Candidates candidates(app);
    entries::Query query;
    query.filters.emplace_back(entries::Field::kIdentifier, image.text());
    query.status = entries::Query::Status::kAll;
    query.now = app.clock.now();
    query.limit = app.limits.page_size_max;
    for (std::size_t count = 0;;) {
      STRATA_TRY(const auto page, app.store.search(query));
      count += page.entries.size();
      if (count > app.limits.page_size_max) {
        return too_many("more than " + std::to_string(app.limits.page_size_max) +
                        " endorsers have entries of " + image.text());
      }
      for (const auto& entry : page.entries) {
        if (Status status = candidates.add(entry.key); !status) return status.error();
      }
      if (page.next.empty()) return candidates;
      query.cursor = page.next;
    }
  }

  [[nodiscard]] policy::Decision judge(const policy::Policy& policy,
                                       const Identifier& image) const {
    const auto trust = [this](const metadata::VerifiedEntry& entry) {
      const Status trusted = rules_->decide(entry);
      return std::vector<policy::RuleResult>{
          {"trust", trusted.has_value(),
           trusted ? "this registry trusts its endorser" : trusted.error().detail()}};
    };
    policy::Decision decision = policy.evaluate(image, verified_, app_.clock.now(), trust);
    for (const auto& [key, reason] : unverified_) decision.add_unverified(key, reason);
    return decision;
  }

 private:
  explicit Candidates(const App& app) : app_(app), rules_(app.trust.rules()) {}

  static Error too_many(const std::string& what) {
    return {Errc::kUnavailable, what + "; use strata policy check"};
  }

  Status add(const metadata::EntryKey& key) {
    STRATA_TRY(const std::string document, app_.store.document(key));
    bytes_ += document.size();
    if (bytes_ > app_.limits.list_bytes_max) {
      return too_many("the documents of " + key.identifier.text() + " have more than " +
                      std::to_string(app_.limits.list_bytes_max) +
                      " bytes together (rule list_bytes_max)");
    }
    auto entry = verify(document);
    if (entry) {
      verified_.push_back(*std::move(entry));
    } else {
      unverified_.emplace_back(key, entry.error().detail());
    }
    return {};
  }

  // As when it was posted, so that the endorser may be bound by this registry's configuration; else
  // under the legacy profile, so that the policy can refuse it by name.
  [[nodiscard]] Result<metadata::VerifiedEntry> verify(std::string_view document) const {
    using metadata::Profile;
    auto bound = metadata::verify_endorser(document, Profile::kStrict, app_.limits, *rules_);
    if (bound) return bound;
    auto legacy = metadata::verify(document, Profile::kLegacy, app_.limits);
    return legacy ? std::move(legacy) : bound.error();
  }

  const App& app_;
  std::shared_ptr<const RulesInForce> rules_;  // shared with Trust; one request uses one set
  std::vector<metadata::VerifiedEntry> verified_;
  std::vector<std::pair<metadata::EntryKey, std::string>> unverified_;
  std::uint64_t bytes_ = 0;
};

}  // namespace

Result<Response> get_policy(const App& app, const Path& path) {
  if (path.size() != 1) return Error(Errc::kNotFound, "a decision is /v1/policy/{identifier}");
  const auto policy = app.policy == nullptr ? nullptr : app.policy->get();
  if (policy == nullptr) {
    return Error(Errc::kNotFound,
                 "this registry has no policy: its configuration does not set [policy] file");
  }
  STRATA_TRY(const Identifier image, Identifier::parse(path[0]));
  STRATA_TRY(const Candidates candidates, Candidates::of(app, image));
  const policy::Decision decision = candidates.judge(*policy, image);
  Response response = respond(200, kJsonType, decision.json(app.public_url));
  response.headers.set("Cache-Control", "no-cache");
  return response;
}

}  // namespace strata::registry
