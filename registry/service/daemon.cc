#include "registry/service/daemon.h"

#include <algorithm>

#include "registry/entries/rocksdb_store.h"
#include "registry/http/server.h"
#include "registry/service/announcing_store.h"
#include "registry/service/app.h"
#include "registry/service/router.h"
#include "registry/service/store_id.h"
#include "strata/http/url.h"
#include "strata/io/file_system.h"

namespace strata::registry {

struct Daemon::Parts {
  explicit Parts(Config c)
      : config(std::move(c)), trust(config.trust, clock), policy(config.policy_file) {}
  [[nodiscard]] Status start_confirmations();  // after app

  Config config;
  SystemClock clock;
  SystemRandom random;
  const std::unique_ptr<io::FileSystem> files = io::make_posix_file_system();
  Metrics metrics;
  Trust trust;
  policy::PolicyHolder policy;
  std::string url;
  // In the order in which they are made; the server goes first.
  std::unique_ptr<entries::EntryStore> store;
  std::unique_ptr<RateLimiter> posts;
  std::unique_ptr<Confirmations> confirmations;
  std::unique_ptr<App> app;
  std::unique_ptr<Router> router;
  std::unique_ptr<registry_http::Server> server;
};

Status Daemon::Parts::start_confirmations() {
  const ConfirmationSettings& settings = config.confirmation;
  if (settings.command.empty()) return {};
  STRATA_TRY(auto pending,
             PendingDocuments::open(config.data + "/pending", io::make_posix_file_system(),
                                    config.limits, clock));
  // Not all threads may wait for a mail program: others must be answered.
  auto mailer = std::make_unique<CommandMailer>(settings.command,
                                                std::max<std::size_t>(config.threads / 2, 1));
  confirmations = std::make_unique<Confirmations>(std::move(pending), std::move(mailer),
                                                  settings.from, clock, random);
  app->confirmations = confirmations.get();
  return {};
}

Daemon::Daemon(Config config) : parts_(std::make_unique<Parts>(std::move(config))) {}
Daemon::~Daemon() = default;

Status Daemon::start() {
  Parts& p = *parts_;
  STRATA_TRY(auto store, entries::open_rocksdb(p.config.data + "/entries", p.config.limits));
  STRATA_TRY(std::string store_id, open_store_id(*p.files, p.config.data + "/registry.id",
                                                 store->last_sequence(), p.random));
  p.store = std::make_unique<AnnouncingStore>(std::move(store), [&p] { p.server->wake(); });
  // One allocation with aggregate initialization; make_unique would need a constructor.
  p.app.reset(new App{p.config.limits, p.clock, *p.store, p.trust, p.metrics, p.config.public_url,
                      std::move(store_id)});
  p.app->policy = &p.policy;
  p.posts = std::make_unique<RateLimiter>(p.config.limits.posts_per_minute_max);
  p.app->posts = p.posts.get();
  if (Status status = p.start_confirmations(); !status) return status;
  p.router = std::make_unique<Router>(*p.app);
  registry_http::ServerOptions options{
      .host = p.config.host, .port = p.config.port, .threads = p.config.threads, .hosts = {}};
  if (const auto url = http::Url::parse(p.config.public_url); url) {
    options.hosts.push_back(url->host);
  }
  p.server = std::make_unique<registry_http::Server>(std::move(options), p.config.limits, *p.router,
                                                     p.metrics, p.random);
  if (Status status = p.server->bind(); !status) return status;
  const bool v6 = p.config.host.find(':') != std::string::npos;
  p.url = "http://" + (v6 ? "[" + p.config.host + "]" : p.config.host) + ":" +
          std::to_string(p.server->port());
  if (p.app->public_url.empty()) p.app->public_url = p.url;
  return p.server->start();
}

std::string Daemon::url() const {
  return parts_->url;
}

void Daemon::reload(const Config& config) {
  parts_->trust.replace(config.trust);
  parts_->config.policy_file = config.policy_file;
  reload_policy();
  log::configure(config.log_level, config.log_format);
}

void Daemon::reload_policy() {
  parts_->policy.reload(parts_->config.policy_file);
}

void Daemon::drain() {
  Parts& p = *parts_;
  if (p.app == nullptr) return;
  p.app->draining = true;
  if (!p.server->drain()) log::warn("drain.cut", {});
  p.server.reset();
  p.store.reset();  // flushes and closes
}

}  // namespace strata::registry
