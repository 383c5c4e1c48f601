#include "storage/service/content_policy.h"

namespace strata::storage {
namespace {

Status ask(const policy::Policy& policy, const blob::BlobProperties& content) {
  return policy.allow_content(Identifier::from_sha1(content.decoded.sha1), content.stored,
                              content.decoded);
}

}  // namespace

Status allow_content(const Services& services, const blob::BlobProperties& content) {
  const auto policy = services.policy.get();
  return policy == nullptr ? Status() : ask(*policy, content);
}

Status allow_publication(const policy::PolicyHolder& holder, const blob::BlobProperties& content) {
  const auto policy = holder.get();
  if (policy == nullptr) return {};
  Status allowed = ask(*policy, content);
  if (allowed || !policy->denied()) return allowed;
  return Error(Errc::kUnavailable, allowed.error().detail());
}

}  // namespace strata::storage
