#include "registry/web/html.h"

#include "registry/web/pages.h"
#include "strata/base/text.h"

namespace strata::web {

std::string page(std::string_view title, std::string_view content) {
  std::string html =
      "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
      "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n<title>";
  html += html_escape(title);
  html +=
      " - Strata registry</title>\n<link rel=\"stylesheet\" href=\"/static/style.css\">\n</head>\n"
      "<body>\n<header><span class=\"name\">Strata registry</span>\n<nav aria-label=\"Pages\"><a "
      "href=\"/\">Images</a> "
      "<a href=\"/endorsers?media=html\">Endorsers</a> <a href=\"/upload\">Upload</a></nav>"
      "</header>\n<main>\n";
  html += content;
  html += "</main>\n</body>\n</html>\n";
  return html;
}

std::string link(std::string_view target, std::string_view text) {
  return "<a href=\"" + html_escape(target) + "\">" + html_escape(text) + "</a>";
}

std::string badge(std::string_view kind) {
  return "<span class=\"badge " + html_escape(kind) + "\">" + html_escape(kind) + "</span>";
}

std::string place(std::string_view uri) {
  return is_linkable(uri) ? link(uri, uri) : html_escape(uri);
}

std::string time(std::string_view rfc3339) {
  return "<time>" + html_escape(rfc3339) + "</time>";
}

std::string next_link(std::string_view target) {
  if (target.empty()) return {};
  return "<p><a rel=\"next\" href=\"" + html_escape(target) + "\">Next page</a></p>\n";
}

std::string endorser_path(std::string_view email) {
  return "/endorsers/" + percent_encode(email, "@");
}

std::string tag_path(std::string_view email, std::string_view tag) {
  return "/tag/" + percent_encode(email, "@") + "/" + percent_encode(tag);
}

bool is_linkable(std::string_view uri) {
  const std::string lower = ascii_lower(uri.substr(0, 8));
  return lower.starts_with("http://") || lower.starts_with("https://") ||
         lower.starts_with("ftp://");
}

}  // namespace strata::web
