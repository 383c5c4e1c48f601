#include <set>

#include "../support/registry_fixture.h"
#include "strata/base/text.h"

// /openapi.json says what there is.
namespace strata::test {
namespace {

namespace json = boost::json;

class RegistryOpenApiTest : public RegistryFixture {
 protected:
  json::value document_ = json::parse(daemon_->get("/openapi.json").body);

  // What "#/a/b" stands for; null and a failed test for nothing.
  json::value resolve(const json::value& value) {
    if (!value.is_object() || !value.as_object().contains("$ref")) return value;
    const json::string& reference = value.at("$ref").as_string();
    boost::system::error_code error;
    const json::value* found = document_.find_pointer(
        std::string_view(reference.data(), reference.size()).substr(1), error);
    EXPECT_NE(found, nullptr) << reference;
    return found == nullptr ? json::value() : *found;
  }
  void resolve_all(const json::value& value) {
    (void)resolve(value);
    if (value.is_object()) {
      for (const auto& [key, item] : value.as_object()) resolve_all(item);
    } else if (value.is_array()) {
      for (const auto& item : value.as_array()) resolve_all(item);
    }
  }
};

std::string with_values(std::string path, const std::string& identifier) {
  const std::pair<std::string, std::string> values[] = {{"{a}", identifier},
                                                        {"{b}", "ops@images.example"},
                                                        {"{email}", "ops@images.example"},
                                                        {"{identifier}", identifier},
                                                        {"{created}", "2024-05-01T12:00:00Z"},
                                                        {"{tag}", "stable"},
                                                        {"{index}", "index"},
                                                        {"{id}", "x"},
                                                        {"{token}", "x"},
                                                        {"{command}", "confirm"}};
  for (const auto& [name, value] : values) {
    if (path.find(name) != std::string::npos) path = replaced(path, name, value);
  }
  return path;
}

TEST_F(RegistryOpenApiTest, DescribesRoutesThatAreThere) {
  auto image = image_of("1", "Debian");
  image.tags = {"stable"};
  image.format = "raw";
  image.locations = {"http://images.example/1"};
  publish(image);
  EXPECT_EQ(document_.at("servers").at(0).at("url"), json::string(daemon_->url()));
  resolve_all(document_);
  for (const auto& [path, item] : document_.at("paths").as_object()) {
    const std::string target = with_values(std::string(path), image.identifier.text());
    EXPECT_EQ(target.find('{'), std::string::npos) << target;
    for (const auto& [method, operation] : item.as_object()) {
      std::set<std::string> named;
      if (const auto* parameters = operation.as_object().if_contains("parameters")) {
        for (const auto& reference : parameters->as_array()) {
          const json::value parameter = resolve(reference);
          if (parameter.at("in") == "path") {
            named.insert("{" + std::string(parameter.at("name").as_string()) + "}");
          }
        }
      }
      for (const std::string_view segment : split(path, '/')) {
        if (segment.starts_with('{')) {
          EXPECT_EQ(named.erase(std::string(segment)), 1U) << path;
        }
      }
      EXPECT_TRUE(named.empty()) << path;
      if (method != "get") continue;
      const auto answer = daemon_->get(target);
      const auto& responses = operation.at("responses").as_object();
      const std::string status = std::to_string(answer.head.status);
      EXPECT_TRUE(responses.contains(status)) << target << " answers " << status;
      if (answer.head.status != 200) continue;
      const json::value response = resolve(responses.at("200"));
      const std::string type = header(answer, "Content-Type");
      EXPECT_TRUE(response.at("content").as_object().contains(type.substr(0, type.find(';'))))
          << target << ": " << type;
    }
  }
}

// The other way round: what the router knows, and the keys that strict routes know.
TEST_F(RegistryOpenApiTest, DescribesAllRoutesAndKeys) {
  std::set<std::string> paths;
  for (const auto& [path, item] : document_.at("paths").as_object()) paths.insert(path);
  for (const char* path : {"/",
                           "/metadata",
                           "/metadata/{a}",
                           "/metadata/{a}/{b}",
                           "/metadata/{identifier}/{email}/{created}",
                           "/tag/{email}/{tag}",
                           "/endorsers",
                           "/endorsers/{email}",
                           "/endorsers/{email}/tags",
                           "/query",
                           "/sync",
                           "/action/{id}/{command}",
                           "/upload",
                           "/static/style.css",
                           "/healthz",
                           "/readyz",
                           "/metrics",
                           "/openapi.json",
                           "/v1/entries",
                           "/v1/changes",
                           "/v1/policy/{identifier}",
                           "/v1/confirmations/{token}",
                           "/v1/virt-builder/{index}",
                           "/v1/virt-builder/images/{identifier}/{email}/{created}"}) {
    EXPECT_TRUE(paths.contains(path)) << path;
  }
  for (const char* path : {"/v1/entries", "/v1/changes", "/v1/virt-builder/{index}"}) {
    for (const auto& reference :
         document_.at("paths").at(path).at("get").at("parameters").as_array()) {
      const json::value parameter = resolve(reference);
      if (parameter.at("in") != "query") continue;
      // An empty value counts as absent, so only an unknown key is refused.
      const std::string target =
          with_values(path, "") + "?" + std::string(parameter.at("name").as_string()) + "=";
      EXPECT_EQ(status_of(target), 200) << target;
    }
  }
}

// What an answer holds is described, name by name.
TEST_F(RegistryOpenApiTest, DescribesWhatAnswersHold) {
  publish(image_of("1", "Debian"));
  const json::object& schemas = document_.at("components").at("schemas").as_object();
  const auto names = [](const json::value& value) {
    std::set<std::string> keys;
    for (const auto& [key, item] : value.as_object()) keys.insert(key);
    return keys;
  };
  const auto described = [&](const char* schema) {
    return names(schemas.at(schema).at("properties"));
  };
  const json::object page = search("");
  EXPECT_EQ(names(page), described("Page"));
  EXPECT_EQ(names(page.at("entries").at(0)), described("Entry"));
  EXPECT_EQ(names(page.at("entries").at(0).at("signature")),
            names(schemas.at("Entry").at("properties").at("signature").at("properties")));
  const json::object changes = get_json("/v1/changes");
  EXPECT_EQ(names(changes), described("Changes"));
  EXPECT_EQ(names(changes.at("changes").at(0)), described("Change"));
  EXPECT_EQ(names(json::parse(daemon_->get("/nonsense").body)), described("Problem"));
}

}  // namespace
}  // namespace strata::test
