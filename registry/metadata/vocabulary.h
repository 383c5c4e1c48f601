#pragma once

#include <array>
#include <string_view>

// The names of the metadata document (registry/FORMAT.md, "Metadata document").
namespace strata::metadata {

inline constexpr std::string_view kRdf = "http://www.w3.org/1999/02/22-rdf-syntax-ns#";
inline constexpr std::string_view kDcterms = "http://purl.org/dc/terms/";
inline constexpr std::string_view kSlreq = "http://mp.stratuslab.eu/slreq#";
inline constexpr std::string_view kSlterms = "http://mp.stratuslab.eu/slterms#";
inline constexpr std::string_view kStrata = "urn:strata:terms#";
inline constexpr std::string_view kDsig = "http://www.w3.org/2000/09/xmldsig#";
inline constexpr std::string_view kXml = "http://www.w3.org/XML/1998/namespace";

// The encodings a strata:stored term may name.
inline constexpr std::array<std::string_view, 4> kEncodings = {"identity", "gzip", "xz", "zstd"};

}  // namespace strata::metadata
