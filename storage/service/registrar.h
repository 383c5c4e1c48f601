#pragma once

#include <condition_variable>
#include <mutex>
#include <optional>
#include <stop_token>
#include <string>
#include <thread>

#include "registry/policy/holder.h"
#include "storage/catalog/catalog.h"
#include "storage/service/config.h"
#include "storage/service/service_metrics.h"
#include "strata/base/clock.h"
#include "strata/http/client.h"
#include "strata/metadata/document.h"

namespace strata::storage {

// Drains the outbox: for each content whose images changed, makes the document that describes them
// now, signs it, and posts it to the registry until the registry has it. One thread; everything it
// knows is in the catalogue, so a restart on either side loses nothing. A document is stored
// before it is posted: a retry sends the same bytes, which the registry answers with 200. A
// document that waits for its endorser's confirmation (202) is not sent again by itself.
class Registrar {
 public:
  struct Options {
    http::Url registry;
    RegisterMode mode = RegisterMode::kAll;
    std::string public_url;
    Limits limits;
    // What it bans is not announced, and withdrawn where it was. Null: nothing is banned.
    const policy::PolicyHolder* policy = nullptr;
  };
  Registrar(Options options, catalog::Catalog& catalog, Clock& clock,
            const metadata::Endorser& endorser, ServiceMetrics& counts);
  ~Registrar();  // ends the request under way and joins
  // Puts into the outbox what the registry is told wrongly: images that should have an entry and
  // never got one (of a time without a registry, or of a narrower mode), and those that the policy
  // bans or allows since. A policy that is broken says neither. On the worker's thread, or before
  // start().
  [[nodiscard]] Status review();
  void start();
  void wake();            // something changed; any thread
  void policy_changed();  // so review() is due; any thread

  // One attempt for one registration, and its outcome in the catalogue. Called by the thread; tests
  // call it directly.
  void attempt(catalog::Registration registration);

 private:
  void run(const std::stop_token& stop);
  [[nodiscard]] UnixMillis drain_due();  // when to look again
  // nullopt: nothing is to be said of this content.
  [[nodiscard]] Result<std::optional<std::string>> make_document(
      catalog::Registration& registration);
  // Those that the policy does not ban. kUnavailable: it is broken, so nobody can tell.
  [[nodiscard]] Result<std::vector<catalog::Image>> allowed_images(
      std::vector<catalog::Image> images) const;
  [[nodiscard]] Result<bool> is_told_wrongly(const catalog::Image& image,
                                             const catalog::Registration& registration) const;
  [[nodiscard]] http::ClientRequest request_for(std::string_view method,
                                                const std::string& path) const;
  void post(catalog::Registration& registration);
  void wait_for_confirmation(catalog::Registration& registration);
  // Whether the endorser has confirmed by now, which shows in the entry being there.
  void look_for_entry(catalog::Registration& registration);
  void succeed(catalog::Registration& registration, std::string entry_url);
  void fail(catalog::Registration& registration, const Error& error);
  void retry_later(catalog::Registration& registration, const Error& error);
  void back_off(catalog::Registration& registration, std::string why);
  void save(const catalog::Registration& registration);

  const Options options_;
  catalog::Catalog& catalog_;
  Clock& clock_;
  const metadata::Endorser& endorser_;
  ServiceMetrics& counts_;
  std::stop_source stopping_;  // ends the request under way
  http::Client client_;        // used by the thread only

  std::mutex mutex_;
  std::condition_variable_any changed_;
  bool woken_ = false;
  bool review_due_ = false;
  std::jthread thread_;  // last: it uses everything above
};

}  // namespace strata::storage
