#include "bench/entries/samples.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdio>

#include "strata/base/text.h"
#include "strata/digest/hasher.h"

namespace strata::bench {
namespace {

using entries::Field;
using entries::Query;

constexpr std::uint64_t kSecond = 1000;
constexpr std::uint64_t kFirstWords = 1000;  // each in a thousandth of the titles
constexpr std::uint64_t kHits = 20;          // of two words together, and of a tag
constexpr std::uint64_t kVocabulary = 20'000;
constexpr std::size_t kPage = 20;

constexpr std::array<const char*, 8> kSystems = {"debian", "ubuntu",   "rocky",  "fedora",
                                                 "alpine", "opensuse", "centos", "freebsd"};
constexpr std::array<unsigned, 8> kSystemShares = {30, 25, 15, 10, 8, 5, 5, 2};  // of a hundred
constexpr std::array<const char*, 4> kArchitectures = {"x86_64", "aarch64", "ppc64le", "riscv64"};
constexpr std::array<unsigned, 4> kArchitectureShares = {60, 25, 10, 5};
constexpr std::array<const char*, 5> kRoles = {"server", "desktop", "database", "builder", "edge"};

// splitmix64: numbers that look random and are the same everywhere.
std::uint64_t mix(std::uint64_t x) {
  x += 0x9e3779b97f4a7c15;
  x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9;
  x = (x ^ (x >> 27)) * 0x94d049bb133111eb;
  return x ^ (x >> 31);
}

template <std::size_t N>
const char* by_share(const std::array<const char*, N>& names, const std::array<unsigned, N>& shares,
                     std::uint64_t random) {
  std::uint64_t at = random % 100;
  for (std::size_t i = 0; i < N; ++i) {
    if (at < shares[i]) return names[i];
    at -= shares[i];
  }
  return names[0];
}

std::string numbered(const char* word, std::uint64_t number) {
  std::array<char, 32> text{};
  std::snprintf(text.data(), text.size(), "%s%05llu", word,
                static_cast<unsigned long long>(number));
  return text.data();
}

// Some words are in every tenth text and most in very few, as in a language.
std::string common_word(std::uint64_t random) {
  const double share = static_cast<double>(random >> 11) / 9007199254740992.0;
  return numbered("word", static_cast<std::uint64_t>(std::pow(kVocabulary, share)) - 1);
}

std::uint64_t tag_count(const SampleOptions& options) {
  return std::max<std::uint64_t>(1, options.count / kHits);
}
// How many second words there are, so that two words have kHits in common.
std::uint64_t second_words(const SampleOptions& options) {
  return std::max<std::uint64_t>(1, options.count / kFirstWords / kHits);
}
std::string first_word(std::uint64_t number) {
  return numbered("role", number % kFirstWords);
}
std::string second_word(std::uint64_t number, const SampleOptions& options) {
  return numbered("site", number / kFirstWords % second_words(options));
}
std::string tag_of(std::uint64_t number, const SampleOptions& options) {
  return numbered("build-", number % tag_count(options));
}

}  // namespace

UnixMillis sample_created(std::uint64_t number, const SampleOptions& options) {
  const std::uint64_t second = number % 10 == 9 ? mix(number) % options.count : number;
  return options.begin + static_cast<UnixMillis>(second * kSecond);
}

metadata::ImageMetadata sample_image(std::uint64_t number, const SampleOptions& options) {
  const std::uint64_t random = mix(number);
  const DigestSet decoded = digest::digest_of("image " + std::to_string(number));
  metadata::ImageMetadata image;
  image.identifier = Identifier::from_sha1(decoded.sha1);
  image.sha1 = decoded.sha1;
  image.sha256 = decoded.sha256;
  image.sha512 = decoded.sha512;
  image.bytes = random % (64 * kGiB);
  image.os = by_share(kSystems, kSystemShares, random >> 8);
  image.os_arch = by_share(kArchitectures, kArchitectureShares, random >> 16);
  image.os_version = std::to_string(1 + (random >> 24) % 30);
  image.type = image.kind = (random >> 32) % 5 == 0 ? "disk" : "machine";
  image.format = "qcow2";
  image.title = image.os + " " + image.os_version + " " + kRoles[(random >> 40) % 5] + " " +
                first_word(number) + " " + second_word(number, options);
  for (std::uint64_t i = 0; i < 16; ++i) {
    image.description += (i > 0 ? " " : "") + common_word(mix(random + i));
  }
  image.publisher = numbered("publisher ", (random >> 48) % 200);
  image.tags = {tag_of(number, options), numbered("team-", (random >> 50) % 500)};
  image.version = std::to_string(number % 7) + ".0";
  image.hypervisors = {"kvm"};
  image.locations = {"https://images.example/v1/images/" + std::to_string(number) + "/decoded"};
  image.created = sample_created(number, options);
  // A tenth has expired by the time that is asked about, a tenth never does.
  const UnixMillis end = options.begin + static_cast<UnixMillis>(options.count * kSecond);
  if (number % 10 != 3) image.valid = number % 10 == 4 ? end : end + 365LL * 86'400'000;
  if (random % 20 == 0) image.deprecated = "superseded";
  const DigestSet stored = digest::digest_of("stored " + std::to_string(number));
  image.stored = {{"xz", stored}};
  return image;
}

std::vector<NamedQuery> sample_queries(std::uint64_t random, const SampleOptions& options) {
  const std::uint64_t number = mix(random) % options.count;
  const metadata::ImageMetadata image = sample_image(number, options);
  Query base;
  base.now = options.begin + static_cast<UnixMillis>(options.count * kSecond);
  base.status = Query::Status::kAll;
  base.limit = kPage;
  const std::string start = "/v1/entries?limit=20&status=all";
  std::vector<NamedQuery> queries;
  const auto add = [&](const char* name, Query query, const std::string& more) {
    queries.push_back({name, std::move(query), "", start + more});
  };
  Query digest = base;
  digest.filters = {{Field::kSha256, image.sha256->hex()}};
  add("digest", digest, "&sha256=" + image.sha256->hex());
  Query identifier = base;
  identifier.filters = {{Field::kIdentifier, image.identifier.text()}};
  add("identifier", identifier, "&identifier=" + image.identifier.text());
  const std::string tag = tag_of(number, options);
  queries.push_back(
      {"tag", base, tag, "/tag/" + std::string(kSampleEmail) + "/" + tag + "?media=json"});
  Query tagged = base;
  tagged.filters = {{Field::kTag, tag}};
  add("all 20 of a tag", tagged, "&tag=" + tag);
  Query words = base;
  words.text = first_word(number) + " " + second_word(number, options);
  add("two words, 20 hits", words, "&q=" + percent_encode(words.text));
  Query filters = base;
  filters.status = Query::Status::kValid;
  filters.filters = {{Field::kOs, image.os}, {Field::kArch, image.os_arch}};
  add("two filters by created", filters, "&status=valid&os=" + image.os + "&arch=" + image.os_arch);
  return queries;
}

double percentile(std::vector<double> values, double share) {
  if (values.empty()) return 0;
  std::sort(values.begin(), values.end());
  const auto at = static_cast<std::size_t>(share * static_cast<double>(values.size()));
  return values[std::min(at, values.size() - 1)];
}

}  // namespace strata::bench
