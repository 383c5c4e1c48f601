#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "registry/entries/words.h"
#include "registry/service/config.h"
#include "registry/service/multipart.h"
#include "registry/service/negotiation.h"
#include "registry/web/pages.h"

// Small pure parts of the registry.
namespace strata::registry {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

TEST(Words, AreRunsOfLettersDigitsAndBytesAbove127) {
  EXPECT_THAT(entries::split_words("Débian-12 (x86_64), OK", Limits()),
              ElementsAre("débian", "12", "x86", "64", "ok"));
  EXPECT_THAT(entries::split_words("", Limits()), IsEmpty());
  EXPECT_THAT(entries::split_words("--", Limits()), IsEmpty());
  Limits limits;
  limits.index_value_bytes_max = 4;
  EXPECT_THAT(entries::split_words("abcdefgh ij", limits), ElementsAre("abcd", "ij"));
}

TEST(Words, OneEntryAddsABoundedNumber) {
  Limits limits;
  limits.index_words_max = 10;
  entries::StoredEntry entry;
  for (int i = 0; i < 1000; ++i) entry.metadata.description += "w" + std::to_string(i) + " ";
  std::size_t words = 0;
  for (const auto& term : entries::terms_of(entry, limits)) words += term.front() == 'w';
  EXPECT_EQ(words, 10U);
}

constexpr std::string_view kForm = "multipart/form-data; boundary=X";

TEST(Multipart, TheFirstPartWithAFileNameCounts) {
  const std::string body =
      "--X\r\nContent-Disposition: form-data; name=\"a\"\r\n\r\nno file\r\n"
      "--X\r\nContent-Disposition: form-data; name=\"f\"; filename=\"m.xml\"\r\n"
      "Content-Type: text/xml\r\n\r\n<a>\r\n--Y\r\n</a>\r\n"
      "--X\r\nContent-Disposition: form-data; filename=\"second\"\r\n\r\nsecond\r\n--X--\r\n";
  EXPECT_EQ(first_file(kForm, body).value_or("?"), "<a>\r\n--Y\r\n</a>");
  EXPECT_EQ(first_file("Multipart/Form-Data; charset=x; Boundary=\"X\"", body).value_or("?"),
            "<a>\r\n--Y\r\n</a>");
  EXPECT_EQ(first_file(kForm, "--X\r\nContent-Disposition: form-data; filename=e\r\n\r\n\r\n--X--")
                .value_or("?"),
            "");
}

TEST(Multipart, BadFramingIsRefused) {
  for (const std::string_view body :
       {"", "--X", "--X--", "--X\r\n", "--X\r\nA: b\r\n\r\nno end", "nothing at all",
        "--X\r\nContent-Disposition: form-data; name=a\r\n\r\nno file\r\n--X--",
        "--X\r\nContent-Disposition: form-data; filename=a\r\n\r\ncut\r\n--"}) {
    EXPECT_EQ(first_file(kForm, body).value_or("refused"), "refused") << body;
  }
  EXPECT_FALSE(first_file("multipart/form-data", "--\r\n"));
  EXPECT_FALSE(first_file("multipart/form-data; boundary=", "--\r\n"));
  EXPECT_FALSE(first_file("multipart/form-data; boundary=" + std::string(71, 'x'), ""));
}

Media chosen(const char* accept, std::string_view media = {}) {
  http::Headers headers;
  if (accept != nullptr) headers.add("Accept", accept);
  http::RequestHead head;
  if (!media.empty()) head.query.emplace_back("media", media);
  return negotiate(Parameters(head), headers).value_or(Media::kXml);
}

TEST(Negotiation, FollowsWeightThenSpecificityThenOurOrder) {
  EXPECT_EQ(chosen(nullptr), Media::kXml);
  EXPECT_EQ(chosen("*/*"), Media::kXml);
  EXPECT_EQ(chosen("application/json"), Media::kJson);
  EXPECT_EQ(chosen("application/json, */*"), Media::kJson);
  EXPECT_EQ(chosen("application/json;q=0.2, application/rdf+xml;q=0.1"), Media::kJson);
  EXPECT_EQ(chosen("text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"),
            Media::kHtml);
  EXPECT_EQ(chosen("application/json;q=0, */*;q=0.1"), Media::kXml);
  EXPECT_EQ(chosen("TEXT/*;q=0.5"), Media::kXml);
  EXPECT_EQ(chosen("image/png"), Media::kXml);
  EXPECT_EQ(chosen("text/html;q=nonsense, application/json;q=0.001"), Media::kJson);
  EXPECT_EQ(chosen(",;,q=,/"), Media::kXml);
  EXPECT_EQ(chosen("text/html", "json"), Media::kJson);
}

TEST(Negotiation, RefusesAnUnknownMedia) {
  http::RequestHead head;
  head.query.emplace_back("media", "pdf");
  EXPECT_EQ(negotiate(Parameters(head), {}).error().code(), Errc::kMalformed);
}

Flags flags_of(std::optional<std::string> listen, std::optional<std::string> trust) {
  Flags flags;
  flags.listen = std::move(listen);
  flags.trust = std::move(trust);
  flags.data = "/nowhere";
  return flags;
}

TEST(RegistryConfig, ReadsAddresses) {
  const auto config = load_config(flags_of("[::1]:99", {}));
  ASSERT_TRUE(config) << config.error().message();
  EXPECT_EQ(config->host, "::1");
  EXPECT_EQ(config->port, 99);
  for (const char* bad : {"", "x", ":1", "127.0.0.1:", "127.0.0.1:65536", "127.0.0.1:-1"}) {
    EXPECT_EQ(load_config(flags_of(bad, {})).error().code(), Errc::kUsage) << bad;
  }
}

TEST(RegistryConfig, OtherAddressesNeedAListOfEndorsers) {
  for (const auto& flags : {flags_of("0.0.0.0:1", {}), flags_of("0.0.0.0:1", "any"),
                            flags_of("0.0.0.0:1", "listed"), flags_of({}, "everybody")}) {
    EXPECT_EQ(load_config(flags).error().code(), Errc::kUsage);
  }
}

web::EntryView hostile() {
  const std::string attack = "\"><script>alert('1')</script>&";
  web::EntryView view;
  for (std::string* field :
       {&view.identifier,  &view.endorser,      &view.created, &view.title,
        &view.description, &view.publisher,     &view.creator, &view.os,
        &view.os_version,  &view.os_arch,       &view.kind,    &view.type,
        &view.format,      &view.version,       &view.bytes,   &view.valid,
        &view.deprecated,  &view.algorithm,     &view.subject, &view.issuer,
        &view.fingerprint, &view.superseded_by, &view.path,    &view.standing}) {
    *field = attack;
  }
  view.others = {{attack, attack, attack, attack}};
  view.tags = {attack};
  view.locations = {attack, "javascript:alert(1)", "https://x.example/\"" + attack};
  view.checksums = {{attack, attack}};
  view.stored = {{attack, attack}};
  return view;
}

// B61: whatever an entry says stays text.
TEST(Pages, EscapeEverything) {
  web::SearchView search;
  search.entries = {hostile()};
  search.form.text = search.form.os = search.form.arch = search.form.kind = search.form.endorser =
      search.form.status = search.form.sort = hostile().title;
  search.next = search.heading = hostile().title;
  for (const std::string& page :
       {web::entry_page(hostile()), web::search_page(search),
        web::endorsers_page({{hostile().title, hostile().title, hostile().title}}),
        web::endorser_page({.email = hostile().title,
        .days = 1,
        .tags = hostile().tags,
        .entries = {hostile()},
        .next = hostile().title}),
        web::tags_page(hostile().title, hostile().tags),
        web::problem_page(404, hostile().title, hostile().title, hostile().title)}) {
    EXPECT_THAT(page, HasSubstr("&lt;script&gt;"));
    EXPECT_THAT(page, Not(HasSubstr("<script")));
    EXPECT_THAT(page, Not(HasSubstr("href=\"javascript:")));
  }
}

TEST(Pages, LinkOnlyWebLocations) {
  EXPECT_TRUE(web::is_linkable("HTTPS://x.example/"));
  EXPECT_TRUE(web::is_linkable("ftp://x.example/"));
  for (const char* uri : {"javascript:alert(1)", " http://x", "data:text/html,x", "pdisk:x",
                          "java\tscript:x", "//x.example", ""}) {
    EXPECT_FALSE(web::is_linkable(uri)) << uri;
  }
}

}  // namespace
}  // namespace strata::registry
