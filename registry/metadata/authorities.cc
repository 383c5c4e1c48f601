#include "strata/metadata/authorities.h"

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509_vfy.h>
#include <openssl/x509v3.h>

#include <algorithm>
#include <array>
#include <limits>
#include <optional>
#include <vector>

#include "registry/metadata/certificate.h"
#include "registry/metadata/certificate_cache.h"
#include "strata/base/text.h"

namespace strata::metadata {
namespace {

struct StoreFree {
  void operator()(X509_STORE* store) const { X509_STORE_free(store); }
  void operator()(X509_STORE_CTX* context) const { X509_STORE_CTX_free(context); }
  void operator()(STACK_OF(X509_INFO) * infos) const {
    sk_X509_INFO_pop_free(infos, X509_INFO_free);
  }
};
using StorePtr = std::unique_ptr<X509_STORE, StoreFree>;
using ContextPtr = std::unique_ptr<X509_STORE_CTX, StoreFree>;
using InfosPtr = std::unique_ptr<STACK_OF(X509_INFO), StoreFree>;

// 112 bits: RSA 2048, P-256, SHA-256. SHA-1 and MD5 have less.
constexpr int kSecurityLevel = 2;

UnixMillis millis_of(const ASN1_TIME* time) {
  std::tm parts{};
  if (time == nullptr || ASN1_TIME_to_tm(time, &parts) != 1) return 0;
  return static_cast<UnixMillis>(timegm(&parts)) * 1000;
}

constexpr UnixMillis kEarliest = std::numeric_limits<UnixMillis>::min();
constexpr UnixMillis kLatest = std::numeric_limits<UnixMillis>::max();

// A file of PEM blocks, and what may stand in it.
struct PemKind {
  std::string_view key;  // of the configuration
  std::array<std::string_view, 3> names;
  std::string_view rule;
};
constexpr PemKind kCertificateFile = {
    "trust.ca_file",
    {"CERTIFICATE", "X509 CERTIFICATE", "TRUSTED CERTIFICATE"},
    "it may hold certificates only; revocation lists belong into trust.crl_file, keys nowhere"};
constexpr PemKind kListFile = {
    "trust.crl_file", {"X509 CRL", "", ""}, "it may hold revocation lists (X509 CRL) only"};

Error wrong_file(const PemKind& kind, const std::string& why) {
  return {Errc::kUsage, std::string(kind.key) + ": " + why};
}

// OpenSSL passes over blocks whose name it does not know, so that a list under a misspelt name
// would be none. Whatever looks like the begin of a block must be one of this kind.
Result<std::size_t> count_blocks(std::string_view pem, const PemKind& kind) {
  std::size_t count = 0;
  for (std::string_view line : split(pem, '\n')) {
    if (line.find("-BEGIN") == line.npos) continue;
    constexpr std::string_view kBegin = "-----BEGIN ", kEnd = "-----";
    while (!line.empty() && static_cast<unsigned char>(line.back()) <= ' ') line.remove_suffix(1);
    std::string_view name;
    if (line.starts_with(kBegin) && line.ends_with(kEnd) &&
        line.size() > kBegin.size() + kEnd.size()) {
      name = line.substr(kBegin.size(), line.size() - kBegin.size() - kEnd.size());
    }
    if (name.empty() || std::ranges::find(kind.names, name) == kind.names.end()) {
      return wrong_file(kind, std::string(kind.rule) + ", and a line is '" +
                                  std::string(line.substr(0, 80)) + "'");
    }
    ++count;
  }
  return count;
}

Result<InfosPtr> read_pem(std::string_view pem, const PemKind& kind) {
  STRATA_TRY(const std::size_t blocks, count_blocks(pem, kind));
  const BioPtr bio(BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size())));
  check(bio != nullptr, "OpenSSL has no memory");
  InfosPtr infos(PEM_X509_INFO_read_bio(bio.get(), nullptr, nullptr, nullptr));
  ERR_clear_error();
  if (infos == nullptr || static_cast<std::size_t>(sk_X509_INFO_num(infos.get())) != blocks) {
    return wrong_file(kind, "a broken PEM block");
  }
  return infos;
}

