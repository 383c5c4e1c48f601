#include "registry/metadata/vocabulary.h"
#include "strata/base/text.h"
#include "strata/metadata/document.h"

namespace strata::metadata {
namespace {

// Length of the UTF-8 sequence at `at`, 0 when there is none.
std::size_t sequence_length(std::string_view text, std::size_t at) {
  for (std::size_t length = 1; length <= 4 && at + length <= text.size(); ++length) {
    if (is_valid_utf8(text.substr(at, length))) return length;
  }
  return 0;
}

// U+FFFE and U+FFFF and control characters have no place in XML 1.0, not even as references.
bool is_xml_character(std::string_view sequence) {
  if (sequence == "\xef\xbf\xbe" || sequence == "\xef\xbf\xbf") return false;
  const char c = sequence[0];
  return sequence.size() > 1 || c >= ' ' || c < 0 || c == '\t' || c == '\n' || c == '\r';
}

std::string escape(std::string_view text) {
  std::string escaped;
  for (std::size_t i = 0; i < text.size();) {
    const std::size_t length = sequence_length(text, i);
    const std::string_view sequence = text.substr(i, length);
    if (length == 0 || !is_xml_character(sequence)) {
      escaped += "\xef\xbf\xbd";
    } else if (sequence == "&") {
      escaped += "&amp;";
    } else if (sequence == "<") {
      escaped += "&lt;";
    } else if (sequence == ">") {
      escaped += "&gt;";
    } else if (sequence == "\r") {
      escaped += "&#13;";  // a plain one would come back as a line feed
    } else {
      escaped += sequence;
    }
    i += length == 0 ? 1 : length;
  }
  return escaped;
}

class Writer {
 public:
  void line(std::string_view text) {
    out_.append(depth_ * 2, ' ');
    out_ += text;
    out_ += '\n';
  }
  void value(std::string_view name, std::string_view text) {
    line("<" + std::string(name) + ">" + escape(text) + "</" + std::string(name) + ">");
  }
  void optional(std::string_view name, std::string_view text) {
    if (!text.empty()) value(name, text);
  }
  void open(std::string_view name) {
    line("<" + std::string(name) + " rdf:parseType=\"Resource\">");
    ++depth_;
  }
  void close(std::string_view name) {
    --depth_;
    line("</" + std::string(name) + ">");
  }
  void checksum(std::string_view algorithm, const std::string& hex) {
    open("slreq:checksum");
    value("slreq:algorithm", algorithm);
    value("slreq:value", hex);
    close("slreq:checksum");
  }
  void indent() { ++depth_; }
  void dedent() { --depth_; }
  [[nodiscard]] std::string take() { return std::move(out_); }

 private:
  std::string out_;
  std::size_t depth_ = 0;
};

void write_endorsement(Writer& writer, const std::optional<Endorsement>& endorsement) {
  if (!endorsement) return writer.line("<slreq:endorsement rdf:parseType=\"Resource\"/>");
  writer.open("slreq:endorsement");
  writer.value("dcterms:created", format_rfc3339(endorsement->created));
  writer.open("slreq:endorser");
  writer.value("slreq:email", endorsement->email);
  writer.value("slreq:subject", endorsement->subject);
  for (const std::string& issuer : endorsement->issuers) writer.value("slreq:issuer", issuer);
  writer.close("slreq:endorser");
  writer.close("slreq:endorsement");
}

void write_required(Writer& writer, const ImageMetadata& metadata) {
  writer.value("dcterms:identifier", metadata.identifier.text());
  writer.value("slreq:bytes", std::to_string(metadata.bytes));
  writer.checksum("SHA-1", metadata.sha1.hex());
  if (metadata.sha256) writer.checksum("SHA-256", metadata.sha256->hex());
  if (metadata.sha512) writer.checksum("SHA-512", metadata.sha512->hex());
  write_endorsement(writer, metadata.endorsement);
}

void write_terms(Writer& writer, const ImageMetadata& metadata) {
  const std::string& kind = metadata.kind;
  writer.value("dcterms:type", !metadata.type.empty() ? metadata.type
                               : !kind.empty()        ? kind
                                                      : "machine");
  writer.optional("slterms:kind", kind);
  if (metadata.valid) writer.value("dcterms:valid", format_rfc3339(*metadata.valid));
  if (metadata.created) writer.value("dcterms:created", format_rfc3339(*metadata.created));
  writer.optional("dcterms:title", metadata.title);
  writer.optional("dcterms:description", metadata.description);
  writer.optional("dcterms:creator", metadata.creator);
  writer.optional("dcterms:publisher", metadata.publisher);
  writer.optional("dcterms:format", metadata.format);
  writer.optional("dcterms:compression", metadata.compression);
  for (const std::string& tag : metadata.tags) writer.value("dcterms:alternative", tag);
  for (const std::string& location : metadata.locations) writer.value("slterms:location", location);
  if (metadata.serial_number) {
    writer.value("slterms:serial-number", std::to_string(*metadata.serial_number));
  }
  writer.optional("slterms:version", metadata.version);
  writer.optional("slterms:os", metadata.os);
  writer.optional("slterms:os-version", metadata.os_version);
  writer.optional("slterms:os-arch", metadata.os_arch);
  if (metadata.deprecated) writer.value("slterms:deprecated", *metadata.deprecated);
  for (const std::string& name : metadata.hypervisors) writer.value("slterms:hypervisor", name);
}

void write_stored(Writer& writer, const ImageMetadata::Stored& stored) {
  writer.open("strata:stored");
  writer.value("strata:encoding", stored.encoding);
  writer.value("strata:bytes", std::to_string(stored.digests.bytes));
  writer.value("strata:sha-1", stored.digests.sha1.hex());
  writer.value("strata:sha-256", stored.digests.sha256.hex());
  writer.value("strata:sha-512", stored.digests.sha512.hex());
  writer.close("strata:stored");
}

std::string declare(std::string_view prefix, std::string_view uri) {
  return "         xmlns:" + std::string(prefix) + "=\"" + std::string(uri) + "\"";
}

}  // namespace

std::string build(const ImageMetadata& metadata) {
  Writer writer;
  writer.line("<?xml version=\"1.0\" encoding=\"UTF-8\"?>");
  writer.line("<rdf:RDF xmlns:rdf=\"" + std::string(kRdf) + "\"");
  writer.line(declare("dcterms", kDcterms));
  writer.line(declare("slreq", kSlreq));
  writer.line(declare("slterms", kSlterms));
  if (!metadata.stored.empty()) writer.line(declare("strata", kStrata));
  writer.line("         xml:base=\"" + std::string(kBaseUri) + "\">");
  writer.indent();
  writer.line("<rdf:Description rdf:about=\"#" + metadata.identifier.text() + "\">");
  writer.indent();
  write_required(writer, metadata);
  write_terms(writer, metadata);
  for (const auto& stored : metadata.stored) write_stored(writer, stored);
  writer.dedent();
  writer.line("</rdf:Description>");
  writer.dedent();
  writer.line("</rdf:RDF>");
  return writer.take();
}

}  // namespace strata::metadata
