// GET /v1/policy of the real strata-registry, and its reload.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <boost/json.hpp>
#include <fstream>

#include "../support/configured_registry.h"

namespace strata::test {
namespace {

namespace json = boost::json;
using testing::HasSubstr;

class RegistryPolicyTest : public testing::Test {
 protected:
  void start() {
    std::ofstream(folder_.path() + "/registry.toml")
        << "[policy]\nfile = \"" << policy_path() << "\"\n";
    daemon_ = std::make_unique<DaemonProcess>(
        registry_command(folder_.path(), {"--config", folder_.path() + "/registry.toml"}));
  }
  [[nodiscard]] std::string policy_path() const { return folder_.path() + "/policy.toml"; }
  void write_policy(const std::string& text) const { std::ofstream(policy_path()) << text; }
  void publish(const std::string& email, UnixMillis created) {
    const auto response =
        daemon_->send(post_of(signed_document(image_, sample_endorser(email), created)));
    ASSERT_EQ(response.head.status, 201) << response.body;
  }
  json::object decision(const std::string& identifier) {
    const auto response = daemon_->get("/v1/policy/" + identifier);
    EXPECT_EQ(response.head.status, 200) << response.body;
    return json::parse(response.body).as_object();
  }

  TemporaryDirectory folder_;
  metadata::ImageMetadata image_ = image_of("content");
  std::unique_ptr<DaemonProcess> daemon_;
};

TEST_F(RegistryPolicyTest, DecidesOverCurrentEntriesAndReloads) {
  write_policy("endorsers.deny = ['a@x.example']\n");
  start();
  const std::string id = image_.identifier.text();
  json::object none = decision(id);
  EXPECT_FALSE(none.at("accepted").as_bool());
  EXPECT_TRUE(none.at("entry").is_null());
  EXPECT_THAT(std::string(none.at("reason").as_string()), HasSubstr("there is no entry"));
  publish("a@x.example", kSampleTime);
  publish("b@x.example", kSampleTime);
  json::object accepted = decision(id);
  EXPECT_TRUE(accepted.at("accepted").as_bool());
  EXPECT_EQ(accepted.at("entry").as_string(),
            daemon_->url() + "/metadata/" + id + "/b@x.example/2024-05-01T12:00:00Z");
  EXPECT_EQ(accepted.at("results").as_array().size(), 2U);

  write_policy("images.deny = ['" + id + "']\n");
  daemon_->signal(SIGHUP);
  ASSERT_TRUE(daemon_->wait_for_log("reloaded"));
  const json::object denied = decision(id);
  EXPECT_FALSE(denied.at("accepted").as_bool());
  for (const json::value& result : denied.at("results").as_array()) {
    EXPECT_FALSE(result.at("accepted").as_bool());
  }
  write_policy("images.deni = []\n");
  daemon_->signal(SIGHUP);
  ASSERT_TRUE(daemon_->wait_for_log("policy.broken"));
  const std::string reason{decision(id).at("reason").as_string()};
  EXPECT_THAT(reason, HasSubstr("everything is refused: policy:1: unknown key 'images.deni'"));
}

// A deprecating entry is current: the one before it does not come back.
TEST_F(RegistryPolicyTest, ADeprecatedImageIsRefused) {
  write_policy("");
  start();
  publish("a@x.example", kSampleTime);
  EXPECT_TRUE(decision(image_.identifier.text()).at("accepted").as_bool());
  image_.deprecated = "broken";
  publish("a@x.example", kSampleTime + 1000);
  const json::object refused = decision(image_.identifier.text());
  EXPECT_FALSE(refused.at("accepted").as_bool());
  EXPECT_THAT(json::serialize(refused), HasSubstr("deprecated: broken"));
}

TEST_F(RegistryPolicyTest, WithoutAPolicyTheProblemNamesTheConfiguration) {
  daemon_ = std::make_unique<DaemonProcess>(registry_command(folder_.path()));
  const auto response = daemon_->get("/v1/policy/" + image_.identifier.text());
  EXPECT_EQ(response.head.status, 404);
  EXPECT_THAT(response.body, HasSubstr("[policy] file"));
}

TEST_F(RegistryPolicyTest, NamesThatAreNoIdentifiers) {
  write_policy("");
  start();
  EXPECT_EQ(daemon_->get("/v1/policy/abc").head.status, 400);
  EXPECT_EQ(daemon_->get("/v1/policy").head.status, 404);
  EXPECT_EQ(daemon_->get("/v1/policy/a/b").head.status, 404);
  EXPECT_THAT(daemon_->get("/openapi.json").body, HasSubstr("/v1/policy/{identifier}"));
}

// With rules of trust of its own.
class RegistryPolicyTrust : public ConfiguredRegistry {
 protected:
  std::string with_policy(const std::string& policy, const std::string& more) const {
    return "[policy]\nfile = \"" + file("policy.toml", policy) + "\"\n" + more;
  }
  [[nodiscard]] json::object decision() const {
    const auto response = daemon_->get("/v1/policy/" + image_of("1").identifier.text());
    EXPECT_EQ(response.head.status, 200) << response.body;
    return json::parse(response.body).as_object();
  }
  static std::string listed(const std::string& endorsers) {
    return "[trust]\nmode = \"listed\"\nendorsers = [" + endorsers + "]\n";
  }
};

// Accepted under rules that no longer hold: such an entry is shown as not trusted, and so it
// counts.
TEST_F(RegistryPolicyTrust, WhomTheRegistryDoesNotTrustNowDoesNotCount) {
  const Identity a = make_identity({.email = "a@x.example"});
  const Identity b = make_identity({.email = "b@x.example"});
  const std::string policy = "quorum.count = 2\n";
  start(with_policy(policy, listed("'a@x.example', 'b@x.example'")));
  accepted(document_by(a, "1"));
  accepted(document_by(b, "1"));
  EXPECT_TRUE(decision().at("accepted").as_bool());
  reload(with_policy(policy, listed("'b@x.example'")));
  const json::object refused = decision();
  EXPECT_FALSE(refused.at("accepted").as_bool());
  const std::string text = json::serialize(refused);
  EXPECT_THAT(text, HasSubstr(R"({"rule":"trust","passed":false,"reason":"the signature holds, )"
                              R"(but this registry does not list it)"));
  EXPECT_THAT(text, HasSubstr("1 of the 2 endorsers needed"));
}

TEST_F(RegistryPolicyTrust, AnEndorserThatIsBoundByConfigurationCounts) {
  const Identity nameless = make_identity({.email = ""});
  const std::string binding =
      "[[trust.bindings]]\nemail = \"ops@images.example\"\nfingerprint = \"" +
      metadata::Endorser::load(nameless.key, nameless.certificate)->fingerprint() + "\"\n";
  const std::string policy = "endorsers.allow = ['ops@images.example']\n";
  start(with_policy(policy, binding));
  accepted(document_by(nameless, "1", kOpsEmail));
  EXPECT_TRUE(decision().at("accepted").as_bool()) << json::serialize(decision());
  reload(with_policy(policy, ""));
  const json::object unbound = decision();
  EXPECT_FALSE(unbound.at("accepted").as_bool());
  EXPECT_THAT(json::serialize(unbound), HasSubstr("the certificate carries no e-mail"));
}

TEST_F(RegistryPolicyTrust, TheDocumentsOfADecisionAreBounded) {
  start(with_policy("", "[limits]\nlist_bytes_max = 10000\n"));
  accepted(document_by(make_identity(), "1"));
  EXPECT_TRUE(decision().at("accepted").as_bool());
  for (int i = 0; i < 5; ++i) {
    accepted(document_by(make_identity({.email = std::to_string(i) + "@x.example"}), "1"));
  }
  const auto response = daemon_->get("/v1/policy/" + image_of("1").identifier.text());
  EXPECT_EQ(response.head.status, 503);
  EXPECT_THAT(response.body, HasSubstr("list_bytes_max"));
}

}  // namespace
}  // namespace strata::test
