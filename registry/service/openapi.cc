#include "registry/service/openapi.h"

#include <boost/json.hpp>

#include "registry/service/openapi_paths.h"
#include "strata/base/version.h"

namespace strata::registry {

namespace json = boost::json;

std::string openapi_document(const std::string& public_url) {
  json::object paths;
  for (const std::string_view part : openapi_paths()) {
    const json::value parsed = json::parse(part);
    for (const auto& [path, item] : parsed.as_object()) paths[path] = item;
  }
  const json::object document{
      {"openapi", "3.1.0"},
      {"info",
       {{"title", "Strata registry"},
        {"version", kVersion},
        {"description", "Signed metadata of disk images. HEAD is answered wherever GET is."}}},
      {"servers", json::array{json::object{{"url", public_url}}}},
      {"paths", std::move(paths)},
      {"components", json::parse(openapi_components())}};
  return json::serialize(document) + "\n";
}

}  // namespace strata::registry
