#include <cstdio>
#include <iostream>

#include "strata/metadata/document.h"
#include "tools/cli/command.h"
#include "tools/cli/file_digest.h"

namespace strata::cli {
namespace {

constexpr UnixMillis kDayMillis = UnixMillis{24} * 3600 * 1000;
constexpr std::size_t kPemBytesMax = 64 * kKiB;

struct BuildOptions {
  std::string image, output = "-";
  metadata::ImageMetadata metadata;
  std::string valid;
};

Status run_build(const BuildOptions& options) {
  metadata::ImageMetadata document = options.metadata;
  STRATA_TRY(const FileDigest digest, digest_file(options.image, Limits{}));
  document.identifier = Identifier::from_sha1(digest.decoded.sha1);
  document.bytes = digest.decoded.bytes;
  document.sha1 = digest.decoded.sha1;
  document.sha256 = digest.decoded.sha256;
  document.sha512 = digest.decoded.sha512;
  document.type = document.kind;
  document.format = codec::disk_format_name(digest.disk.format);
  document.stored.push_back({std::string(codec::encoding_name(digest.encoding)), digest.stored});
  const UnixMillis now = SystemClock().now();
  document.created = now - now % 1000;
  document.valid = now - now % 1000 + 365 * kDayMillis;
  if (!options.valid.empty()) {
    document.valid = parse_rfc3339(options.valid);
    if (!document.valid) {
      return Error(Errc::kUsage, "--valid must be a time like 2027-01-31T00:00:00Z");
    }
  }
  return write_text(options.output, metadata::build(document));
}

void add_build(CLI::App& parent, Context& context) {
  auto options = std::make_shared<BuildOptions>();  // shared by the parser and the callback
  options->metadata.kind = "machine";
  auto* command = parent.add_subcommand("build", "An unsigned document that describes a file");
  command->add_option("IMAGE", options->image, "The image file")->required();
  command->add_option("-o,--output", options->output, "Where to write; - is standard output");
  command->add_option("--title", options->metadata.title);
  command->add_option("--description", options->metadata.description);
  command->add_option("--creator", options->metadata.creator);
  command->add_option("--publisher", options->metadata.publisher);
  command->add_option("--kind", options->metadata.kind)->check(CLI::IsMember({"machine", "disk"}));
  command->add_option("--os", options->metadata.os);
  command->add_option("--os-version", options->metadata.os_version);
  command->add_option("--os-arch", options->metadata.os_arch);
  command->add_option("--image-version", options->metadata.version);
  command->add_option("--hypervisor", options->metadata.hypervisors)->allow_extra_args(false);
  command->add_option("--tag", options->metadata.tags)->allow_extra_args(false);
  command->add_option("--location", options->metadata.locations, "URI of the decoded bytes")
      ->allow_extra_args(false);
  command->add_option("--valid", options->valid, "When the entry expires; default in a year");
  command->callback(
      [&context, options] { context.run = [options] { return run_build(*options); }; });
}

struct SignOptions {
  std::string document, output = "-", key, certificate, email;
};

Status run_sign(const SignOptions& options) {
  const Limits limits;
  STRATA_TRY(const std::string document,
             read_small_file(options.document, limits.metadata_document_bytes_max));
  STRATA_TRY(const std::string key, read_small_file(options.key, kPemBytesMax));
  STRATA_TRY(const std::string certificate, read_small_file(options.certificate, kPemBytesMax));
  STRATA_TRY(const auto endorser, metadata::Endorser::load(key, certificate));
  const UnixMillis now = SystemClock().now();
  STRATA_TRY(const std::string signed_document,
             metadata::sign(document, endorser, now - now % 1000, options.email));
  return write_text(options.output, signed_document);
}

void add_sign(CLI::App& parent, Context& context) {
  auto options = std::make_shared<SignOptions>();  // shared by the parser and the callback
  auto* command =
      parent.add_subcommand("sign", "Endorses a document: fills the endorsement, signs");
  command->add_option("FILE", options->document, "The document; - is standard input")->required();
  command->add_option("--key", options->key, "PEM private key (RSA or P-256)")->required();
  command->add_option("--cert", options->certificate, "PEM certificate")->required();
  command->add_option("--email", options->email, "Used when the certificate has none");
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
  auto* command = app.add_subcommand("metadata", "Builds, signs and verifies metadata documents");
  command->require_subcommand(1);
  add_build(*command, context);
  add_sign(*command, context);
  add_verify(*command, context);
}

}  // namespace strata::cli
