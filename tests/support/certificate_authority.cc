#include "tests/support/certificate_authority.h"

#include <fstream>

#include "tests/support/tool.h"

namespace strata::test {
namespace {

void write(const std::string& path, const std::string& text) {
  std::ofstream(path, std::ios::binary) << text;
}

// $D is the authority's folder.
constexpr const char* kConfiguration = R"([ca]
default_ca = own
[own]
database = $ENV::D/index.txt
serial = $ENV::D/serial
crlnumber = $ENV::D/crlnumber
new_certs_dir = $ENV::D
certificate = $ENV::D/ca.pem
private_key = $ENV::D/ca.key
default_md = sha256
policy = any
copy_extensions = copy
unique_subject = no
[any]
organizationName = optional
commonName = supplied
[authority]
basicConstraints = critical,CA:TRUE
keyUsage = critical,keyCertSign,cRLSign
[endorser]
basicConstraints = CA:FALSE
[stranger]
keyUsage = critical,keyAgreement
)";

}  // namespace

void CertificateAuthority::prepare(const std::string& name) {
  write(folder_.path() + "/ca.cnf", kConfiguration);
  write(folder_.path() + "/index.txt", "");
  write(folder_.path() + "/serial", "1000\n");
  write(folder_.path() + "/crlnumber", "01\n");
  (void)run_tool("cd " + folder_.path() +
                 " && openssl req -nodes -newkey ec -pkeyopt ec_paramgen_curve:P-256 -keyout "
                 "ca.key -out ca.csr -subj '/O=Example/CN=" +
                 name + "' 2> /dev/null");
}

CertificateAuthority::CertificateAuthority(const std::string& name) {
  prepare(name);
  (void)run_tool("cd " + folder_.path() + " && D=. openssl ca -batch -notext -config ca.cnf " +
                 "-selfsign -keyfile ca.key -in ca.csr -out ca.pem -extensions authority "
                 "-startdate 20200101000000Z -enddate 20490101000000Z 2> /dev/null");
  identity_ = {read_file(folder_.path() + "/ca.key"), read_file(folder_.path() + "/ca.pem")};
}

CertificateAuthority::CertificateAuthority(const std::string& name, CertificateAuthority& parent) {
  prepare(name);
  (void)run_tool("cd " + parent.folder_.path() + " && D=. openssl ca -batch -notext " +
                 "-config ca.cnf -in " + folder_.path() + "/ca.csr -out " + folder_.path() +
                 "/ca.pem -extensions authority -startdate 20200101000000Z "
                 "-enddate 20490101000000Z 2> /dev/null");
  identity_ = {read_file(folder_.path() + "/ca.key"), read_file(folder_.path() + "/ca.pem")};
}

Identity CertificateAuthority::issue(const IdentityOptions& options, const Term& term) {
  const std::string san =
      options.email.empty() ? "" : " -addext 'subjectAltName=email:" + options.email + "'";
  (void)run_tool("cd " + folder_.path() + " && openssl req -utf8 -nodes -newkey " + options.key +
                 " -keyout key.pem -out request.pem -subj '" + options.subject + "'" + san +
                 " 2> /dev/null && D=. openssl ca -batch -notext -config ca.cnf -md " +
                 options.digest + " -in request.pem -out cert.pem -extensions " +
                 (options.may_sign ? "endorser" : "stranger") + " -startdate " + term.from +
                 " -enddate " + term.to + " 2> /dev/null");
  return {read_file(folder_.path() + "/key.pem"), read_file(folder_.path() + "/cert.pem")};
}

void CertificateAuthority::revoke(const Identity& identity) {
  write(folder_.path() + "/revoked.pem", identity.certificate);
  (void)run_tool("cd " + folder_.path() +
                 " && D=. openssl ca -config ca.cnf -revoke revoked.pem 2> /dev/null");
}

std::string CertificateAuthority::revocation_list(const Term& term) {
  return run_tool("cd " + folder_.path() + " && D=. openssl ca -config ca.cnf -gencrl " +
                  "-crl_lastupdate " + term.from + " -crl_nextupdate " + term.to + " 2> /dev/null");
}

}  // namespace strata::test