std::string name_text(const X509_NAME* name) {
  const BioPtr bio(BIO_new(BIO_s_mem()));
  check(bio != nullptr, "OpenSSL has no memory");
  X509_NAME_print_ex(bio.get(), name, 0, XN_FLAG_RFC2253);
  char* text = nullptr;
  const long size = BIO_get_mem_data(bio.get(), &text);
  return std::string(text, static_cast<std::size_t>(size));
}

std::string subject_of(const X509* certificate) {
  return name_text(X509_get_subject_name(certificate));
}

// What a verification that looks at revocation found; the callback fills it.
struct Findings {
  bool revoked = false;
  std::string problem;  // the first that is not about certificate dates
};

int note_finding(int ok, X509_STORE_CTX* context) {
  if (ok == 1) return 1;
  auto& findings = *static_cast<Findings*>(X509_STORE_CTX_get_app_data(context));
  const int error = X509_STORE_CTX_get_error(context);
  if (error == X509_V_ERR_CERT_REVOKED) {
    findings.revoked = true;
  } else if (error != X509_V_ERR_CERT_HAS_EXPIRED && error != X509_V_ERR_CERT_NOT_YET_VALID &&
             findings.problem.empty()) {
    const X509* at = X509_STORE_CTX_get_current_cert(context);
    findings.problem = std::string(X509_verify_cert_error_string(error)) +
                       (at == nullptr ? "" : ", for " + subject_of(at));
  }
  X509_STORE_CTX_set_error(context, X509_V_OK);
  return 1;  // go on: a revocation found later outweighs a list that is out of date
}

struct Certificates {
  StorePtr store;
  std::size_t count = 0;
  bool has_root = false;
};

Status add_authority(Certificates& into, X509* certificate) {
  const std::string who = subject_of(certificate);
  if (X509_check_ca(certificate) <= 0) {
    return Error(Errc::kUsage, "trust.ca_file: the certificate of " + who +
                                   " is not one of a CA; an endorser is pinned by its fingerprint "
                                   "in trust.endorsers");
  }
  into.has_root = into.has_root || X509_self_signed(certificate, 1) == 1;
  check(X509_STORE_add_cert(into.store.get(), certificate) == 1, "OpenSSL has no memory");
  ++into.count;
  return {};
}

Result<Certificates> read_authorities(std::string_view pem, const Limits& limits) {
  STRATA_TRY(const InfosPtr infos, read_pem(pem, kCertificateFile));
  Certificates read{StorePtr(X509_STORE_new())};
  check(read.store != nullptr, "OpenSSL has no memory");
  for (int i = 0; i < sk_X509_INFO_num(infos.get()); ++i) {
    const X509_INFO* info = sk_X509_INFO_value(infos.get(), i);
    X509* certificate = info->x509;
    if (certificate == nullptr || info->crl != nullptr || info->x_pkey != nullptr) {
      return wrong_file(kCertificateFile, std::string(kCertificateFile.rule));
    }
    if (Status status = add_authority(read, certificate); !status) return status.error();
  }
  if (!read.has_root) {
    return Error(Errc::kUsage,
                 "trust.ca_file: there is no self-signed CA certificate: a chain must end in one");
  }
  X509_VERIFY_PARAM* rules = X509_STORE_get0_param(read.store.get());
  X509_VERIFY_PARAM_set_depth(rules, static_cast<int>(limits.certificate_chain_max));
  X509_VERIFY_PARAM_set_auth_level(rules, kSecurityLevel);
  return read;
}

