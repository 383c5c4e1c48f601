#include <boost/json.hpp>
#include <cstdio>

#include "strata/base/ids.h"
#include "tools/cli/command.h"
#include "tools/cli/file_digest.h"

namespace strata::cli {
namespace {

namespace json = boost::json;

json::object view_json(const DigestSet& set) {
  return {
      {"bytes", set.bytes},
      {"digests",
       {{"sha-1", set.sha1.hex()}, {"sha-256", set.sha256.hex()}, {"sha-512", set.sha512.hex()}}}};
}

void print_view(const char* view, const DigestSet& set) {
  std::printf("  %-8s bytes    %llu\n", view, static_cast<unsigned long long>(set.bytes));
  std::printf("           sha-1    %s\n", set.sha1.hex().c_str());
  std::printf("           sha-256  %s\n", set.sha256.hex().c_str());
  std::printf("           sha-512  %s\n", set.sha512.hex().c_str());
}

void print_text(const std::string& file, const FileDigest& digest) {
  std::printf("%s\n  identifier        %s\n", printable(file).c_str(),
              Identifier::from_sha1(digest.decoded.sha1).text().c_str());
  std::printf("  encoding          %s, format %s\n",
              std::string(codec::encoding_name(digest.encoding)).c_str(),
              std::string(codec::disk_format_name(digest.disk.format)).c_str());
  print_view("stored", digest.stored);
  if (digest.encoding != codec::Encoding::kIdentity) print_view("decoded", digest.decoded);
}

Status run_digest(const std::vector<std::string>& files, bool as_json) {
  json::array all;
  for (const std::string& file : files) {
    STRATA_TRY(const FileDigest digest, digest_file(file, Limits{}));
    if (!as_json) {
      print_text(file, digest);
      continue;
    }
    all.push_back({{"file", file},
                   {"identifier", Identifier::from_sha1(digest.decoded.sha1).text()},
                   {"encoding", codec::encoding_name(digest.encoding)},
                   {"format", codec::disk_format_name(digest.disk.format)},
                   {"virtual_bytes", digest.disk.virtual_bytes},
                   {"stored", view_json(digest.stored)},
                   {"decoded", view_json(digest.decoded)}});
  }
  if (as_json) return write_text("-", json::serialize(all) + "\n");
  return {};
}

}  // namespace

void add_digest(CLI::App& app, Context& context) {
  struct Options {
    std::vector<std::string> files;
    bool json = false;
  };
  auto options = std::make_shared<Options>();  // shared by the parser and the callback
  auto* command = app.add_subcommand("digest", "Identifier, size and digests of files");
  command->add_option("FILE", options->files, "Files; - is standard input")->required();
  command->add_flag("--json", options->json, "A JSON array");
  command->callback([&context, options] {
    context.run = [options] { return run_digest(options->files, options->json); };
  });
}

}  // namespace strata::cli
