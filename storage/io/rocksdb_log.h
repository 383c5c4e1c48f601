#pragma once

#include <rocksdb/env.h>

#include <cstdarg>
#include <cstdio>
#include <memory>
#include <string_view>

#include "strata/base/log.h"

namespace strata::io {

// RocksDB's own messages as lines of our log, from warnings up: every store that is opened has to
// set it as `info_log`. RocksDB's default is a file LOG beside the records, and Debian's
// RocksDB 7.8 is built with assertions, one of which ends the process at the second write to a file
// after one that failed (facebook/rocksdb#11643): on a full disk the daemon would die of a message
// that nobody reads. Thread-safe, as Logger asks.
class RocksdbLog final : public rocksdb::Logger {
 public:
  RocksdbLog() : Logger(rocksdb::WARN_LEVEL) {}

  using Logger::Logv;
  void Logv(const char* format, std::va_list arguments) override {
    Logv(rocksdb::INFO_LEVEL, format, arguments);
  }
  void Logv(rocksdb::InfoLogLevel level, const char* format, std::va_list arguments) override {
    if (level < GetInfoLogLevel() || level == rocksdb::HEADER_LEVEL) return;
    char line[1024];  // longer ones are cut
    const int bytes = std::vsnprintf(line, sizeof(line), format, arguments);
    if (bytes < 0) return;
    const std::string_view message(line);
    if (level == rocksdb::WARN_LEVEL) {
      log::warn("rocksdb", {{"message", message}});
    } else {
      log::error("rocksdb", {{"message", message}});
    }
  }
};

}  // namespace strata::io
