#include "tests/support/metadata_forge.h"

#include <fstream>

#include "tests/support/metadata_samples.h"
#include "tests/support/temporary_directory.h"
#include "tests/support/tool.h"

namespace strata::test {
namespace {

void write_file(const std::string& path, std::string_view text) {
  std::ofstream(path, std::ios::binary) << text;
}

// The certificate extension, or nothing.
std::string alternative_name(const IdentityOptions& options) {
  return options.email.empty() ? "" : " -addext 'subjectAltName=email:" + options.email + "'";
}

std::string request(const std::string& folder, const IdentityOptions& options) {
  return "openssl req -utf8 -multivalue-rdn -nodes -newkey " + options.key + " -keyout " + folder +
         "/key.pem -subj '" + options.subject + "' -" + options.digest + alternative_name(options);
}

}  // namespace

Identity make_identity(const IdentityOptions& options) {
  const TemporaryDirectory folder;
  const std::string& path = folder.path();
  (void)run_tool(request(path, options) + " -x509 -days 365 -out " + path +
                 "/cert.pem 2> /dev/null");
  return {read_file(path + "/key.pem"), read_file(path + "/cert.pem")};
}

Identity issue_identity(const Identity& issuer, const IdentityOptions& options) {
  const TemporaryDirectory folder;
  const std::string& path = folder.path();
  write_file(path + "/ca.key", issuer.key);
  write_file(path + "/ca.pem", issuer.certificate);
  (void)run_tool(request(path, options) + " -out " + path + "/request.pem 2> /dev/null");
  (void)run_tool("openssl x509 -req -copy_extensions copy -days 365 -in " + path +
                 "/request.pem -CA " + path + "/ca.pem -CAkey " + path + "/ca.key -" +
                 options.digest + " -out " + path + "/cert.pem 2> /dev/null");
  return {read_file(path + "/key.pem"), read_file(path + "/cert.pem")};
}

std::string endorsed_document(std::string_view email, std::string_view name) {
  metadata::ImageMetadata sample = sample_metadata();
  const UnixMillis now = SystemClock().now() / 1000 * 1000;
  sample.endorsement =
      metadata::Endorsement{now, std::string(email), std::string(name), {std::string(name)}};
  return metadata::build(sample);
}

std::string SignatureTemplate::text() const {
  const std::string steps = transforms.empty() ? "" : "<Transforms>" + transforms + "</Transforms>";
  return "<Signature xmlns=\"http://www.w3.org/2000/09/xmldsig#\"><SignedInfo>"
         "<CanonicalizationMethod Algorithm=\"" +
         c14n +
         "\"/>"
         "<SignatureMethod Algorithm=\"" +
         method +
         "\"/>"
         "<Reference URI=\"" +
         uri + "\">" + steps + "<DigestMethod Algorithm=\"" + digest +
         "\"/><DigestValue/></Reference></SignedInfo>"
         "<SignatureValue/><KeyInfo>" +
         key_info + "</KeyInfo>" + object + "</Signature>";
}

std::string pem_body(const std::string& pem) {
  const std::size_t begin = pem.find('\n') + 1;
  return pem.substr(begin, pem.find("-----END") - begin);
}

std::string appended(const std::string& document, std::string_view element) {
  return replaced(document, "</rdf:RDF>", std::string(element) + "</rdf:RDF>");
}

std::string xmlsec1_sign(const std::string& document, const Identity& identity,
                         const std::string& options) {
  const TemporaryDirectory folder;
  const std::string& path = folder.path();
  write_file(path + "/key.pem", identity.key);
  write_file(path + "/cert.pem", identity.certificate);
  return run_tool("cat > " + path + "/in.xml; xmlsec1 --sign " + options + " --privkey-pem " +
                      path + "/key.pem," + path + "/cert.pem --output /dev/stdout " + path +
                      "/in.xml",
                  document);
}

std::string xmlsec1_signed(const Identity& identity, const SignatureTemplate& form) {
  return xmlsec1_sign(appended(endorsed_document(), form.text()), identity);
}

bool xmlsec1_verifies(const std::string& document, const std::string& certificate) {
  const TemporaryDirectory folder;
  const std::string& path = folder.path();
  write_file(path + "/cert.pem", certificate);
  write_file(path + "/doc.xml", document);
  return run_tool("xmlsec1 --verify --pubkey-cert-pem " + path + "/cert.pem " + path +
                  "/doc.xml > /dev/null 2>&1 && echo yes || echo no") == "yes\n";
}

}  // namespace strata::test
