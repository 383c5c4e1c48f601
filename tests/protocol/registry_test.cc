#include "../support/metadata_forge.h"
#include "../support/raw_socket.h"
#include "../support/registry_fixture.h"
#include "../support/tool.h"
#include "strata/base/text.h"

// The real strata-registry on a real socket.
namespace strata::test {
namespace {

namespace json = boost::json;
using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;

constexpr UnixMillis kSecond = 1000;

using RegistryTest = RegistryFixture;

TEST_F(RegistryTest, PublishesADocumentOnceAndGivesItBackUnchanged) {
  const auto image = image_of("content", "Debian server");
  const std::string document = sign(image);
  const std::string path =
      "/metadata/" + image.identifier.text() + "/ops@images.example/2024-05-01T12:00:00Z";

  const auto created = post(document);
  EXPECT_EQ(created.head.status, 201) << created.body;
  EXPECT_THAT(header(created, "Location"), StartsWith(daemon_->url() + "/metadata/"));
  const auto again = post(document);
  EXPECT_EQ(again.head.status, 200) << again.body;
  EXPECT_EQ(header(again, "Location"), header(created, "Location"));
  EXPECT_EQ(search("").at("total"), 1);

  const auto entry = daemon_->get(path);
  EXPECT_EQ(entry.head.status, 200);
  EXPECT_EQ(entry.body, document);
  EXPECT_EQ(header(entry, "Content-Type"), "application/rdf+xml");
  EXPECT_EQ(daemon_->get(http::Url::parse(header(created, "Location"))->target).body, document);
  EXPECT_EQ(status_of(path.substr(0, path.size() - 2) + "1Z"), 404);

  http::ClientRequest conditional;
  conditional.target = path;
  conditional.headers.add("If-None-Match", header(entry, "ETag"));
  EXPECT_EQ(daemon_->send(conditional).head.status, 304);
}

TEST_F(RegistryTest, EntriesOutliveARestart) {
  publish(image_of("content", "kept"));
  daemon_->signal(SIGTERM);
  EXPECT_EQ(daemon_->wait(), 0);
  start();
  EXPECT_EQ(search("?q=kept").at("total"), 1);
}

TEST_F(RegistryTest, TakesFormsAndXmlAndNothingElse) {
  const std::string first = sign(image_of("1"));
  EXPECT_EQ(post("--B\r\nContent-Disposition: form-data; name=\"f\"; filename=\"x.xml\"\r\n\r\n" +
                     first + "\r\n--B--\r\n",
                 "multipart/form-data; boundary=B")
                .head.status,
            201);
  EXPECT_EQ(post(sign(image_of("2")), "application/xml; charset=utf-8").head.status, 201);
  EXPECT_EQ(post("--B--", "multipart/form-data; boundary=B").head.status, 400);
  EXPECT_EQ(post(first, "application/x-www-form-urlencoded").head.status, 415);
  EXPECT_EQ(post(first, "image/svg+xml").head.status, 415);
  auto compressed = post_of(first);
  compressed.headers.add("Content-Encoding", "gzip");
  EXPECT_EQ(daemon_->send(compressed).head.status, 415);
}

TEST_F(RegistryTest, SaysWhichRuleADocumentBreaks) {
  const auto image = image_of("content", "one");
  publish(image, kSampleTime);
  auto other = image;
  other.title = "two";
  refused(sign(other, kSampleTime), 409, "\"conflict\"");
  refused(sign(other, kSampleTime - kSecond), 409, "\"not-newer\"");
  auto forged = image;
  forged.sha256 = digest::digest_of("other").sha256;
  refused(sign(forged, kSampleTime + kSecond), 409, "\"collision\"");
  EXPECT_NE(daemon_->log().find("entry.collision"), std::string::npos);
  refused(sign(image, SystemClock().now() + 3600 * kSecond), 400, "created_skew");
  refused("", 400, "");
  refused("not xml", 400, "");
  refused(metadata::build(image), 403, "\"untrusted-signature\"");
  refused(replaced(sign(other, kSampleTime + kSecond), "two", "2"), 403, "untrusted-signature");
  // B60
  auto deprecated = image;
  deprecated.deprecated = "broken";
  publish(deprecated, kSampleTime + 2 * kSecond);
  refused(sign(image, kSampleTime), 409, "");
  EXPECT_EQ(search("").at("total"), 0);
}

// B55: what XML parsers and signature checks have fallen for.
TEST_F(RegistryTest, RefusesHostileXml) {
  const std::string good = sign(image_of("content"));
  const std::string body = good.substr(good.find("<rdf:RDF"));
  const auto with_dtd = [&](const std::string& dtd) { return dtd + "\n" + body; };
  refused(with_dtd("<!DOCTYPE r [<!ENTITY x SYSTEM \"file:///etc/passwd\">]>"), 400, "");
  refused(with_dtd("<!DOCTYPE r SYSTEM \"http://127.0.0.1:1/x.dtd\">"), 400, "");
  std::string laughs = "<!DOCTYPE r [<!ENTITY a0 \"ha\">";
  for (int i = 1; i < 20; ++i) {
    const std::string last = "&a" + std::to_string(i - 1) + ";";
    laughs += "<!ENTITY a" + std::to_string(i) + " \"" + last + last + "\">";
  }
  refused(with_dtd(laughs + "]>"), 400, "");
  std::string deep;
  for (int i = 0; i < 100'000; ++i) deep += "<a>";
  refused(deep, 400, "");
  refused(replaced(good, "</rdf:RDF>", "<rdf:Description rdf:about=\"#x\"/></rdf:RDF>"), 400, "");
  // An unsigned copy around the signed one.
  const auto wrapped = post("<rdf:RDF xmlns:rdf=\"http://www.w3.org/1999/02/22-rdf-syntax-ns#\">" +
                            body + "</rdf:RDF>");
  EXPECT_TRUE(wrapped.head.status == 400 || wrapped.head.status == 403) << wrapped.body;
  EXPECT_EQ(search("?status=all").at("total"), 0);
}

// B56: a certificate without an e-mail address, and one that signs for somebody else's.
TEST_F(RegistryTest, RefusesEndorsersThatTheCertificateDoesNotName) {
  IdentityOptions nameless;
  nameless.email = "";
  refused(xmlsec1_signed(make_identity(nameless)), 403, "untrusted-signature");
  IdentityOptions other;
  other.email = "mallory@images.example";
  refused(xmlsec1_signed(make_identity(other)), 403, "untrusted-signature");
}

TEST_F(RegistryTest, SearchesByWordsAndFields) {
  auto image = image_of("1", "Debian web server");
  image.os = "Debian";
  image.os_version = "12";
  image.os_arch = "x86_64";
  image.format = "qcow2";
  image.tags = {"stable"};
  image.locations = {"https://images.example/debian.qcow2"};
  publish(image);
  publish(image_of("2", "Ubuntu server"), kSampleTime + kSecond);

  EXPECT_EQ(search("?q=server").at("total"), 2);
  EXPECT_EQ(search("?q=server+debi").at("total"), 1);
  EXPECT_EQ(search("?q=%22%5C'%3B--").at("total"), 0);
  EXPECT_EQ(search("?q=.*").at("total"), 0);
  for (const char* filter :
       {"os=debian", "os_version=12", "arch=x86_64", "format=qcow2", "tag=stable",
        "endorser=ops@images.example&q=web", "kind=machine&q=web"}) {
    EXPECT_EQ(search("?" + std::string(filter)).at("total"), 1) << filter;
  }
  EXPECT_EQ(search("?sha1=" + image.sha1.hex()).at("total"), 1);
  EXPECT_EQ(search("?sha256=" + ascii_lower(image.sha256->hex())).at("total"), 1);

  const json::object found = search("?identifier=" + image.identifier.text());
  EXPECT_EQ(found.at("total_is"), "exact");
  EXPECT_TRUE(found.at("next").is_null());
  const json::object& entry = found.at("entries").at(0).as_object();
  EXPECT_EQ(entry.at("checksums").at("sha-256"), json::string(image.sha256->hex()));
  EXPECT_EQ(entry.at("size"), 1);
  EXPECT_EQ(entry.at("format"), "qcow2");
  EXPECT_EQ(entry.at("locations").at(0), json::string(image.locations[0]));
  EXPECT_EQ(entry.at("signature").at("trusted"), true);
  EXPECT_EQ(entry.at("signature").at("algorithm"), "ecdsa-sha256");
  EXPECT_EQ(entry.at("signature").at("fingerprint"), json::string(endorser_.fingerprint()));
  EXPECT_THAT(std::string(entry.at("entry").as_string()), StartsWith(daemon_->url()));

  // B58
  for (const char* bad :
       {"limit=1000000000", "limit=0", "limit=-1", "limit=x", "sort=title", "status=new",
        "cursor=x", "identifier=short", "sha1=zz", "sha256=00", "colour=red", "q=%zz"}) {
    EXPECT_EQ(status_of("/v1/entries?" + std::string(bad)), 400) << bad;
  }
}

TEST_F(RegistryTest, PagesLeadToTheEnd) {
  for (int i = 0; i < 5; ++i) {
    publish(image_of(std::to_string(i), std::to_string(i)), kSampleTime + i * kSecond);
  }
  std::string titles;
  std::string target = "/v1/entries?limit=2&q=&status=valid";
  for (int pages = 1; pages <= 3; ++pages) {
    const auto response = daemon_->get(target);
    const json::object page = json::parse(response.body).as_object();
    for (const auto& entry : page.at("entries").as_array()) {
      titles += entry.at("title").as_string();
    }
    EXPECT_EQ(page.at("total"), 5);
    const std::string link = header(response, "Link");
    if (pages == 3) {
      EXPECT_EQ(link, "");
      EXPECT_TRUE(page.at("next").is_null());
      break;
    }
    ASSERT_THAT(link, HasSubstr(">; rel=\"next\""));
    target = http::Url::parse(link.substr(1, link.find('>') - 1))->target;
    EXPECT_THAT(target, HasSubstr(std::string(page.at("next").as_string())));
  }
  EXPECT_EQ(titles, "43210");
}

TEST_F(RegistryTest, ListsAsTheOriginalDid) {
  auto image = image_of("1", "listed");
  image.tags = {"stable image"};
  image.locations = {"pdisk:x"};
  publish(image);
  publish(image_of("2"), kSampleTime + kSecond);
  const std::string id = image.identifier.text();

  const auto all = daemon_->get("/metadata");
  EXPECT_EQ(header(all, "Content-Type"), "application/xml; charset=utf-8");
  EXPECT_THAT(run_tool("xmllint --xpath 'count(/metadata/*[local-name()=\"RDF\"])' -", all.body),
              StartsWith("2"));
  // The parts of a path come in any order.
  for (const std::string& path : std::vector<std::string>{
           "/metadata/" + id, "/metadata//" + id + "/", "/metadata/ops@images.example/" + id,
           "/metadata/" + id + "/2024-05-01T12:00:00Z", "/metadata/2024-05-01T12:00:00Z",
           "/metadata?location=pdisk", "/metadata?identifier=" + id}) {
    const auto list = daemon_->get(path, "application/json");
    ASSERT_EQ(list.head.status, 200) << path << list.body;
    EXPECT_EQ(json::parse(list.body).at("total"), 1) << path;
  }
  for (const char* nothing : {"/metadata/AAAAAAAAAAAAAAAAAAAAAAAAAAA", "/metadata/nonsense",
                              "/metadata/a@b.example", "/metadata/a/b/c/d", "/metadata/a/b/c"}) {
    EXPECT_EQ(status_of(nothing), 404) << nothing;
  }
  EXPECT_THAT(daemon_->get("/tag/ops@images.example/stable%20image").body, HasSubstr(id));
  EXPECT_THAT(daemon_->get("/metadata/ops@images.example?tag=stable+image").body, HasSubstr(id));
  EXPECT_EQ(status_of("/tag/ops@images.example/other"), 404);
  EXPECT_THAT(daemon_->get("/endorsers", "application/json").body,
              HasSubstr("\"email\":\"ops@images.example\""));
  EXPECT_THAT(daemon_->get("/endorsers").body, HasSubstr("sparql-results#"));
  EXPECT_THAT(daemon_->get("/endorsers/ops@images.example/tags?media=json").body,
              HasSubstr("stable image"));
  EXPECT_EQ(json::parse(daemon_->get("/endorsers/ops@images.example?range=36500&media=json").body)
                .at("total"),
            2);
  EXPECT_EQ(json::parse(daemon_->get("/endorsers/ops@images.example?media=json").body).at("total"),
            0);
  for (const char* gone : {"/query?query=x", "/sync", "/action/x/confirm"}) {
    EXPECT_EQ(status_of(gone), 410) << gone;
  }
}

TEST_F(RegistryTest, AnXmlPageHoldsAsManyDocumentsAsItMay) {
  daemon_->signal(SIGTERM);
  EXPECT_EQ(daemon_->wait(), 0);
  start({"--config", config("[limits]\nlist_bytes_max = 5000\n")});
  for (int i = 0; i < 4; ++i) publish(image_of(std::to_string(i)), kSampleTime + i * kSecond);
  std::size_t documents = 0;
  std::string target = "/metadata?limit=3";
  while (!target.empty()) {
    const auto page = daemon_->get(target);
    ASSERT_EQ(page.head.status, 200) << page.body;
    EXPECT_LE(page.body.size(), 6000U);
    for (std::size_t at = 0; (at = page.body.find("<rdf:RDF", at)) != std::string::npos; ++at) {
      ++documents;
    }
    const std::string link = header(page, "Link");
    target = link.empty() ? "" : http::Url::parse(link.substr(1, link.find('>') - 1))->target;
  }
  EXPECT_EQ(documents, 4U);
}

// B61
TEST_F(RegistryTest, PagesShowHostileTextAsText) {
  const std::string attack = "\"><script>alert(1)</script>";
  auto image = image_of("content", attack);
  image.description = attack;
  image.os = attack;
  image.tags = {attack};
  image.locations = {"javascript:alert(1)"};
  publish(image);
  const std::string entry = "/metadata/" + image.identifier.text() +
                            "/ops@images.example/2024-05-01T12:00:00Z?media=html";
  for (const std::string& target :
       {std::string("/"), std::string("/?q=%3Cscript%3Ealert&os=%22%3E%3Cscript%3E"),
        std::string("/metadata?media=html"), entry,
        std::string("/endorsers/ops@images.example/tags?media=html"),
        std::string("/tag/x@y.example/%3Cscript%3E?media=html")}) {
    const auto page = daemon_->get(target, "text/html");
    EXPECT_THAT(page.body, Not(HasSubstr("<script"))) << target;
    EXPECT_THAT(page.body, Not(HasSubstr("href=\"javascript:"))) << target;
    EXPECT_THAT(header(page, "Content-Type"), StartsWith("text/html"));
    EXPECT_THAT(header(page, "Content-Security-Policy"), HasSubstr("default-src 'self'"));
    EXPECT_EQ(header(page, "X-Content-Type-Options"), "nosniff");
  }
  EXPECT_THAT(daemon_->get("/", "text/html").body, HasSubstr("&lt;script&gt;"));
}

// B61: a document may hold XHTML or SVG among its foreign terms, which a browser would run.
TEST_F(RegistryTest, XmlIsShownWithoutActiveContent) {
  const auto image = image_of("content");
  const std::string script = "<h:script xmlns:h=\"http://www.w3.org/1999/xhtml\">x()</h:script>";
  const auto document = metadata::sign(
      replaced(metadata::build(image), "</rdf:Description>", script + "</rdf:Description>"),
      endorser_, kSampleTime);
  ASSERT_TRUE(document) << document.error().message();
  ASSERT_EQ(post(*document).head.status, 201);
  const std::string path = "/metadata/" + image.identifier.text();
  for (const std::string& target : {std::string("/metadata?media=xml"), path + "?media=xml",
                                    path + "/ops@images.example/2024-05-01T12:00:00Z?media=xml"}) {
    const auto answer = daemon_->get(target);
    EXPECT_THAT(answer.body, HasSubstr(script)) << target;
    EXPECT_THAT(header(answer, "Content-Security-Policy"), HasSubstr("default-src 'none'; sandbox"))
        << target;
  }
}

TEST_F(RegistryTest, NextLinksStayOnThisHost) {
  publish(image_of("1"));
  publish(image_of("2"), kSampleTime + kSecond);
  const auto page = daemon_->get("//metadata//ops@images.example/?media=html&limit=1");
  EXPECT_THAT(page.body, HasSubstr("href=\"/metadata/ops@images.example?media=html&amp;limit=1"));
  EXPECT_THAT(page.body, Not(HasSubstr("href=\"//")));
}

TEST_F(RegistryTest, SearchPageFindsAndLinks) {
  const auto image = image_of("content", "Findable");
  publish(image);
  publish(image_of("other", "Other"), kSampleTime + kSecond);
  const auto page = daemon_->get("/?q=find", "text/html,application/xhtml+xml");
  EXPECT_THAT(page.body, HasSubstr("Findable"));
  EXPECT_THAT(page.body, Not(HasSubstr("Other")));
  EXPECT_THAT(page.body, HasSubstr("href=\"/metadata/" + image.identifier.text()));
  EXPECT_EQ(header(daemon_->get("/static/style.css"), "Content-Type"), "text/css; charset=utf-8");
  EXPECT_EQ(status_of("/upload"), 200);
}

TEST_F(RegistryTest, OnlyListedEndorsersAreTakenAndTheListCanChange) {
  daemon_->signal(SIGTERM);
  EXPECT_EQ(daemon_->wait(), 0);
  const auto listing = [&](const std::string& who) {
    return config("[trust]\nmode = \"listed\"\nendorsers = [\"" + who + "\"]\n");
  };
  start({"--config", listing("somebody@else.example")});
  const std::string document = sign(image_of("content"));
  refused(document, 403, "untrusted-signature");
  (void)listing(endorser_.fingerprint());
  daemon_->signal(SIGHUP);
  ASSERT_TRUE(daemon_->wait_for_log("reloaded"));
  EXPECT_EQ(post(document).head.status, 201);
  (void)config("nonsense = 1\n");
  daemon_->signal(SIGHUP);
  ASSERT_TRUE(daemon_->wait_for_log("reload.failed"));
  EXPECT_EQ(post(document).head.status, 200);
}

// The address does not change with the file, so the file cannot make another one "loopback".
TEST_F(RegistryTest, AReloadCannotTrustEverybodyOnAnAddressThatIsNotLoopback) {
  daemon_->signal(SIGTERM);
  EXPECT_EQ(daemon_->wait(), 0);
  // Loopback for the kernel, but not by its text: the configuration takes it for another address.
  const std::string path = config(
      "listen = \"127.1:0\"\npublic_url = \"http://127.1\"\n[trust]\nmode = \"listed\"\nendorsers "
      "= [\"" +
      std::string(64, 'a') + "\"]\n");
  daemon_ = std::make_unique<DaemonProcess>(
      std::vector<std::string>{STRATA_REGISTRY, "--config", path, "--data", folder_.path()});
  (void)config("listen = \"127.0.0.1:0\"\n[trust]\nmode = \"any\"\n");
  daemon_->signal(SIGHUP);
  ASSERT_TRUE(daemon_->wait_for_log("reload.failed"));
  refused(sign(image_of("content")), 403, "untrusted-signature");
}

TEST_F(RegistryTest, OperationsAreThere) {
  EXPECT_EQ(daemon_->get("/healthz").body, "ok\n");
  EXPECT_EQ(daemon_->get("/readyz").body, "ready\n");
  publish(image_of("content"));
  // Counted, and then logged, when the last byte has been sent.
  ASSERT_TRUE(daemon_->wait_for_log("status=201"));
  const std::string metrics = daemon_->get("/metrics").body;
  EXPECT_THAT(metrics, HasSubstr("strata_registry_entries 1"));
  EXPECT_THAT(metrics, HasSubstr("strata_http_requests_total{method=\"POST\",status=\"201\"} 1"));
  EXPECT_EQ(json::parse(daemon_->get("/openapi.json").body).at("openapi"), "3.1.0");
  http::ClientRequest traced;
  traced.target = "/healthz?secret=hunter2";
  traced.headers.add("X-Request-Id", "trace-42");
  EXPECT_EQ(header(daemon_->send(traced), "X-Request-Id"), "trace-42");
  ASSERT_TRUE(daemon_->wait_for_log("id=trace-42"));
  EXPECT_THAT(daemon_->log(), HasSubstr("method=GET path=/healthz status=200"));
  EXPECT_THAT(daemon_->log(), Not(HasSubstr("hunter2")));
}

TEST_F(RegistryTest, DrainFinishesWhatIsInFlight) {
  const std::string document = sign(image_of("content"));
  RawSocket half(daemon_->port());
  ASSERT_TRUE(
      half.send("POST /metadata HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: "
                "text/xml\r\nContent-Length: " +
                std::to_string(document.size()) + "\r\n\r\n" + document.substr(0, 100)));
  // Requests in flight would not tell: the last look at the metrics may still be one of them.
  while (daemon_->get("/metrics").body.find("\nstrata_http_request_body_bytes_total 100\n") ==
         std::string::npos) {
  }
  daemon_->signal(SIGTERM);
  ASSERT_TRUE(daemon_->wait_for_log("draining"));
  ASSERT_TRUE(half.send(document.substr(100)));
  const auto reply = half.read_reply();
  EXPECT_EQ(reply.status, 201) << reply.body;
  EXPECT_EQ(reply.field("Connection"), "close");
  EXPECT_EQ(daemon_->wait(), 0);
  start();
  EXPECT_EQ(search("").at("total"), 1);
}

TEST(RegistryProgram, ChecksItsConfigurationAndItsArguments) {
  const TemporaryDirectory folder;
  const auto run = [&](std::vector<std::string> arguments) {
    arguments.insert(arguments.begin(), STRATA_REGISTRY);
    return run_program(arguments);
  };
  const std::string good = folder.path() + "/good.toml";
  const std::string bad = folder.path() + "/bad.toml";
  std::ofstream(good) << "listen = \"127.0.0.1:0\"\n[trust]\nmode = \"any\"\n";
  std::ofstream(bad) << "listen = \"127.0.0.1:0\"\nlisten_twice = 1\n";
  EXPECT_EQ(run({"--config", good, "--check-config"}).code, 0);
  const Finished refused = run({"--config", bad, "--check-config"});
  EXPECT_EQ(refused.code, 2);
  EXPECT_THAT(refused.output, HasSubstr(":2: unknown key 'listen_twice'"));
  EXPECT_EQ(run({"--nonsense"}).code, 2);
  EXPECT_EQ(run({"--help"}).code, 0);
  EXPECT_THAT(run({"--version"}).output, StartsWith("strata-registry "));
  const Finished open = run({"--listen", "0.0.0.0:0", "--data", folder.path()});
  EXPECT_EQ(open.code, 2);
  EXPECT_THAT(open.output, HasSubstr("--trust listed"));
  const DaemonProcess first(registry_command(folder.path()));
  const Finished second = run({"--listen", "127.0.0.1:0", "--data", folder.path()});
  EXPECT_EQ(second.code, 1);
  EXPECT_THAT(second.output, HasSubstr("used by another process"));
  const TemporaryDirectory other;
  const Finished taken =
      run({"--listen", "127.0.0.1:" + std::to_string(first.port()), "--data", other.path()});
  EXPECT_EQ(taken.code, 1);
}

}  // namespace
}  // namespace strata::test
