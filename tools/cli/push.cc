#include "storage/client/push.h"

#include <cstdio>

#include "strata/base/text.h"
#include "tools/cli/command.h"
#include "tools/cli/progress_bar.h"

namespace strata::cli {
namespace {

struct Options {
  std::string file;
  client::PushOptions push;
  std::vector<std::string> metadata;  // key=value
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
  STRATA_TRY(const auto endpoint, context.storage_endpoint());
  ProgressBar bar("pushing " + printable(options.file));
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
  auto* command = app.add_subcommand("push", "Uploads an image to storage");
  command->add_option("FILE", options->file)->required();
  command->add_option("--name", options->push.name, "Name of the image; default the file's");
  command->add_flag("--public", options->push.is_public, "Anyone may read it");
  command->add_option("--tag", options->push.tags, "A tag; may be repeated")
      ->allow_extra_args(false);
  command
      ->add_option("--metadata", options->metadata,
                   "key=value,...: kind, title, description, os, os-version, os-arch, version")
      ->allow_extra_args(false);
  command->add_flag("--json", options->json, "The server's JSON");
  command->callback([&context, options] {
    context.run = [&context, options] { return run_push(context, *options); };
  });
}

}  // namespace strata::cli
