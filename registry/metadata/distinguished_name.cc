#include "registry/metadata/distinguished_name.h"

#include <openssl/asn1.h>
#include <openssl/obj_mac.h>
#include <openssl/objects.h>
#include <openssl/x509.h>

#include <array>
#include <utility>
#include <vector>

#include "strata/base/result.h"
#include "strata/base/text.h"

namespace strata::metadata {
namespace {

constexpr std::array<std::pair<int, std::string_view>, 9> kKeywords = {
    {{NID_commonName, "CN"},
     {NID_countryName, "C"},
     {NID_localityName, "L"},
     {NID_stateOrProvinceName, "ST"},
     {NID_organizationName, "O"},
     {NID_organizationalUnitName, "OU"},
     {NID_streetAddress, "STREET"},
     {NID_domainComponent, "DC"},
     {NID_userId, "UID"}}};

std::string_view keyword(const ASN1_OBJECT* object) {
  const int nid = OBJ_obj2nid(object);
  for (const auto& [known, word] : kKeywords) {
    if (nid == known) return word;
  }
  return {};
}

bool is_string(const ASN1_STRING* value) {
  switch (ASN1_STRING_type(value)) {
    case V_ASN1_PRINTABLESTRING:
    case V_ASN1_UTF8STRING:
    case V_ASN1_T61STRING:
    case V_ASN1_IA5STRING:
    case V_ASN1_GENERALSTRING:
    case V_ASN1_BMPSTRING:
    case V_ASN1_UNIVERSALSTRING:
      return true;
    default:
      return false;
  }
}

std::string oid_text(const ASN1_OBJECT* object) {
  std::array<char, 256> text{};
  const int size = OBJ_obj2txt(text.data(), static_cast<int>(text.size()), object, 1);
  if (size < static_cast<int>(text.size())) return text.data();
  std::string longer(static_cast<std::size_t>(size) + 1, '\0');
  OBJ_obj2txt(longer.data(), static_cast<int>(longer.size()), object, 1);
  longer.pop_back();
  return longer;
}

std::string der_hex(const ASN1_STRING* value) {
  // An ASN1_STRING of any type encodes as the ANY type that holds it.
  ASN1_TYPE any{};
  any.type = ASN1_STRING_type(value);
  any.value.asn1_string = const_cast<ASN1_STRING*>(value);
  const int size = i2d_ASN1_TYPE(&any, nullptr);
  if (size <= 0) return {};
  std::vector<std::uint8_t> der(static_cast<std::size_t>(size));
  unsigned char* out = der.data();
  i2d_ASN1_TYPE(&any, &out);
  return to_hex(der);
}

// The bytes as UTF-8; what is none becomes U+FFFD, as in Java.
std::string as_utf8(std::string_view bytes) {
  if (is_valid_utf8(bytes)) return std::string(bytes);
  std::string text;
  for (std::size_t i = 0; i < bytes.size();) {
    std::size_t length = 1;
    while (length <= 4 && !is_valid_utf8(bytes.substr(i, length))) ++length;
    text += length <= 4 ? bytes.substr(i, length) : std::string_view("\xef\xbf\xbd");
    i += length <= 4 ? length : 1;
  }
  return text;
}

std::string escape(std::string_view value) {
  const std::string_view pad = " \r";
  const std::size_t first = value.find_first_not_of(pad);
  const std::size_t last = value.find_last_not_of(pad);
  std::string escaped;
  for (std::size_t i = 0; i < value.size(); ++i) {
    const bool outside = first == std::string_view::npos || i < first || i > last;
    if (value[i] == '\0') {
      escaped += "\\00";
      continue;
    }
    if (outside || std::string_view(",=+<>#;\"\\").find(value[i]) != std::string_view::npos) {
      escaped += '\\';
    }
    escaped += value[i];
  }
  return escaped;
}

std::string attribute_text(const X509_NAME_ENTRY* entry) {
  const ASN1_OBJECT* object = X509_NAME_ENTRY_get_object(entry);
  const ASN1_STRING* value = X509_NAME_ENTRY_get_data(entry);
  const std::string_view word = keyword(object);
  if (word.empty() || !is_string(value)) {
    return (word.empty() ? oid_text(object) : std::string(word)) + "=#" + der_hex(value);
  }
  const std::string_view bytes(reinterpret_cast<const char*>(ASN1_STRING_get0_data(value)),
                               static_cast<std::size_t>(ASN1_STRING_length(value)));
  return std::string(word) + "=" + escape(as_utf8(bytes));
}

}  // namespace

std::string java_name(const X509_NAME* name) {
  std::string text;
  const int count = X509_NAME_entry_count(name);
  int end = count;
  while (end > 0) {
    int begin = end - 1;
    const int set = X509_NAME_ENTRY_set(X509_NAME_get_entry(name, begin));
    while (begin > 0 && X509_NAME_ENTRY_set(X509_NAME_get_entry(name, begin - 1)) == set) --begin;
    if (!text.empty()) text += ',';
    for (int i = begin; i < end; ++i) {
      if (i > begin) text += '+';
      text += attribute_text(X509_NAME_get_entry(name, i));
    }
    end = begin;
  }
  return text;
}

}  // namespace strata::metadata
