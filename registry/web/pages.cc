#include "registry/web/pages.h"

#include "registry/web/html.h"
#include "strata/base/text.h"

namespace strata::web {
namespace {

std::string name_of(const EntryView& entry) {
  return entry.title.empty() ? entry.identifier : entry.title;
}

std::string system_of(const EntryView& entry) {
  std::string text = entry.os;
  for (const std::string* part : {&entry.os_version, &entry.os_arch}) {
    if (!part->empty()) text += (text.empty() ? "" : " ") + *part;
  }
  return text;
}

std::string text_input(std::string_view name, std::string_view label, std::string_view value,
                       std::string_view css = {}) {
  return "<label class=\"" + std::string(css) + "\">" + html_escape(label) +
         "<input type=\"search\" name=\"" + std::string(name) + "\" value=\"" + html_escape(value) +
         "\"></label>\n";
}

struct Option {
  std::string_view value, text;
};

std::string select(std::string_view name, std::string_view label, std::string_view chosen,
                   std::initializer_list<Option> options) {
  std::string html = "<label>" + html_escape(label) + "<select name=\"" + std::string(name) + "\">";
  for (const Option& option : options) {
    html += "<option value=\"" + std::string(option.value) + "\"" +
            (option.value == chosen ? " selected" : "") + ">" + std::string(option.text) +
            "</option>";
  }
  return html + "</select></label>\n";
}

std::string form(const SearchForm& form) {
  return "<form class=\"search\" action=\"/\" method=\"get\" role=\"search\">\n" +
         text_input("q", "Words", form.text, "words") + text_input("os", "System", form.os) +
         text_input("arch", "Architecture", form.arch) +
         text_input("endorser", "Endorser", form.endorser) +
         select("kind", "Kind", form.kind,
                {{"", "any"}, {"machine", "machine"}, {"disk", "disk"}}) +
         select("status", "Status", form.status,
                {{"valid", "valid"},
                 {"expired", "expired"},
                 {"deprecated", "deprecated"},
                 {"all", "all"}}) +
         select("sort", "Order", form.sort,
                {{"-created", "newest first"}, {"created", "oldest first"}}) +
         "<button type=\"submit\">Search</button>\n</form>\n";
}

std::string list_item(const EntryView& entry) {
  std::string html =
      "<li>\n<h2>" + link(entry.path, name_of(entry)) + " " + badge(entry.standing) + "</h2>\n";
  std::string facts = html_escape(system_of(entry));
  for (const std::string* fact : {&entry.kind, &entry.format, &entry.bytes}) {
    if (!fact->empty()) facts += (facts.empty() ? "" : " &middot; ") + html_escape(*fact);
  }
  html += "<p class=\"facts\">" + facts + "</p>\n";
  if (!entry.description.empty()) html += "<p>" + html_escape(entry.description) + "</p>\n";
  html += "<p class=\"facts\"><code>" + html_escape(entry.identifier) + "</code> &middot; " +
          link(endorser_path(entry.endorser) + "?media=html", entry.endorser) + " &middot; " +
          time(entry.created) + "</p>\n</li>\n";
  return html;
}

class Facts {
 public:
  void text(std::string_view name, std::string_view value) {
    if (!value.empty()) html(name, html_escape(value));
  }
  void html(std::string_view name, std::string_view value) {
    out_ += "<dt>" + html_escape(name) + "</dt><dd>" + std::string(value) + "</dd>\n";
  }
  [[nodiscard]] std::string take() { return "<dl>\n" + out_ + "</dl>\n"; }

