#include "strata/base/log.h"

#include <unistd.h>

#include <atomic>
#include <cerrno>

#include "strata/base/clock.h"
#include "strata/base/text.h"

namespace strata::log {
namespace {

std::atomic<Level> g_level{Level::kInfo};
std::atomic<Format> g_format{Format::kText};

constexpr std::string_view kLevels[] = {"debug", "info", "warn", "error"};

// JSON string escapes serve both formats.
void append_quoted(std::string& line, std::string_view value) {
  line += '"';
  for (const char c : value) {
    const auto byte = static_cast<unsigned char>(c);
    if (c == '"' || c == '\\') {
      line += '\\';
      line += c;
    } else if (byte < 0x20 || byte == 0x7f) {
      line += "\\u00";
      line += "0123456789abcdef"[byte >> 4];
      line += "0123456789abcdef"[byte & 15];
    } else {
      line += c;
    }
  }
  line += '"';
}

bool needs_quotes(std::string_view value) {
  if (value.empty()) return true;
  for (const char c : value) {
    if (static_cast<unsigned char>(c) <= ' ' || c == '"' || c == '=' || c == '\\' || c == 0x7f) {
      return true;
    }
  }
  return false;
}

}  // namespace

void configure(Level level, Format format) {
  g_level = level;
  g_format = format;
}

bool enabled(Level level) {
  return level >= g_level.load(std::memory_order_relaxed);
}

void write(Level level, std::string_view event, std::initializer_list<Field> fields) {
  if (!enabled(level)) return;
  const bool json = g_format == Format::kJson;
  const std::string time = format_rfc3339(SystemClock().now());
  const std::string_view level_name = kLevels[static_cast<std::size_t>(level)];
  std::string line;
  if (json) {
    line = "{\"time\":\"" + time + "\",\"level\":\"" + std::string(level_name) + "\",\"event\":";
    append_quoted(line, event);
  } else {
    line = time + " " + std::string(level_name) + " " + std::string(event);
  }
  for (const Field& field : fields) {
    if (json) {
      line += ',';
      append_quoted(line, field.key);
      line += ':';
      append_quoted(line,
                    is_valid_utf8(field.value) ? field.value : percent_encode(field.value, " /:"));
    } else {
      line += ' ';
      line += field.key;
      line += '=';
      if (needs_quotes(field.value)) {
        append_quoted(line, field.value);
      } else {
        line += field.value;
      }
    }
  }
  line += json ? "}\n" : "\n";
  std::string_view rest = line;
  while (!rest.empty()) {
    const ssize_t n = ::write(STDERR_FILENO, rest.data(), rest.size());
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) return;  // nobody reads our log: there is nowhere to say so
    rest.remove_prefix(static_cast<std::size_t>(n));
  }
}

}  // namespace strata::log