// One of the authorities signed it; else it would be passed over silently.
bool is_signed_by_one(X509_CRL* list, X509_STORE* store) {
  STACK_OF(X509_OBJECT)* objects = X509_STORE_get0_objects(store);
  for (int i = 0; i < sk_X509_OBJECT_num(objects); ++i) {
    const X509* authority = X509_OBJECT_get0_X509(sk_X509_OBJECT_value(objects, i));
    if (authority != nullptr &&
        X509_NAME_cmp(X509_get_subject_name(authority), X509_CRL_get_issuer(list)) == 0 &&
        X509_CRL_verify(list, X509_get0_pubkey(authority)) == 1) {
      return true;
    }
  }
  return false;
}

struct Lists {
  std::size_t count = 0;
  // When one begins to hold or runs out: between two of these nothing about them changes.
  std::vector<UnixMillis> changes;

  [[nodiscard]] UnixMillis next_change(UnixMillis now) const {
    UnixMillis next = kLatest;
    for (const UnixMillis change : changes) {
      if (change > now) next = std::min(next, change);
    }
    return next;
  }
};

Result<Lists> add_lists(X509_STORE* store, std::string_view pem) {
  Lists lists;
  if (pem.empty()) return lists;
  STRATA_TRY(const InfosPtr infos, read_pem(pem, kListFile));
  for (int i = 0; i < sk_X509_INFO_num(infos.get()); ++i) {
    const X509_INFO* info = sk_X509_INFO_value(infos.get(), i);
    X509_CRL* list = info->crl;
    if (list == nullptr || info->x509 != nullptr) {
      return wrong_file(kListFile, std::string(kListFile.rule));
    }
    const std::string who = name_text(X509_CRL_get_issuer(list));
    if (!is_signed_by_one(list, store)) {
      ERR_clear_error();
      return Error(Errc::kUsage, "trust.crl_file: the list of " + who +
                                     " is not signed by a CA of trust.ca_file");
    }
    if (X509_CRL_get0_nextUpdate(list) == nullptr) {
      return Error(Errc::kUsage, "trust.crl_file: the list of " + who +
                                     " does not say until when it holds (nextUpdate)");
    }
    lists.changes.push_back(millis_of(X509_CRL_get0_lastUpdate(list)));
    lists.changes.push_back(millis_of(X509_CRL_get0_nextUpdate(list)));
    check(X509_STORE_add_crl(store, list) == 1, "OpenSSL has no memory");
    ++lists.count;
  }
  if (lists.count == 0) {
    return Error(Errc::kUsage, "trust.crl_file: it holds no revocation list (PEM X509 CRL)");
  }
  return lists;
}

// Whatever `created` says and whenever it is asked.
Verdict always(Verdict::Kind kind, std::string reason) {
  return {.kind = kind,
          .reason = std::move(reason),
          .from = kEarliest,
          .to = kLatest,
          .recheck = kLatest};
}

// Nobody in the bundle has the issuer's name and key: no date changes that. A chain that ends
// higher up may be another one at another time.
bool is_without_issuer(X509_STORE_CTX* look) {
  const int error = X509_STORE_CTX_get_error(look);
  return X509_STORE_CTX_get_error_depth(look) == 0 &&
         (error == X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT ||
          error == X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY);
}

}  // namespace

struct Authorities::Impl {
  StorePtr store;
  std::size_t certificates = 0;
  Lists lists;

  [[nodiscard]] ContextPtr context(X509* certificate, UnixMillis at) const {
    ContextPtr made(X509_STORE_CTX_new());
    check(
        made != nullptr && X509_STORE_CTX_init(made.get(), store.get(), certificate, nullptr) == 1,
        "OpenSSL has no memory");
    X509_VERIFY_PARAM_set_time(X509_STORE_CTX_get0_param(made.get()),
                               static_cast<std::time_t>(at / 1000));
    return made;
  }

