#pragma once

#include <cstdint>
#include <functional>
#include <initializer_list>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "strata/base/limits.h"
#include "strata/base/result.h"

// A TOML file read key by key. A daemon asks for each key it knows; what is left over is unknown
// and refused with its line number, so that a misspelt key never silently means its default.
namespace strata {

class ConfigFile {
 public:
  [[nodiscard]] static Result<ConfigFile> load(const std::string& path);
  [[nodiscard]] static Result<ConfigFile> parse(std::string_view text, const std::string& name);
  [[nodiscard]] static ConfigFile empty();
  ConfigFile(ConfigFile&&) noexcept;
  ConfigFile& operator=(ConfigFile&&) noexcept;
  ~ConfigFile();

  // `key` is dotted ("limits.stored_bytes_max"). Absent: nullopt. A value of the wrong type or out
  // of range is remembered and reported by finish().
  [[nodiscard]] std::optional<std::string> text(std::string_view key);
  [[nodiscard]] std::optional<std::int64_t> integer(std::string_view key, std::int64_t min = 0);
  [[nodiscard]] std::optional<bool> boolean(std::string_view key);
  [[nodiscard]] std::vector<std::string> texts(std::string_view key);  // absent: empty
  // A list of tables whose values are strings ([[key]]), each with some of `names`; absent: empty.
  using TextTable = std::map<std::string, std::string, std::less<>>;
  [[nodiscard]] std::vector<TextTable> text_tables(std::string_view key,
                                                   std::initializer_list<std::string_view> names);

  // Overrides fields of `limits` from the [limits] table; names are those of struct Limits.
  void read_limits(Limits& limits);

  // kUsage with every problem found ("strata.toml:3: unknown key 'storrage.data'").
  [[nodiscard]] Status finish() const;

 private:
  struct Impl;
  explicit ConfigFile(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace strata
