#include <cstdio>

#include "storage/client/storage_api.h"
#include "strata/base/text.h"
#include "tools/cli/command.h"

namespace strata::cli {
namespace {

Result<client::StorageApi> connect_storage(const Context& context) {
  STRATA_TRY(const auto endpoint, context.storage_endpoint());
  return client::StorageApi(endpoint);
}

struct ListOptions {
  client::StorageApi::Filter filter;
  std::string name, tag, visibility;
  bool json = false;
};

void set_filter(std::optional<std::string>& field, const std::string& value) {
  if (!value.empty()) field = value;
}

void print_page(const client::StorageApi::Page& page) {
  for (const client::ImageInfo& image : page.images) {
    std::printf("%s  %-7s  %-8s  %-6s  %10s  %s\n", image.id.text().c_str(),
                image.visibility.c_str(), image.encoding.c_str(), image.format.c_str(),
                human_bytes(image.decoded.bytes).c_str(), printable(image.name).c_str());
  }
}

// --json prints each page as the server wrote it, one on a line.
Status run_ls(const Context& context, ListOptions options) {
  set_filter(options.filter.name, options.name);
  set_filter(options.filter.tag, options.tag);
  set_filter(options.filter.visibility, options.visibility);
  STRATA_TRY(auto api, connect_storage(context));
  STRATA_TRY(auto page, api.list(options.filter));
  for (;;) {
    if (options.json) {
      if (const Status status = write_text("-", page.json + "\n"); !status) return status;
    } else {
      print_page(page);
    }
    if (!page.next) return {};
    STRATA_TRY(page, api.next_page(*page.next));
  }
}

void print_view(const char* name, const DigestSet& view) {
  std::printf("%-12s  %llu bytes (%s)\n", name, static_cast<unsigned long long>(view.bytes),
              human_bytes(view.bytes).c_str());
  std::printf("  sha-1       %s\n  sha-256     %s\n  sha-512     %s\n", view.sha1.hex().c_str(),
              view.sha256.hex().c_str(), view.sha512.hex().c_str());
}

Status run_show(const Context& context, const std::string& name, bool json) {
  STRATA_TRY(auto api, connect_storage(context));
  STRATA_TRY(const auto image, api.resolve(name));
  if (json) return write_text("-", image.json + "\n");
  std::printf("name          %s\nid            %s\nidentifier    %s\n",
              printable(image.name).c_str(), image.id.text().c_str(), image.identifier.c_str());
  std::printf("owner         %s\nvisibility    %s\ncreated       %s\n",
              printable(image.owner_name).c_str(), image.visibility.c_str(), image.created.c_str());
  std::printf("format        %s, stored as %s\n", image.format.c_str(), image.encoding.c_str());
  print_view("stored", image.stored);
  print_view("decoded", image.decoded);
  std::printf("registration  %s %s\n", printable(image.registration_state).c_str(),
              printable(image.entry_url).c_str());
  return {};
}

Status run_rm(const Context& context, const std::vector<std::string>& names) {
  STRATA_TRY(auto api, connect_storage(context));
  for (const std::string& name : names) {
    STRATA_TRY(const auto image, api.resolve(name));
    if (const Status status = api.remove(image.id); !status) return status;
    std::printf("removed %s %s\n", image.id.text().c_str(), printable(image.name).c_str());
  }
  return {};
}

void add_ls(CLI::App& app, Context& context) {
  auto options = std::make_shared<ListOptions>();  // shared by the parser and the callback
  auto* command = app.add_subcommand("ls", "Lists images in storage");
  command->add_option("--name", options->name);
  command->add_option("--tag", options->tag);
  command->add_option("--visibility", options->visibility)
      ->check(CLI::IsMember({"private", "public"}));
  command->add_flag("--json", options->json, "The server's JSON");
  command->callback([&context, options] {
    context.run = [&context, options] { return run_ls(context, *options); };
  });
}

void add_show(CLI::App& app, Context& context) {
  struct Options {
    std::string image;
    bool json = false;
  };
  auto options = std::make_shared<Options>();  // shared by the parser and the callback
  auto* command = app.add_subcommand("show", "Shows one image");
  command->add_option("IMAGE", options->image, "Id, identifier, sha256:HEX or name")->required();
  command->add_flag("--json", options->json, "The server's JSON");
  command->callback([&context, options] {
    context.run = [&context, options] { return run_show(context, options->image, options->json); };
  });
}

void add_rm(CLI::App& app, Context& context) {
  auto names = std::make_shared<std::vector<std::string>>();  // shared by parser and callback
  auto* command = app.add_subcommand("rm", "Deletes images");
  command->add_option("IMAGE", *names, "Id, identifier, sha256:HEX or name")->required();
  command->callback(
      [&context, names] { context.run = [&context, names] { return run_rm(context, *names); }; });
}

}  // namespace

void add_images(CLI::App& app, Context& context) {
  add_ls(app, context);
  add_show(app, context);
  add_rm(app, context);
}

}  // namespace strata::cli
