#include "storage/service/content_policy.h"

namespace strata::storage {

Status allow_content(const Services& services, const blob::BlobProperties& content) {
  const auto policy = services.policy.get();
  if (policy == nullptr) return {};
  return policy->allow_content(Identifier::from_sha1(content.decoded.sha1), content.stored,
                               content.decoded);
}

}  // namespace strata::storage