  // By the lists as they are now; certificate dates are the other look's matter.
  [[nodiscard]] Findings look_for_revocation(X509* certificate, UnixMillis now) const {
    Findings findings;
    const ContextPtr look = context(certificate, now);
    X509_VERIFY_PARAM_set_flags(X509_STORE_CTX_get0_param(look.get()),
                                X509_V_FLAG_CRL_CHECK | X509_V_FLAG_CRL_CHECK_ALL);
    X509_STORE_CTX_set_app_data(look.get(), &findings);
    X509_STORE_CTX_set_verify_cb(look.get(), note_finding);
    if (X509_verify_cert(look.get()) != 1 && findings.problem.empty()) {
      findings.problem = "the chain cannot be looked at";
    }
    ERR_clear_error();
    return findings;
  }

  [[nodiscard]] Verdict look_for_chain(X509* certificate, UnixMillis created) const {
    const ContextPtr look = context(certificate, created);
    if (X509_verify_cert(look.get()) != 1) {
      const X509* at = X509_STORE_CTX_get_current_cert(look.get());
      const std::string reason =
          X509_verify_cert_error_string(X509_STORE_CTX_get_error(look.get())) +
          (at == nullptr ? "" : ", for " + subject_of(at));
      ERR_clear_error();
      constexpr const char* kNoChain = "it has no chain to a CA of this registry";
      if (is_without_issuer(look.get())) {
        return always(Verdict::Kind::kUnknown, std::string(kNoChain) + ": " + reason);
      }
      return {.kind = Verdict::Kind::kUnknown,
              .reason = kNoChain + (" that holds at " + format_rfc3339(created)) + ": " + reason,
              .from = created,
              .to = created,
              .recheck = kLatest};
    }
    Verdict verdict{.kind = Verdict::Kind::kChains, .to = kLatest, .recheck = kLatest};
    const STACK_OF(X509)* chain = X509_STORE_CTX_get0_chain(look.get());
    for (int i = 0; i < sk_X509_num(chain); ++i) {
      const X509* link = sk_X509_value(chain, i);
      verdict.from = std::max(verdict.from, millis_of(X509_get0_notBefore(link)));
      verdict.to = std::min(verdict.to, millis_of(X509_get0_notAfter(link)));
    }
    return verdict;
  }
};

Result<Authorities> Authorities::load(std::string_view certificates,
                                      std::string_view revocation_lists, const Limits& limits) {
  auto impl = std::make_shared<Impl>();
  STRATA_TRY(Certificates read, read_authorities(certificates, limits));
  impl->store = std::move(read.store);
  impl->certificates = read.count;
  STRATA_TRY(impl->lists, add_lists(impl->store.get(), revocation_lists));
  return Authorities(std::move(impl));
}

Verdict Authorities::judge(std::span<const std::uint8_t> certificate, UnixMillis created,
                           UnixMillis now) const {
  const auto read = shared_certificate(certificate);
  if (!read) return always(Verdict::Kind::kUnknown, read.error().detail());
  X509* x509 = (*read)->x509.get();
  // First: that it was revoked must be found whatever else is wrong with it.
  Findings findings;
  if (impl_->lists.count > 0) findings = impl_->look_for_revocation(x509, now);
  if (findings.revoked) return always(Verdict::Kind::kRevoked, "its CA has revoked it");
  // An absent extension allows all.
  if ((X509_get_key_usage(x509) & (KU_DIGITAL_SIGNATURE | KU_NON_REPUDIATION)) == 0) {
    return always(Verdict::Kind::kUnknown, "its key usage does not allow signatures");
  }
  Verdict verdict = impl_->look_for_chain(x509, created);
  if (verdict.kind != Verdict::Kind::kChains) return verdict;
  verdict.recheck = impl_->lists.next_change(now);
  if (!findings.problem.empty()) {
    verdict.kind = Verdict::Kind::kUnknown;
    verdict.reason = "whether its CA has revoked it cannot be told: " + findings.problem;
  }
  return verdict;
}

std::size_t Authorities::certificates() const {
  return impl_->certificates;
}

std::size_t Authorities::revocation_lists() const {
  return impl_->lists.count;
}

}  // namespace strata::metadata
