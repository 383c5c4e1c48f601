#include <algorithm>
#include <boost/json.hpp>
#include <cstdio>
#include <optional>

#include "strata/base/ids.h"
#include "strata/base/text.h"
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

json::object file_json(const std::string& file, const FileDigest& digest) {
  return {{"file", is_valid_utf8(file) ? file : printable(file)},
          {"identifier", Identifier::from_sha1(digest.decoded.sha1).text()},
          {"encoding", codec::encoding_name(digest.encoding)},
          {"format", codec::disk_format_name(digest.disk.format)},
          {"virtual_bytes", digest.disk.virtual_bytes},
          {"stored", view_json(digest.stored)},
          {"decoded", view_json(digest.decoded)}};
}

// What fails does not keep the others from being digested; it is said at once and decides the exit
// code.
Status run_digest(const std::vector<std::string>& paths, bool as_json) {
  if (std::ranges::count(paths, "-") > 1) {
    return Error(Errc::kUsage, "standard input can be read once only: - was given twice");
  }
  std::optional<Error> first_error;
  std::size_t failed = 0;
  std::vector<Error> unreadable;
  const auto files =
      expand_folders(paths, [&](const Error& error) { unreadable.push_back(error); });
  const bool single = files == paths && files.size() == 1;
  const auto fail = [&](const Error& error) {
    if (++failed == 1) first_error = error;
    if (!single) complain(error);
  };
  for (const Error& error : unreadable) fail(error);
  bool any = false;  // an element of the array is written
  const auto print = [&](const std::string& file, const Result<FileDigest>& digest) {
    if (!digest) return fail(digest.error());
    if (!as_json) return print_text(file, *digest);
    std::printf("%s%s", any ? ",\n" : "[", json::serialize(file_json(file, *digest)).c_str());
    any = true;
  };
  FileDigester(Limits{}).digest_all(files, print);
  if (single && failed > 0) return *first_error;
  if (as_json) std::printf("%s]\n", any ? "" : "[");
  if (failed == 0) return {};
  return Error(first_error->code(), std::to_string(failed) + (failed == 1 ? " file" : " files") +
                                        " could not be digested");
}

}  // namespace

void add_digest(CLI::App& app, Context& context) {
  struct Options {
    std::vector<std::string> files;
    bool json = false;
  };
  auto options = std::make_shared<Options>();  // shared by the parser and the callback
  auto* command =
      app.add_subcommand("digest", "Identifier, size and digests of files, many at a time");
  command->add_option("FILE", options->files, "Files, or folders of them; - is standard input")
      ->required();
  command->add_flag("--json", options->json, "A JSON array");
  command->callback([&context, options] {
    context.run = [options] { return run_digest(options->files, options->json); };
  });
}

}  // namespace strata::cli
