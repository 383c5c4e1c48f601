#include <cstdio>
#include <iostream>

#include "strata/metadata/document.h"
#include "tools/cli/credentials.h"
#include "tools/cli/file_digest.h"

namespace strata::cli {
namespace {

constexpr UnixMillis kDayMillis = UnixMillis{24} * 3600 * 1000;

struct BuildOptions {
  std::string image, output = "-";
  metadata::ImageMetadata metadata;
  std::string valid;
};

// What the options do not say is read from the file, or is what most documents have.
Status fill(metadata::ImageMetadata& document, const FileDigest& digest, const std::string& valid) {
  document.identifier = Identifier::from_sha1(digest.decoded.sha1);
  document.bytes = digest.decoded.bytes;
  document.sha1 = digest.decoded.sha1;
  document.sha256 = digest.decoded.sha256;
  document.sha512 = digest.decoded.sha512;
  if (document.type.empty()) document.type = document.kind;
  if (document.format.empty()) document.format = codec::disk_format_name(digest.disk.format);
  document.stored.push_back({std::string(codec::encoding_name(digest.encoding)), digest.stored});
  const UnixMillis now = SystemClock().now();
  document.created = now - now % 1000;
  if (valid == "never") return {};
  document.valid = *document.created + 365 * kDayMillis;
  if (valid.empty()) return {};
  document.valid = parse_rfc3339(valid);
  if (document.valid) return {};
  return Error(Errc::kUsage, "--valid must be a time like 2027-01-31T00:00:00Z, or never");
}

Status run_build(const BuildOptions& options) {
  metadata::ImageMetadata metadata = options.metadata;
  STRATA_TRY(const FileDigest digest, digest_file(options.image, Limits{}));
  if (Status status = fill(metadata, digest, options.valid); !status) return status;
  const std::string document = metadata::build(metadata);
  // What signing would refuse is said now: a tag of 41 bytes, a text that is too long.
  if (const auto parsed = metadata::parse(document); !parsed) {
    return Error(Errc::kUsage, parsed.error().detail());
  }
  return write_text(options.output, document);
}

void add_build(CLI::App& parent, Context& context) {
  auto options = std::make_shared<BuildOptions>();  // shared by the parser and the callback
  auto& metadata = options->metadata;
  metadata.kind = "machine";
  auto* command = parent.add_subcommand("build", "An unsigned document that describes a file");
  command->add_option("IMAGE", options->image, "The image file; checksums are of its decoded bytes")
      ->required();
  command->add_option("-o,--output", options->output, "Where to write; - is standard output");
  command->add_option("--title", metadata.title, "A line about the image");
  command->add_option("--description,--comment", metadata.description, "More about it");
  command->add_option("--creator,--author", metadata.creator, "Who made the image");
  command->add_option("--publisher", metadata.publisher, "Who publishes it");
  command->add_option("--kind", metadata.kind, "machine (default) or disk")
      ->check(CLI::IsMember({"machine", "disk"}));
  command->add_option("--type", metadata.type, "dcterms:type, like base; default: the kind");
  command->add_option("--format", metadata.format, "Format of the disk; default: as found");
  command->add_option("--compression", metadata.compression,
                      "dcterms:compression for StratusLab's clients: gz, bz2; default: none");
  command->add_option("--os", metadata.os, "Operating system");
  command->add_option("--os-version", metadata.os_version, "Its version");
  command->add_option("--os-arch", metadata.os_arch, "Its architecture, like x86_64");
  command->add_option("--image-version", metadata.version, "Version of the image");
  command->add_option("--serial-number", metadata.serial_number, "A number");
  command->add_option("--hypervisor", metadata.hypervisors, "Like kvm; may be repeated")
      ->allow_extra_args(false);
  command->add_option("--tag", metadata.tags, "A name that tells the newest; may be repeated")
      ->allow_extra_args(false);
  command->add_option("--location", metadata.locations, "URI of the bytes; may be repeated")
      ->allow_extra_args(false);
  command->add_option("--valid", options->valid,
                      "When the entry expires, or never; default: in a year");
  command->callback(
      [&context, options] { context.run = [options] { return run_build(*options); }; });
}

struct SignOptions {
  std::string document, output = "-";
  Credentials credentials;
};

Status run_sign(const SignOptions& options) {
  const Limits limits;
  STRATA_TRY(const std::string document,
             read_small_file(options.document, limits.metadata_document_bytes_max));
  STRATA_TRY(const auto endorser, load_endorser(options.credentials));
  const UnixMillis now = SystemClock().now();
  STRATA_TRY(const std::string signed_document,
             metadata::sign(document, endorser, now - now % 1000, options.credentials.email));
  return write_text(options.output, signed_document);
}

void add_sign(CLI::App& parent, Context& context) {
  auto options = std::make_shared<SignOptions>();  // shared by the parser and the callback
  auto* command =
      parent.add_subcommand("sign", "Endorses a document: fills the endorsement, signs");
  command->add_option("FILE", options->document, "The document; - is standard input")->required();
  add_credentials(*command, options->credentials);
  command->add_option("-o,--output", options->output, "Where to write; - is standard output");
  command->callback(
      [&context, options] { context.run = [options] { return run_sign(*options); }; });
}

Status run_verify(const std::string& file, bool legacy) {
  const Limits limits;
  STRATA_TRY(const std::string document, read_small_file(file, limits.metadata_document_bytes_max));
  const auto profile = legacy ? metadata::Profile::kLegacy : metadata::Profile::kStrict;
  const auto entry = metadata::verify(document, profile, limits);
  if (!entry) return Error(Errc::kVerification, entry.error().detail());
  const auto& signature = entry->signature();
  std::printf("valid       %s\n", entry->key().path().c_str());
  std::printf("identifier  %s\n", entry->key().identifier.text().c_str());
  std::printf("endorser    %s\n", printable(entry->key().endorser).c_str());
  std::printf("subject     %s\n", printable(signature.subject).c_str());
  std::printf("signature   %s%s, certificate sha-256 %s\n", signature.algorithm.c_str(),
              signature.weak ? " (weak)" : "", signature.fingerprint.c_str());
  if (legacy) {
    std::puts("trust: none");
    if (signature.certificate_email.empty()) std::puts("email: not in certificate");
    if (!signature.certificate_valid_at_created) std::puts("certificate not valid at created");
  }
  return {};
}

void add_verify(CLI::App& parent, Context& context) {
  struct Options {
    std::string file;
    bool legacy = false;
  };
  auto options = std::make_shared<Options>();  // shared by the parser and the callback
  auto* command = parent.add_subcommand("verify", "Checks signature, schema and constraints");
  command->add_option("FILE", options->file, "The document; - is standard input")->required();
  command->add_flag("--legacy", options->legacy,
                    "StratusLab's profile: RSA-SHA1 taken, trust reported but not required");
  command->callback([&context, options] {
    context.run = [options] { return run_verify(options->file, options->legacy); };
  });
}

}  // namespace

void add_metadata(CLI::App& app, Context& context) {
  auto* command =
      app.add_subcommand("metadata", "Builds, signs, verifies and deprecates documents");
  command->require_subcommand(1);
  add_build(*command, context);
  add_sign(*command, context);
  add_verify(*command, context);
  add_deprecate(*command, context);
}

}  // namespace strata::cli
