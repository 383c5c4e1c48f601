#include "storage/client/push.h"

#include <cstdio>

#include "strata/base/text.h"
#include "tools/cli/command.h"
#include "tools/cli/interrupt.h"
#include "tools/cli/progress_bar.h"

namespace strata::cli {
namespace {

struct Options {
  std::string file;
  client::PushOptions push;
  std::vector<std::string> metadata;  // key=value
  std::uint32_t retry_for_seconds = 300;
  bool json = false;
};

// "os=debian,description=small, fast": a piece without '=' belongs to the value before it.
Status read_metadata(Options& options) {
  for (const std::string& list : options.metadata) {
    std::string* value = nullptr;
    for (const std::string_view piece : split(list, ',')) {
      const std::size_t equals = piece.find('=');
      if (equals == std::string_view::npos && value != nullptr) {
        *value += "," + std::string(piece);
        continue;
      }
      if (equals == 0 || equals == std::string_view::npos) {
        return Error(Errc::kUsage, "--metadata takes key=value, not '" + list + "'");
      }
      value = &options.push.metadata[std::string(piece.substr(0, equals))];
      *value = std::string(piece.substr(equals + 1));
    }
  }
  return {};
}

Status run_push(const Context& context, Options options) {
  if (const Status status = read_metadata(options); !status) return status;
  STRATA_TRY(auto endpoint, context.storage_endpoint());
  const std::string folder = state_folder();
  if (!folder.empty()) options.push.state_folder = folder + "/uploads";
  options.push.retry_for = std::chrono::seconds(options.retry_for_seconds);
  const Interrupt interrupt;  // so that the end says how to go on
  endpoint.stop = interrupt.token();
  ProgressBar bar("pushing " + printable(options.file));
  options.push.note = [&bar](const std::string& line) { bar.note(printable(line)); };
  const auto image =
      client::push(endpoint, options.file, options.push,
                   [&bar](std::uint64_t done, std::uint64_t total) { bar.update(done, total); });
  if (!image) return image.error();
  bar.finish();
  if (options.json) return write_text("-", image->json + "\n");
  std::printf("id          %s\nidentifier  %s\nsha-256     %s (stored)\n", image->id.text().c_str(),
              image->identifier.c_str(), image->stored.sha256.hex().c_str());
  if (image->encoding != "identity") {
    std::printf("sha-256     %s (decoded from %s)\n", image->decoded.sha256.hex().c_str(),
                image->encoding.c_str());
  }
  return {};
}

}  // namespace

void add_push(CLI::App& app, Context& context) {
  auto options = std::make_shared<Options>();  // shared by the parser and the callback
  auto* command = app.add_subcommand(
      "push",
      "Uploads an image to storage. Goes on by itself after a cut connection or a restart of the "
      "server; after its own end, the same command again goes on where it was");
  command->add_option("FILE", options->file)->required();
  command->add_option("--name", options->push.name, "Name of the image; default the file's");
  command->add_flag("--public", options->push.is_public, "Anyone may read it");
  command->add_option("--tag", options->push.tags, "A tag; may be repeated")
      ->allow_extra_args(false);
  command
      ->add_option("--metadata", options->metadata,
                   "key=value,...: kind, title, description, os, os-version, os-arch, version")
      ->allow_extra_args(false);
  command
      ->add_option("--parallel", options->push.parallel,
                   "Pieces of the file that are sent at the same time, of at least 1 MiB each")
      ->check(CLI::Range(1, 16))
      ->capture_default_str();
  command
      ->add_option("--retry-for", options->retry_for_seconds,
                   "How long to try again while nothing moves, like 90s, 5m or 12h; 0: not at all; "
                   "default 5m")
      ->transform(CLI::AsNumberWithUnit(
          std::map<std::string, std::uint32_t>{{"s", 1}, {"m", 60}, {"h", 3600}}));
  command->add_flag("--json", options->json, "The server's JSON");
  command->callback([&context, options] {
    context.run = [&context, options] { return run_push(context, *options); };
  });
}

}  // namespace strata::cli
