#pragma once

#include <atomic>
#include <string>

#include "registry/entries/entry_store.h"
#include "registry/policy/holder.h"
#include "registry/service/confirmations.h"
#include "registry/service/rate_limiter.h"
#include "registry/service/trust.h"
#include "strata/base/clock.h"
#include "strata/base/limits.h"
#include "strata/base/metrics.h"

namespace strata::registry {

// What the resources work with; made once, outlives the server. Any thread.
struct App {
  const Limits& limits;
  const Clock& clock;
  entries::EntryStore& store;
  Trust& trust;
  Metrics& metrics;
  std::string public_url;  // set before the first request; no slash at the end
  std::string store_id;    // of the sequence numbers (store_id.h); set before the first request
  std::atomic<bool> draining{false};
  const policy::PolicyHolder* policy = nullptr;  // set before the first request; for /v1/policy
  RateLimiter* posts = nullptr;                  // null: no limit
  Confirmations* confirmations = nullptr;        // null: no endorser is asked
};

}  // namespace strata::registry