 private:
  std::string out_;
};

std::string description_of(const EntryView& entry) {
  Facts facts;
  facts.text("Description", entry.description);
  facts.text("System", system_of(entry));
  facts.text("Kind", entry.kind);
  facts.text("Type", entry.type);
  facts.text("Format", entry.format);
  facts.text("Version", entry.version);
  facts.text("Publisher", entry.publisher);
  facts.text("Creator", entry.creator);
  facts.text("Size", entry.bytes);
  for (const std::string& tag : entry.tags) {
    // A tag stands for newest entries that are not deprecated.
    const bool resolves = entry.superseded_by.empty() && entry.deprecated.empty();
    facts.html("Tag", resolves ? link(tag_path(entry.endorser, tag) + "?media=html", tag)
                               : html_escape(tag));
  }
  for (const std::string& location : entry.locations) {
    facts.html("Location", place(location));
  }
  if (!entry.valid.empty()) facts.html("Valid until", time(entry.valid));
  return facts.take();
}

std::string proof_of(const EntryView& entry) {
  Facts facts;
  facts.html("Identifier", "<code>" + html_escape(entry.identifier) + "</code>");
  for (const auto& [name, hex] : entry.checksums) {
    facts.html(name, "<code>" + html_escape(hex) + "</code>");
  }
  for (const auto& [what, hex] : entry.stored) {
    facts.html("Stored as",
               html_escape(what) + "<br><code>sha-256 " + html_escape(hex) + "</code>");
  }
  facts.html("Endorser", link(endorser_path(entry.endorser) + "?media=html", entry.endorser));
  facts.html("Endorsed", time(entry.created));
  facts.html("Signature",
             html_escape(entry.algorithm) + " " + badge(entry.trusted ? "trusted" : "untrusted"));
  facts.text("Subject", entry.subject);
  facts.text("Issuer", entry.issuer);
  facts.html("Certificate", "<code>sha-256 " + html_escape(entry.fingerprint) + "</code>");
  return facts.take();
}

// Who else speaks of the same image, and where all of that is listed.
std::string others_of(const EntryView& entry) {
  std::string html = "<h2>Other entries of this image</h2>\n";
  if (!entry.others.empty()) {
    html += "<ul>\n";
    for (const Other& other : entry.others) {
      html += "<li>" + link(other.path + "?media=html", other.endorser) + ", " +
              time(other.created) + " " + badge(other.standing) + "</li>\n";
    }
    html += "</ul>\n";
  }
  return html + "<p>" +
         link("/metadata/" + percent_encode(entry.identifier) + "?status=all&media=html",
              "The newest entry of each endorser") +
         "</p>\n";
}

}  // namespace

std::string search_page(const SearchView& view) {
  std::string html = "<h1>" + html_escape(view.heading) + "</h1>\n" + form(view.form);
  html += "<p>" + std::string(view.total_exact ? "" : "More than ") + std::to_string(view.total) +
          (view.total == 1 && view.total_exact ? " entry" : " entries") + "</p>\n";
  if (!view.entries.empty()) {
    html += "<ul class=\"entries\">\n";
    for (const EntryView& entry : view.entries) html += list_item(entry);
    html += "</ul>\n";
  }
  html += next_link(view.next);
  return page(view.heading, html);
}

std::string entry_page(const EntryView& entry) {
  std::string html = "<h1>" + html_escape(name_of(entry)) + " " + badge(entry.standing) + "</h1>\n";
  if (!entry.deprecated.empty()) {
    html += "<p class=\"notice\">Deprecated: " + html_escape(entry.deprecated) + "</p>\n";
  }
  if (!entry.superseded_by.empty()) {
    html += "<p class=\"notice\">" + link(entry.superseded_by, "A newer entry") +
            " of the same image and endorser replaces this one.</p>\n";
  }
  html += description_of(entry) + "<h2>Content and signature</h2>\n" + proof_of(entry);
  html += others_of(entry);
  html += "<p>" + link(entry.path + "?media=xml", "Signed document (XML)") + " &middot; " +
          link(entry.path + "?media=json", "JSON") + "</p>\n";
  return page(name_of(entry), html);
}

std::string upload_page() {
  return page("Upload",
              "<h1>Upload a signed metadata document</h1>\n"
              "<form class=\"search\" action=\"/metadata\" method=\"post\" "
              "enctype=\"multipart/form-data\">\n"
              "<label>File<input type=\"file\" name=\"file\" required></label>\n"
              "<button type=\"submit\">Upload</button>\n</form>\n"
              "<p>The signature is the credential. From a terminal: "
              "<code>strata register FILE.xml</code></p>\n");
}

std::string message_page(std::string_view title, std::string_view text) {
  return page(title, "<h1>" + html_escape(title) + "</h1>\n<p>" + html_escape(text) + "</p>\n");
}

std::string confirmation_page(const ConfirmationView& view) {
  Facts facts;
  facts.text("Title", view.title);
  facts.html("Identifier", "<code>" + html_escape(view.identifier) + "</code>");
  facts.text("Endorser", view.endorser);
  facts.text("Signed", view.created);
  facts.html("Certificate", "<code>sha-256 " + html_escape(view.fingerprint) + "</code>");
  facts.text("Waits until", view.expires);
  const auto button = [](std::string_view action, std::string_view text) {
    return "<form class=\"search\" method=\"post\"><button name=\"action\" value=\"" +
           std::string(action) + "\">" + std::string(text) + "</button></form>\n";
  };
  return page("Confirm an entry",
              "<h1>Is this yours?</h1>\n<p>This document was signed in your name. Nothing has been "
              "published yet.</p>\n" +
                  facts.take() + button("confirm", "Confirm: I signed it, publish it") +
                  button("abort", "Abort: throw it away"));
}

std::string problem_page(int status, std::string_view title, std::string_view detail,
                         std::string_view request_id) {
  return page(title, "<h1>" + std::to_string(status) + " " + html_escape(title) + "</h1>\n<p>" +
                         html_escape(detail) + "</p>\n<p class=\"facts\">Request <code>" +
                         html_escape(request_id) + "</code></p>\n");
}

}  // namespace strata::web
