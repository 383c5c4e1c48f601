#include "registry/policy/holder.h"
#include "registry/service/resources.h"

namespace strata::registry {
namespace {

// The documents of an image's current entries, verified anew: the policy takes nothing else.
class Candidates {
 public:
  // kUnavailable when there are more than a request may have verified; judging some of them only
  // could miss the one that names a denied checksum.
  [[nodiscard]] static Result<Candidates> of(const App& app, const Identifier& image) {
    Candidates candidates;
    entries::Query query;
    query.filters.emplace_back(entries::Field::kIdentifier, image.text());
    query.status = entries::Query::Status::kAll;
    query.now = app.clock.now();
    query.limit = app.limits.page_size_max;
    for (std::size_t count = 0;;) {
      STRATA_TRY(const auto page, app.store.search(query));
      count += page.entries.size();
      if (count > app.limits.page_size_max) {
        return Error(Errc::kUnavailable, "more than " + std::to_string(app.limits.page_size_max) +
                                             " endorsers have entries of " + image.text() +
                                             "; use strata policy check");
      }
      for (const auto& entry : page.entries) {
        if (Status status = candidates.add(app, entry.key); !status) return status.error();
      }
      if (page.next.empty()) return candidates;
      query.cursor = page.next;
    }
  }

  [[nodiscard]] policy::Decision judge(const policy::Policy& policy, const Identifier& image,
                                       UnixMillis now) const {
    policy::Decision decision = policy.evaluate(image, verified_, now);
    for (const auto& [key, reason] : unverified_) decision.add_unverified(key, reason);
    return decision;
  }

 private:
  Status add(const App& app, const metadata::EntryKey& key) {
    STRATA_TRY(const std::string document, app.store.document(key));
    auto entry = policy::verify_for_policy(document, app.limits);
    if (entry) {
      verified_.push_back(*std::move(entry));
    } else {
      unverified_.emplace_back(key, entry.error().detail());
    }
    return {};
  }

  std::vector<metadata::VerifiedEntry> verified_;
  std::vector<std::pair<metadata::EntryKey, std::string>> unverified_;
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
  const policy::Decision decision = candidates.judge(*policy, image, app.clock.now());
  Response response = respond(200, kJsonType, decision.json(app.public_url));
  response.headers.set("Cache-Control", "no-cache");
  return response;
}

}  // namespace strata::registry
