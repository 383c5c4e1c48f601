#include "strata/base/config.h"

#include <toml++/toml.h>
#include <algorithm>
#include <filesystem>
#include <fstream>
#include <sstream>

namespace strata {

struct ConfigFile::Impl {
  std::string name;
  toml::table table;
  std::set<std::string> known;
  std::vector<std::string> problems;

  void problem(const toml::node& node, const std::string& text) {
    problems.push_back(name + ":" + std::to_string(node.source().begin.line) + ": " + text);
  }
  const toml::node* find(std::string_view key) {
    known.insert(std::string(key));
    return table.at_path(key).node();
  }
  void unknown(const toml::node& node, const std::string& path,
               std::vector<std::string>& out) const {
    out.push_back(name + ":" + std::to_string(node.source().begin.line) + ": unknown key '" + path +
                  "'");
  }
  [[nodiscard]] bool is_section(const std::string& path) const {
    const auto next = known.lower_bound(path + ".");
    return next != known.end() && next->starts_with(path + ".");
  }
  void find_unknown(const toml::table& in, const std::string& prefix,
                    std::vector<std::string>& out) const {
    for (const auto& [key, node] : in) {
      const std::string path = prefix + std::string(key.str());
      const auto* inner = node.as_table();
      // A quoted key may hold a dot: "b.c" = 1 is not the key c of [b], and find() has not seen it.
      if (key.str().find('.') != std::string_view::npos) {
        unknown(node, path, out);
      } else if (inner != nullptr && inner->empty() && !is_section(path)) {
        unknown(node, path, out);
      } else if (inner != nullptr) {
        find_unknown(*inner, path + ".", out);
      } else if (!known.contains(path)) {
        unknown(node, path, out);
      }
    }
  }
};

ConfigFile::ConfigFile(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
ConfigFile::ConfigFile(ConfigFile&&) noexcept = default;
ConfigFile& ConfigFile::operator=(ConfigFile&&) noexcept = default;
ConfigFile::~ConfigFile() = default;

ConfigFile ConfigFile::empty() {
  return ConfigFile(std::make_unique<Impl>());
}

Result<ConfigFile> ConfigFile::load(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  std::error_code ignored;
  if (!in || std::filesystem::is_directory(path, ignored)) {
    return Error(Errc::kUsage, "cannot read the configuration file " + path);
  }
  std::stringstream text;
  text << in.rdbuf();
  return parse(text.str(), path);
}

Result<ConfigFile> ConfigFile::parse(std::string_view text, const std::string& name) {
  auto impl = std::make_unique<Impl>();
  impl->name = name;
  try {
    impl->table = toml::parse(text, name);
  } catch (const toml::parse_error& error) {
    return Error(Errc::kUsage, name + ":" + std::to_string(error.source().begin.line) + ": " +
                                   std::string(error.description()));
  }
  return ConfigFile(std::move(impl));
}

std::optional<std::string> ConfigFile::text(std::string_view key) {
  const toml::node* node = impl_->find(key);
  if (node == nullptr) return std::nullopt;
  if (auto value = node->value_exact<std::string>()) return value;
  impl_->problem(*node, "'" + std::string(key) + "' must be a string");
  return std::nullopt;
}

std::optional<std::int64_t> ConfigFile::integer(std::string_view key, std::int64_t min) {
  const toml::node* node = impl_->find(key);
  if (node == nullptr) return std::nullopt;
  const auto value = node->value_exact<std::int64_t>();
  if (value && *value >= min) return value;
  impl_->problem(
      *node, "'" + std::string(key) + "' must be an integer of at least " + std::to_string(min));
  return std::nullopt;
}

std::optional<bool> ConfigFile::boolean(std::string_view key) {
  const toml::node* node = impl_->find(key);
  if (node == nullptr) return std::nullopt;
  if (auto value = node->value_exact<bool>()) return value;
  impl_->problem(*node, "'" + std::string(key) + "' must be true or false");
  return std::nullopt;
}

std::vector<std::string> ConfigFile::texts(std::string_view key) {
  const toml::node* node = impl_->find(key);
  if (node == nullptr) return {};
  std::vector<std::string> values;
  const toml::array* array = node->as_array();
  if (array == nullptr || !array->is_homogeneous(toml::node_type::string)) {
    if (array == nullptr || !array->empty()) {
      impl_->problem(*node, "'" + std::string(key) + "' must be a list of strings");
    }
    return {};
  }
  for (const auto& element : *array) values.push_back(*element.value<std::string>());
  return values;
}

std::vector<ConfigFile::TextTable> ConfigFile::text_tables(
    std::string_view key, std::initializer_list<std::string_view> names) {
  const toml::node* node = impl_->find(key);
  if (node == nullptr) return {};
  const toml::array* array = node->as_array();
  if (array == nullptr || !array->is_homogeneous(toml::node_type::table)) {
    impl_->problem(
        *node, "'" + std::string(key) + "' must be a list of tables: [[" + std::string(key) + "]]");
    return {};
  }
  std::vector<TextTable> tables;
  for (const auto& element : *array) {
    TextTable& table = tables.emplace_back();
    for (const auto& [name, value] : *element.as_table()) {
      const std::string inner(name.str());
      const auto text = value.value_exact<std::string>();
      if (std::find(names.begin(), names.end(), inner) == names.end()) {
        impl_->problem(value, "unknown key '" + inner + "' in [[" + std::string(key) + "]]");
      } else if (!text) {
        impl_->problem(value, "'" + inner + "' in [[" + std::string(key) + "]] must be a string");
      } else {
        table[inner] = *text;
      }
    }
  }
  return tables;
}

void ConfigFile::read_limits(Limits& limits) {
  const auto at_least = [&](std::int64_t min, std::string_view name, auto& field) {
    if (const auto value = integer("limits." + std::string(name), min)) {
      field = static_cast<std::remove_reference_t<decltype(field)>>(*value);
    }
  };
  const auto number = [&](std::string_view name, auto& field) { at_least(1, name, field); };
  const auto number_or_none = [&](std::string_view name, auto& field) { at_least(0, name, field); };
  const auto duration = [&]<typename D>(std::string_view name, D& field) {
    if (const auto value = integer("limits." + std::string(name), 0)) field = D(*value);
  };
  number("stored_bytes_max", limits.stored_bytes_max);
  number("decoded_bytes_max", limits.decoded_bytes_max);
  number("disk_reserve_bytes", limits.disk_reserve_bytes);
  number("zstd_window_bytes_max", limits.zstd_window_bytes_max);
  number("xz_memory_bytes_max", limits.xz_memory_bytes_max);
  number("codec_parts_max", limits.codec_parts_max);
  number("parallel_decoding_bytes_max", limits.parallel_decoding_bytes_max);
  number_or_none("seek_copy_bytes_max", limits.seek_copy_bytes_max);
  number("header_bytes_max", limits.header_bytes_max);
  number("header_count_max", limits.header_count_max);
  number("target_bytes_max", limits.target_bytes_max);
  number("chunk_line_bytes_max", limits.chunk_line_bytes_max);
  number("range_count_max", limits.range_count_max);
  number("range_overlap_max", limits.range_overlap_max);
  number("json_body_bytes_max", limits.json_body_bytes_max);
  number("connections_max", limits.connections_max);
  number("connections_per_address_max", limits.connections_per_address_max);
  number("body_rate_min_bytes_per_s", limits.body_rate_min_bytes_per_s);
  duration("rate_window", limits.rate_window);
  duration("keep_alive_idle", limits.keep_alive_idle);
  duration("header_timeout", limits.header_timeout);
  duration("drain_timeout", limits.drain_timeout);
  number("discard_bytes_max", limits.discard_bytes_max);
  number("linger_bytes_max", limits.linger_bytes_max);
  duration("linger_timeout", limits.linger_timeout);
  number("open_uploads_per_user", limits.open_uploads_per_user);
  duration("upload_idle_max", limits.upload_idle_max);
  duration("upload_ended_kept", limits.upload_ended_kept);
  number("upload_records_per_user", limits.upload_records_per_user);
  number("upload_parts_max", limits.upload_parts_max);
  number("upload_checkpoint_bytes", limits.upload_checkpoint_bytes);
  duration("upload_checkpoint_interval", limits.upload_checkpoint_interval);
  duration("upload_warm_idle", limits.upload_warm_idle);
  number("upload_warm_max", limits.upload_warm_max);
  number("upload_blocks", limits.upload_blocks);
  number("decoded_blocks", limits.decoded_blocks);
  number("name_bytes_max", limits.name_bytes_max);
  number("tags_max", limits.tags_max);
  number("tag_bytes_max", limits.tag_bytes_max);
  number("metadata_value_bytes_max", limits.metadata_value_bytes_max);
  number("sidecar_bytes_max", limits.sidecar_bytes_max);
  number("blob_readers_kept", limits.blob_readers_kept);
  number("open_images_max", limits.open_images_max);
  number("decoded_streams_max", limits.decoded_streams_max);
  number("block_cache_bytes", limits.block_cache_bytes);
  number("read_ahead_blocks", limits.read_ahead_blocks);
  number("seek_index_bytes_max", limits.seek_index_bytes_max);
  number("extents_max", limits.extents_max);
  number("page_size", limits.page_size);
  number("page_size_max", limits.page_size_max);
  number("metadata_document_bytes_max", limits.metadata_document_bytes_max);
  number("metadata_depth_max", limits.metadata_depth_max);
  number("metadata_elements_max", limits.metadata_elements_max);
  number("metadata_namespace_bytes_max", limits.metadata_namespace_bytes_max);
  number("metadata_namespaces_max", limits.metadata_namespaces_max);
  number("metadata_attributes_max", limits.metadata_attributes_max);
  number("policy_file_bytes_max", limits.policy_file_bytes_max);
  number("rsa_key_bits_min", limits.rsa_key_bits_min);
  number("rsa_key_bits_max", limits.rsa_key_bits_max);
  number("search_total_exact_max", limits.search_total_exact_max);
  number("query_words_max", limits.query_words_max);
  number("index_words_max", limits.index_words_max);
  number("index_value_bytes_max", limits.index_value_bytes_max);
  number("search_scan_max", limits.search_scan_max);
  number("search_prefix_words_max", limits.search_prefix_words_max);
  number("list_bytes_max", limits.list_bytes_max);
  duration("removal_grace", limits.removal_grace);
  duration("created_skew", limits.created_skew);
  duration("created_age_max", limits.created_age_max);
  number_or_none("posts_per_minute_max", limits.posts_per_minute_max);
  number("trust_file_bytes_max", limits.trust_file_bytes_max);
  number("certificate_chain_max", limits.certificate_chain_max);
  duration("confirmation_valid", limits.confirmation_valid);
  number("confirmations_max", limits.confirmations_max);
  number("confirmations_per_endorser_max", limits.confirmations_per_endorser_max);
  duration("long_poll_max", limits.long_poll_max);
  number("long_polls_max", limits.long_polls_max);
  number("image_index_entries_max", limits.image_index_entries_max);
  number("entry_cache_bytes", limits.entry_cache_bytes);
  duration("outbox_retry_first", limits.outbox_retry_first);
  duration("outbox_retry_max", limits.outbox_retry_max);
}

Status ConfigFile::finish() const {
  std::vector<std::string> problems = impl_->problems;
  impl_->find_unknown(impl_->table, "", problems);
  if (problems.empty()) return {};
  std::string all;
  for (const std::string& problem : problems) all += (all.empty() ? "" : "\n") + problem;
  return Error(Errc::kUsage, all);
}

}  // namespace strata
