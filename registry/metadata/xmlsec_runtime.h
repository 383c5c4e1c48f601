#pragma once

// libxml2, xmlsec and its OpenSSL back end are set up once per process and stay until it ends.
namespace strata::metadata {

void initialize_xml();     // libxml2 only; any thread, any number of times
void initialize_xmlsec();  // both

}  // namespace strata::metadata
