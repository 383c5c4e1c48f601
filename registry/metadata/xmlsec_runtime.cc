#include "registry/metadata/xmlsec_runtime.h"

#include <libxml/parser.h>
#include <libxml/xmlerror.h>
#include <xmlsec/crypto.h>
#include <xmlsec/errors.h>
#include <xmlsec/xmlsec.h>

#include <mutex>

#include "strata/base/result.h"

namespace strata::metadata {
namespace {

// Both would print to stderr what a stranger's document makes them say; our Result answers.
void ignore_xml_error(void*, xmlError*) {}
void ignore_xmlsec_error(const char*, int, const char*, const char*, const char*, int,
                         const char*) {}

}  // namespace

void initialize_xml() {
  // libxml2 keeps its error handler per thread.
  thread_local const bool silenced = [] {
    xmlSetStructuredErrorFunc(nullptr, ignore_xml_error);
    return true;
  }();
  (void)silenced;
  static std::once_flag once;
  std::call_once(once, [] {
    xmlInitParser();
    xmlSetExternalEntityLoader(xmlNoNetExternalEntityLoader);
  });
}

void initialize_xmlsec() {
  initialize_xml();
  static std::once_flag once;
  std::call_once(once, [] {
    check(xmlSecInit() >= 0, "xmlSecInit failed");
    check(xmlSecCheckVersion() == 1, "xmlsec headers and library differ");
    check(xmlSecCryptoAppInit(nullptr) >= 0, "xmlSecCryptoAppInit failed");
    check(xmlSecCryptoInit() >= 0, "xmlSecCryptoInit failed");
    xmlSecErrorsSetCallback(ignore_xmlsec_error);
  });
}

}  // namespace strata::metadata
