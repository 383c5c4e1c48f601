#pragma once

#include <string>

#include "tests/support/metadata_forge.h"
#include "tests/support/temporary_directory.h"

// A certificate authority kept by `openssl ca`: certificates with chosen dates, revocation lists.
namespace strata::test {

// Dates as `openssl ca` takes them: YYYYMMDDhhmmssZ.
struct Term {
  std::string from = "20200101000000Z", to = "20490101000000Z";
};

class CertificateAuthority {
 public:
  // A root of its own, or a CA below `parent` (which must outlive the call only). Valid from 2020
  // to 2049.
  explicit CertificateAuthority(const std::string& name = "Authority");
  CertificateAuthority(const std::string& name, CertificateAuthority& parent);

  [[nodiscard]] Identity issue(const IdentityOptions& options, const Term& term = {});
  void revoke(const Identity& identity);
  // PEM; by default it holds from 2020 to 2049.
  [[nodiscard]] std::string revocation_list(const Term& term = {});
  [[nodiscard]] const std::string& certificate() const { return identity_.certificate; }

 private:
  void prepare(const std::string& name);

  TemporaryDirectory folder_;
  Identity identity_;
};

}  // namespace strata::test
