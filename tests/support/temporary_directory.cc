#include "tests/support/temporary_directory.h"

#include <cstdlib>
#include <filesystem>
#include <system_error>

#include "strata/base/result.h"

namespace strata::test {

TemporaryDirectory::TemporaryDirectory(const std::string& below)
    : path_((below.empty() ? std::filesystem::temp_directory_path().string() : below) +
            "/strata-test-XXXXXX") {
  check(mkdtemp(path_.data()) != nullptr, "cannot create a temporary directory");
}

TemporaryDirectory::~TemporaryDirectory() {
  std::error_code ignored;
  std::filesystem::remove_all(path_, ignored);
}

}  // namespace strata::test
