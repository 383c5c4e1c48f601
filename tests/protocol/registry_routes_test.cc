#include "../support/raw_socket.h"
#include "../support/registry_fixture.h"
#include "../support/tool.h"
#include "strata/base/text.h"

// The Marketplace's routes row by row (shared/reference/stratuslab.md §3.3 to §3.6), hostile
// searches, and the index for virt-builder.
namespace strata::test {
namespace {

namespace json = boost::json;
using testing::AnyOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;

constexpr UnixMillis kSecond = 1000;

class RegistryRoutesTest : public RegistryFixture {
 protected:
  // What XPath says of an XML answer, in one line.
  std::string xpath(const std::string& target, const std::string& expression) {
    const auto answer = daemon_->get(target);
    EXPECT_EQ(answer.head.status, 200) << target << ": " << answer.body;
    return std::string(
        trim(split(run_tool("xmllint --xpath '" + expression + "' -", answer.body), '\n')[0]));
  }
  int total(const std::string& target) {
    return static_cast<int>(get_json(target).at("total").as_int64());
  }
};

// One entry of each status and kind of location.
struct Listed {
  metadata::ImageMetadata valid, expired, deprecated;
};

Listed listed() {
  Listed images{image_of("valid"), image_of("expired"), image_of("deprecated")};
  images.valid.title = "Valid one";
  images.valid.description = "What it is";
  images.valid.tags = {"stable", "a/b \"c\""};
  images.valid.locations = {"https://images.example/valid"};
  images.expired.valid = kSampleTime + 60 * kSecond;
  images.expired.locations = {"pdisk:x"};
  images.deprecated.deprecated = "broken";
  images.deprecated.tags = {"gone"};
  return images;
}

TEST_F(RegistryRoutesTest, ListsByStatusAndLocation) {
  const Listed images = listed();
  publish(images.valid, kSampleTime);
  publish(images.expired, kSampleTime + kSecond);
  publish(images.deprecated, kSampleTime + 2 * kSecond);
  const std::string list = "/metadata?media=json&status=";
  EXPECT_EQ(total("/metadata?media=json"), 1);
  EXPECT_EQ(total(list + "valid"), 1);
  EXPECT_EQ(total(list + "expired"), 1);
  EXPECT_EQ(total(list + "deprecated"), 1);
  EXPECT_EQ(total(list + "all"), 3);
  EXPECT_EQ(total(list + "all&location=all"), 3);
  EXPECT_EQ(total(list + "all&location=web"), 2);  // one names no location
  EXPECT_EQ(total(list + "all&location=pdisk"), 1);
  for (const char* bad : {"status=new", "location=ftp", "media=pdf", "limit=0", "cursor=x",
                          "identifier=x", "created=yesterday"}) {
    EXPECT_EQ(status_of("/metadata?" + std::string(bad)), 400) << bad;
  }
  // A newer deprecation hides the entry; under its own key it stays.
  auto withdrawn = images.valid;
  withdrawn.deprecated = "replaced";
  publish(withdrawn, kSampleTime + 3 * kSecond);
  EXPECT_EQ(total("/metadata?media=json"), 0);
  const std::string id = images.valid.identifier.text();
  EXPECT_EQ(status_of("/metadata/" + id + "/ops@images.example/2024-05-01T12:00:00Z"), 200);
  EXPECT_EQ(total("/metadata?media=json&created=2024-05-01T12:00:00Z&identifier=" + id), 1);
  EXPECT_EQ(total("/metadata?media=json&created=2024-05-01T12:00:01Z"), 0);  // expired
  EXPECT_EQ(total("/metadata?media=json&status=all&created=2024-05-01T12:00:01Z"), 1);
  EXPECT_EQ(total("/metadata?media=json&status=all&email=ops@images.example"), 3);
  EXPECT_EQ(total("/metadata?media=json&status=all&email=else@images.example"), 0);
}

TEST_F(RegistryRoutesTest, GivesEveryFormOfEveryResource) {
  const Listed images = listed();
  publish(images.valid);
  const std::string id = images.valid.identifier.text();
  const std::string entry = "/metadata/" + id + "/ops@images.example/2024-05-01T12:00:00Z";
  struct Form {
    std::string target, xml_type;
  };
  const std::string xml = "application/xml; charset=utf-8";
  for (const Form& form :
       {Form{"/metadata", xml}, Form{"/metadata/" + id, xml},
        Form{"/metadata/ops@images.example", xml},
        Form{"/metadata/2024-05-01T12:00:00Z/" + id, xml}, Form{entry, "application/rdf+xml"},
        Form{"/metadata/ops@images.example?tag=stable", "application/rdf+xml"},
        Form{"/tag/ops@images.example/stable", "application/rdf+xml"}, Form{"/endorsers", xml},
        Form{"/endorsers/ops@images.example", xml},
        Form{"/endorsers/ops@images.example/tags", xml}}) {
    const std::string joint = form.target.find('?') == std::string::npos ? "?" : "&";
    const auto get = [&](const std::string& media, const std::string& accept) {
      const auto answer = daemon_->get(form.target + media, accept);
      EXPECT_EQ(answer.head.status, 200) << form.target << ": " << answer.body;
      EXPECT_EQ(header(answer, "Vary"), "Accept") << form.target;
      return header(answer, "Content-Type");
    };
    EXPECT_EQ(get("", ""), form.xml_type);
    EXPECT_EQ(get("", "*/*"), form.xml_type);
    EXPECT_EQ(get("", "application/json"), "application/json");
    EXPECT_EQ(get("", "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"),
              "text/html; charset=utf-8");
    // What the links say wins.
    EXPECT_EQ(get(joint + "media=json", "text/html"), "application/json");
    EXPECT_EQ(get(joint + "media=xml", "text/html"), form.xml_type);
    EXPECT_EQ(get(joint + "media=html", "application/json"), "text/html; charset=utf-8");
    // Slashes that were doubled or left over.
    std::string sloppy = form.target;
    sloppy.insert(sloppy.find('?') == std::string::npos ? sloppy.size() : sloppy.find('?'), "/");
    EXPECT_EQ(status_of("/" + sloppy), 200) << sloppy;

    RawSocket socket(daemon_->port());
    const std::string request = form.target + " HTTP/1.1\r\nHost: localhost\r\n\r\n";
    ASSERT_TRUE(socket.send("HEAD " + request + "GET " + request));
    const auto head = socket.read_reply(true);
    const auto whole = socket.read_reply();
    EXPECT_EQ(head.status, 200) << form.target;
    EXPECT_EQ(head.field("Content-Length"), std::to_string(whole.body.size())) << form.target;
    EXPECT_EQ(head.field("Content-Type"), whole.field("Content-Type")) << form.target;
  }
  EXPECT_EQ(header(daemon_->get(entry), "Content-Disposition"),
            "attachment; filename=\"" + id + ".xml\"");
  EXPECT_EQ(header(daemon_->get(entry + "?media=json"), "Content-Disposition"),
            "attachment; filename=\"" + id + ".json\"");
}

TEST_F(RegistryRoutesTest, ResolvesTagsAsTheOriginal) {
  const Listed images = listed();
  publish(images.valid);
  publish(images.deprecated, kSampleTime + kSecond);
  const std::string id = images.valid.identifier.text();
  for (const char* target :
       {"/tag/ops@images.example/stable", "/tag/ops@images.example/%22stable%22",
        "/metadata/ops@images.example?tag=stable", "/metadata/ops@images.example?tag=%22stable%22",
        "/tag/ops@images.example/a%2Fb%20%22c%22",
        "/metadata/ops@images.example?tag=a/b+%22c%22"}) {
    EXPECT_THAT(daemon_->get(target).body, HasSubstr(id)) << target;
  }
  for (const char* target : {"/tag/ops@images.example/gone", "/tag/ops@images.example/other",
                             "/tag/else@images.example/stable", "/tag/ops@images.example/%22",
                             "/tag/ops@images.example", "/tag", "/tag/a/b/c"}) {
    EXPECT_EQ(status_of(target), 404) << target;
  }
}

TEST_F(RegistryRoutesTest, NamesEndorsersWithTheColumnsOfTheOriginal) {
  const Listed images = listed();
  publish(images.valid);
  publish(images.deprecated, kSampleTime + kSecond);
  const std::string name = "//*[local-name()=\"variable\"]/@name";
  const auto columns = [&](const std::string& target) { return xpath(target, name); };
  EXPECT_THAT(daemon_->get("/endorsers").body,
              HasSubstr("<variable name=\"email\"/>\n<variable name=\"subject\"/>\n<variable "
                        "name=\"issuer\"/>"));
  const std::string all = "/endorsers/ops@images.example?range=36500";
  EXPECT_THAT(daemon_->get(all).body,
              HasSubstr("<variable name=\"identifier\"/>\n<variable name=\"created\"/>\n"
                        "<variable name=\"description\"/>\n<variable name=\"location\"/>\n"
                        "<variable name=\"deprecated\"/>\n<variable name=\"email\"/>"));
  EXPECT_EQ(columns("/endorsers/ops@images.example/tags"), "name=\"tag\"");
  EXPECT_EQ(xpath(all, "count(//*[local-name()=\"result\"])"), "2");
  EXPECT_EQ(xpath(all, "string(//*[@name=\"deprecated\"]/*[local-name()=\"literal\"])"), "broken");
  EXPECT_EQ(xpath(all, "string(//*[@name=\"location\"]/*[local-name()=\"literal\"])"),
            "https://images.example/valid");
  // Thirty days unless a number says otherwise.
  for (const char* range : {"", "?range=x", "?range=-1", "?range=30"}) {
    EXPECT_EQ(xpath("/endorsers/ops@images.example" + std::string(range),
                    "count(//*[local-name()=\"result\"])"),
              "0")
        << range;
  }
  const auto page = daemon_->get(all + "&media=html");
  for (const char* part : {"<th scope=\"col\">Deprecated</th>", "Valid one", "broken",
                           "https://images.example/valid", ">stable</a>", "What it is"}) {
    EXPECT_THAT(page.body, HasSubstr(part));
  }
  EXPECT_EQ(status_of("/endorsers/nobody@images.example?media=html"), 404);
  EXPECT_EQ(status_of("/endorsers/a/b"), 404);
}

TEST_F(RegistryRoutesTest, WhatIsGoneSaysWhatTookItsPlace) {
  for (const std::string& target :
       std::vector<std::string>{"/query", "/query?query=SELECT+*", "//query/"}) {
    const auto answer = daemon_->get(target);
    EXPECT_EQ(answer.head.status, 410) << target;
    EXPECT_EQ(header(answer, "Content-Type"), "application/problem+json");
    EXPECT_THAT(answer.body, HasSubstr("/v1/entries"));
  }
  http::ClientRequest sync = post_of("path=x", "application/x-www-form-urlencoded");
  sync.target = "/sync";
  const auto gone = daemon_->send(sync);
  EXPECT_EQ(gone.head.status, 410);
  EXPECT_THAT(gone.body, HasSubstr("/metadata"));
  EXPECT_EQ(status_of("/upload"), 200);
  // Problems come in the form that the answer would have had.
  EXPECT_THAT(daemon_->get("/query?media=html").body, HasSubstr("<h1>410 "));
  EXPECT_THAT(daemon_->get("/query", "text/html").body, HasSubstr("<h1>410 "));
  EXPECT_THAT(daemon_->get("/query?media=json", "text/html").body, StartsWith("{\"type\""));
  EXPECT_THAT(daemon_->get("/metadata?media=pdf", "text/html").body, HasSubstr("<h1>400 "));
  for (const char* unknown : {"/css/x.css", "/js/x.js", "/nonsense", "/v1", "/v2/entries"}) {
    EXPECT_EQ(status_of(unknown), 404) << unknown;
  }
}

// B58
TEST_F(RegistryRoutesTest, InjectionsInASearchAreWords) {
  publish(image_of("1", "Debian web server"));
  publish(image_of("2", "Ubuntu server"), kSampleTime + kSecond);
  for (const char* text : {"server' OR '1'='1",
                           "\"; DROP TABLE entries; --",
                           "' UNION SELECT * FROM users --",
                           "} UNION { ?s ?p ?o",
                           "SELECT * WHERE { SERVICE <http://127.0.0.1:1/> { ?s ?p ?o } }",
                           "title:server OR *:*",
                           "server*",
                           "(a+)+$",
                           "^(([a-z])+.)+[A-Z]([a-z])+$",
                           "%",
                           "_",
                           "\\",
                           "\\x00",
                           "$where",
                           "{\"$gt\":\"\"}",
                           "../../etc/passwd",
                           "${jndi:ldap://127.0.0.1}",
                           "<script>",
                           "\xf0\x9f\x98\x80",
                           "\xff\xfe",
                           "server\xc0\xaf",
                           "\r\nX: y",
                           "NOT server"}) {
    for (const char* key : {"q", "os", "endorser", "tag", "kind", "format", "arch", "os_version"}) {
      const std::string target = "/v1/entries?" + std::string(key) + "=" + percent_encode(text);
      const auto answer = daemon_->get(target);
      // Text that is not UTF-8 may be refused; nothing else may.
      ASSERT_THAT(answer.head.status, AnyOf(200, 400)) << target;
      if (answer.head.status == 400) {
        EXPECT_FALSE(is_valid_utf8(text)) << target << answer.body;
        continue;
      }
      // No more than what the words alone would find.
      const auto found = json::parse(answer.body).at("total").as_int64();
      EXPECT_LE(found, std::string_view(key) == "q" ? 2 : 0) << target;
      const auto page = daemon_->get("/?" + std::string(key) + "=" + percent_encode(text));
      EXPECT_EQ(page.head.status, 200) << target;
      EXPECT_THAT(page.body, Not(HasSubstr("<script"))) << target;
    }
  }
  EXPECT_EQ(search("?q=server'+OR+'1'%3D'1").at("total"), 0);  // the word "1" is nowhere
  EXPECT_EQ(search("?q=.%2A").at("total"), 0);                 // no word at all
}

// B58
TEST_F(RegistryRoutesTest, SearchesAreBounded) {
  publish(image_of("1", "Debian web server"));
  for (const char* bad : {"limit=1000000000", "limit=1001", "limit=99999999999999999999",
                          "limit=1e3", "limit=0x10", "limit=+1", "limit=%201", "sort=title",
                          "sort=created;drop", "sort=-created,title", "sort=%22", "order=asc"}) {
    EXPECT_EQ(status_of("/v1/entries?" + std::string(bad)), 400) << bad;
  }
  EXPECT_EQ(status_of("/metadata?limit=1000000000"), 400);
  EXPECT_EQ(status_of("/?limit=1000000000"), 400);
  // A word of any length, up to what a target may have; many words; and what backtracks elsewhere.
  EXPECT_EQ(status_of("/v1/entries?q=" + std::string(7000, 'a')), 200);
  EXPECT_EQ(status_of("/v1/entries?q=" + std::string(9000, 'a')), 414);
  std::string words;
  for (int i = 0; i < 1000; ++i) words += "w" + std::to_string(i) + "+";
  EXPECT_EQ(status_of("/v1/entries?q=" + words), 400);
  std::string letters;
  for (int i = 0; i < 2000; ++i) letters += "a+";
  EXPECT_THAT(status_of("/v1/entries?q=" + letters), AnyOf(200, 400));
  std::string keys;
  for (int i = 0; i < 900; ++i) keys += "q=a&";
  EXPECT_EQ(status_of("/v1/entries?" + keys), 200);
}

class VirtBuilderIndexTest : public RegistryRoutesTest {
 protected:
  static metadata::ImageMetadata disk(const std::string& content, const std::string& title) {
    auto image = image_of(content, title);
    image.format = "raw";
    image.os_arch = "x86_64";
    image.locations = {"http://storage.example/v1/images/" + content + "/decoded"};
    return image;
  }
  std::vector<std::string> names(const std::string& query = "") {
    const auto answer = daemon_->get("/v1/virt-builder/index" + query);
    EXPECT_EQ(answer.head.status, 200) << answer.body;
    std::vector<std::string> found;
    for (const std::string_view line : split(answer.body, '\n')) {
      if (line.starts_with('[')) found.emplace_back(line.substr(1, line.size() - 2));
    }
    return found;
  }
};

TEST_F(VirtBuilderIndexTest, HoldsPublicMachinesAndLeadsToTheirBytes) {
  EXPECT_THAT(names(), ElementsAre());
  publish(disk("1", "First"));
  auto second = disk("2", "Second");
  second.format = "qcow2";
  second.tags = {"stable"};
  second.os = "Debian";
  second.os_version = "12";
  publish(second, kSampleTime + kSecond);
  publish(disk("3", "Third"), kSampleTime + 2 * kSecond);
  auto left_out = [&, number = 10](const char* content, const auto& change) mutable {
    auto image = disk(content, content);
    change(image);
    publish(image, kSampleTime + ++number * kSecond);
  };
  left_out("a disk", [](auto& image) { image.kind = "disk"; });
  left_out("expired", [](auto& image) { image.valid = kSampleTime + 60 * kSecond; });
  left_out("deprecated", [](auto& image) { image.deprecated = ""; });
  left_out("nowhere", [](auto& image) { image.locations.clear(); });
  left_out("compressed", [](auto& image) { image.compression = "gz"; });
  left_out("of another format", [](auto& image) { image.format = "vmdk"; });

  EXPECT_THAT(names(), ElementsAre("third", "debian-12", "first"));
  EXPECT_THAT(names("?os=debian"), ElementsAre("debian-12"));
  EXPECT_THAT(names("?tag=stable&endorser=ops@images.example"), ElementsAre("debian-12"));
  EXPECT_THAT(names("?endorser=else@images.example"), ElementsAre());
  EXPECT_EQ(daemon_->get("/v1/virt-builder/index").body,
            daemon_->get("/v1/virt-builder/index.asc").body);
  EXPECT_EQ(status_of("/v1/virt-builder/index?q=x"), 400);
  EXPECT_EQ(status_of("/v1/virt-builder"), 404);

  const std::string image = "/v1/virt-builder/images/" + second.identifier.text() +
                            "/ops@images.example/2024-05-01T12:00:01Z";
  EXPECT_THAT(daemon_->get("/v1/virt-builder/index").body,
              HasSubstr("\nfile=" + image.substr(std::string("/v1/virt-builder/").size()) + "\n"));
  RawSocket socket(daemon_->port());
  ASSERT_TRUE(socket.send("HEAD " + image + " HTTP/1.1\r\nHost: localhost\r\n\r\n"));
  const auto reply = socket.read_reply(true);
  EXPECT_EQ(reply.status, 302);
  EXPECT_EQ(reply.field("Location"), second.locations[0]);
  EXPECT_EQ(status_of(image.substr(0, image.size() - 2) + "9Z"), 404);
  EXPECT_EQ(status_of("/v1/virt-builder/images/x/y/z"), 404);
}

TEST_F(VirtBuilderIndexTest, FollowsTheRulesOfTrust) {
  publish(disk("1", "Mine"));
  EXPECT_THAT(names(), ElementsAre("mine"));
  restart_with("[trust]\nmode = \"listed\"\nendorsers = [\"somebody@else.example\"]\n");
  EXPECT_THAT(names(), ElementsAre());
  EXPECT_EQ(status_of("/v1/virt-builder/images/" + image_of("1").identifier.text() +
                      "/ops@images.example/2024-05-01T12:00:00Z"),
            404);
}

// Both formats in one order, whatever pages they are read in.
TEST_F(VirtBuilderIndexTest, IsInOneOrderOverManyPages) {
  std::vector<std::string> expected;
  for (int i = 0; i < 9; ++i) {
    auto image = disk(std::to_string(i), "n" + std::to_string(i));
    image.format = i % 3 == 1 ? "qcow2" : "raw";
    publish(image, kSampleTime + i * kSecond);
    expected.insert(expected.begin(), image.title);
  }
  for (const char* size : {"1", "2", "4"}) {
    restart_with("[limits]\npage_size_max = " + std::string(size) + "\n");
    EXPECT_EQ(names(), expected) << size;
  }
  // So many of each format are looked at, and so many stand in it.
  restart_with("[limits]\npage_size_max = 2\nimage_index_entries_max = 3\n");
  EXPECT_THAT(names(), ElementsAre("n8", "n7", "n6"));
}

// A link from an index of before leads nowhere once the index would not have it.
TEST_F(VirtBuilderIndexTest, SendsOnToWhatItListsOnly) {
  const auto link = [](const std::string& content, const std::string& second) {
    return "/v1/virt-builder/images/" + image_of(content).identifier.text() +
           "/ops@images.example/2024-05-01T12:00:" + second + "Z";
  };
  auto image = disk("1", "First");
  publish(image);
  EXPECT_EQ(status_of(link("1", "00")), 302);
  publish(image, kSampleTime + kSecond);
  EXPECT_EQ(status_of(link("1", "00")), 404);
  EXPECT_EQ(status_of(link("1", "01")), 302);
  image.deprecated = "it has a hole";
  publish(image, kSampleTime + 2 * kSecond);
  EXPECT_EQ(status_of(link("1", "01")), 404);
  EXPECT_EQ(status_of(link("1", "02")), 404);
  auto expired = disk("2", "Second");
  expired.valid = kSampleTime + 60 * kSecond;
  publish(expired);
  EXPECT_EQ(status_of(link("2", "00")), 404);
}

TEST_F(VirtBuilderIndexTest, AsksTheSitesPolicy) {
  const std::string policy = folder_.path() + "/policy.toml";
  const std::string rules = "[policy]\nfile = \"" + policy + "\"\n";
  const auto restart = [&](const std::string& text, const std::string& more = {}) {
    std::ofstream(policy) << text;
    restart_with(rules + more);
  };
  publish(disk("1", "First"));
  publish(disk("2", "Second"), kSampleTime + kSecond);
  const std::string first = "/v1/virt-builder/images/" + image_of("1").identifier.text() +
                            "/ops@images.example/2024-05-01T12:00:00Z";
  restart("");
  EXPECT_THAT(names(), ElementsAre("second", "first"));
  EXPECT_EQ(status_of(first), 302);
  restart("images.deny = ['" + image_of("1").identifier.text() + "']\n");
  EXPECT_THAT(names(), ElementsAre("second"));
  EXPECT_EQ(status_of(first), 404);
  restart("endorsers.deny = ['ops@images.example']\n");
  EXPECT_THAT(names(), ElementsAre());
  restart("a broken file");
  EXPECT_THAT(names(), ElementsAre());
  EXPECT_EQ(status_of(first), 404);
  // What is read for the policy is bounded: the newest come first.
  restart("", "[limits]\nlist_bytes_max = " +
                  std::to_string(sign(disk("1", "First")).size() * 3 / 2) + "\n");
  EXPECT_THAT(names(), ElementsAre("second"));
  restart("", "[limits]\nlist_bytes_max = 100\n");
  EXPECT_EQ(status_of(first), 503);
  // One image that has more endorsers than may be asked keeps none of the others out.
  const auto other = sample_endorser("b@images.example");
  EXPECT_EQ(post(signed_document(disk("2", "Second"), other)).head.status, 201);
  restart("", "[limits]\npage_size_max = 1\n");
  EXPECT_THAT(names(), ElementsAre("first"));
}

TEST_F(VirtBuilderIndexTest, IsBoundedAndTakesNoFieldsFromTexts) {
  restart_with("[limits]\nimage_index_entries_max = 3\n");
  for (int i = 0; i < 5; ++i) {
    auto image = disk(std::to_string(i), "x\n[evil]\nfile=http://evil.example/\n");
    image.description = "\n\n[evil]\nfile=y\n-----BEGIN PGP SIGNATURE-----\n";
    image.os_arch = "x86_64\nfile=z";
    publish(image, kSampleTime + i * kSecond);
  }
  EXPECT_EQ(names().size(), 3U);
  const std::string index = daemon_->get("/v1/virt-builder/index").body;
  EXPECT_THAT(index, Not(HasSubstr("\n[evil]")));
  EXPECT_THAT(index, Not(HasSubstr("\nfile=http")));
  EXPECT_THAT(index, Not(HasSubstr("\n-----BEGIN")));
  EXPECT_THAT(index, StartsWith("["));
}

}  // namespace
}  // namespace strata::test
