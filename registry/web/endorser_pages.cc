#include "registry/web/html.h"
#include "registry/web/pages.h"
#include "strata/base/text.h"

namespace strata::web {
namespace {

std::string table(std::string_view caption, std::initializer_list<std::string_view> columns,
                  std::string_view rows) {
  std::string html =
      "<div class=\"wide\"><table>\n<caption>" + html_escape(caption) + "</caption>\n<thead><tr>";
  for (const std::string_view column : columns) {
    html += "<th scope=\"col\">" + html_escape(column) + "</th>";
  }
  return html + "</tr></thead>\n<tbody>\n" + std::string(rows) + "</tbody>\n</table></div>\n";
}

std::string cell(std::string_view html) {
  return "<td>" + std::string(html) + "</td>";
}

std::string row_of(const EntryView& entry) {
  std::string places;
  for (const std::string& location : entry.locations) {
    places += (places.empty() ? "" : "<br>") + place(location);
  }
  return "<tr><th scope=\"row\">" +
         link(entry.path + "?media=html", entry.title.empty() ? entry.identifier : entry.title) +
         "</th>" + cell("<code>" + html_escape(entry.identifier) + "</code>") +
         cell(time(entry.created)) + cell(badge(entry.standing)) +
         cell(html_escape(entry.description)) + cell(places) + cell(html_escape(entry.deprecated)) +
         "</tr>\n";
}

std::string tag_list(const std::string& email, const std::vector<std::string>& tags) {
  if (tags.empty()) return "<p>None.</p>\n";
  std::string html = "<ul>\n";
  for (const std::string& tag : tags) {
    html += "<li>" + link(tag_path(email, tag) + "?media=html", tag) + "</li>\n";
  }
  return html + "</ul>\n";
}

std::string range_form(const EndorserView& view) {
  return "<form class=\"search\" action=\"" + html_escape(endorser_path(view.email)) +
         "\" method=\"get\">\n<input type=\"hidden\" name=\"media\" value=\"html\">\n"
         "<label>Days<input type=\"number\" name=\"range\" min=\"1\" max=\"36500\" value=\"" +
         std::to_string(view.days) +
         "\"></label>\n<button type=\"submit\">Show</button>\n</form>\n";
}

}  // namespace

std::string endorsers_page(const std::vector<EndorserRow>& endorsers) {
  std::string rows;
  for (const EndorserRow& endorser : endorsers) {
    rows += "<tr><th scope=\"row\">" +
            link(endorser_path(endorser.email) + "?media=html", endorser.email) + "</th>" +
            cell(html_escape(endorser.subject)) + cell(html_escape(endorser.issuer)) + "</tr>\n";
  }
  std::string html = "<h1>Endorsers</h1>\n";
  html += endorsers.empty() ? "<p>Nobody has endorsed an image yet.</p>\n"
                            : table("Who endorsed the newest entries, by e-mail address",
                                    {"E-mail", "Subject", "Issuer"}, rows);
  return page("Endorsers", html);
}

std::string endorser_page(const EndorserView& view) {
  std::string html = "<h1>" + html_escape(view.email) + "</h1>\n<p>" +
                     link("/metadata/" + percent_encode(view.email, "@") + "?status=all&media=html",
                          "All images of this endorser") +
                     "</p>\n<h2>Tags</h2>\n" + tag_list(view.email, view.tags) +
                     "<h2>Endorsed lately</h2>\n" + range_form(view);
  std::string rows;
  for (const EntryView& entry : view.entries) rows += row_of(entry);
  html += view.entries.empty()
              ? "<p>Nothing in these days.</p>\n"
              : table("Newest entries of the last " + std::to_string(view.days) + " days",
                      {"Image", "Identifier", "Created", "Status", "Description", "Location",
                       "Deprecated"},
                      rows);
  return page(view.email, html + next_link(view.next));
}

std::string tags_page(const std::string& email, const std::vector<std::string>& tags) {
  return page("Tags of " + email, "<h1>Tags of " +
                                      link(endorser_path(email) + "?media=html", email) +
                                      "</h1>\n" + tag_list(email, tags));
}

}  // namespace strata::web
