#include "registry/service/negotiation.h"

#include <array>
#include <string>

#include "strata/base/text.h"

namespace strata::registry {
namespace {

// In thousandths; 0 also for what is no weight.
int weight_of(std::string_view range) {
  const auto parts = split(range, ';');
  for (std::size_t i = 1; i < parts.size(); ++i) {
    const std::string_view parameter = trim(parts[i]);
    if (parameter.size() < 3 || !iequals(parameter.substr(0, 2), "q=")) continue;
    const std::string_view value = parameter.substr(2);
    if (value.size() > 5 || (value.front() != '0' && value.front() != '1')) return 0;
    if (value.front() == '1') return 1000;
    int weight = 0;
    int unit = 100;
    for (std::size_t j = 2; j < value.size(); ++j, unit /= 10) {
      if (value[j] < '0' || value[j] > '9') return 0;
      weight += unit * (value[j] - '0');
    }
    return weight;
  }
  return 1000;
}

struct Offer {
  Media media;
  std::string_view type;
};

constexpr std::array<Offer, 6> kOffers = {{{Media::kXml, "application/rdf+xml"},
                                           {Media::kXml, "application/xml"},
                                           {Media::kXml, "text/xml"},
                                           {Media::kJson, "application/json"},
                                           {Media::kHtml, "text/html"},
                                           {Media::kHtml, "application/xhtml+xml"}}};

// 3: this type, 2: its main type, 1: anything, 0: not this one.
int specificity(std::string_view range, std::string_view type) {
  if (iequals(range, type)) return 3;
  if (range == "*/*") return 1;
  const std::string_view main = type.substr(0, type.find('/') + 1);
  return range.size() == main.size() + 1 && range.ends_with('*') &&
                 iequals(range.substr(0, main.size()), main)
             ? 2
             : 0;
}

std::optional<Media> from_accept(const http::Headers& headers) {
  const auto accept = headers.joined("Accept");
  if (!accept) return std::nullopt;
  std::optional<Media> best;
  int best_weight = 0;
  int best_specificity = 0;
  for (const Offer& offer : kOffers) {
    int weight = 0;
    int found = 0;
    for (const std::string_view range : split(*accept, ',')) {
      const int fits = specificity(trim(range.substr(0, range.find(';'))), offer.type);
      if (fits > found) {
        found = fits;
        weight = weight_of(range);
      }
    }
    if (weight > best_weight || (weight == best_weight && weight > 0 && found > best_specificity)) {
      best = offer.media;
      best_weight = weight;
      best_specificity = found;
    }
  }
  return best;
}

}  // namespace

Result<Media> negotiate(const Parameters& parameters, const http::Headers& headers) {
  if (const auto media = parameters.get("media")) {
    if (*media == "xml") return Media::kXml;
    if (*media == "json") return Media::kJson;
    if (*media == "html") return Media::kHtml;
    return Error(Errc::kMalformed, "media: one of xml, json, html");
  }
  return from_accept(headers).value_or(Media::kXml);
}

bool prefers_html(const http::Headers& headers) {
  return from_accept(headers) == Media::kHtml;
}

}  // namespace strata::registry
