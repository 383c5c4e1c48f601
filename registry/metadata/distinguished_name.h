#pragma once

#include <openssl/types.h>

#include <string>

namespace strata::metadata {

// A distinguished name as Java's X500Principal.getName() prints it (RFC 2253): this text stands in
// slreq:subject and slreq:issuer. Last RDN first; keywords for CN C L ST O OU STREET DC UID only,
// every other attribute as <dotted OID>=#<hex of its DER>; UTF-8 unescaped; the members of a
// multi-valued RDN in the order of the encoding.
[[nodiscard]] std::string java_name(const X509_NAME* name);

}  // namespace strata::metadata
