#include "tests/support/tool.h"

#include <cstdlib>
#include <fstream>
#include <iterator>

#include "strata/base/result.h"
#include "tests/support/temporary_directory.h"

namespace strata::test {

std::string read_file(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  check(file.is_open(), "cannot open " + path);
  return {std::istreambuf_iterator<char>(file), {}};
}

std::string run_tool(std::string_view command, std::string_view input) {
  const TemporaryDirectory folder;
  const std::string in = folder.path() + "/in";
  const std::string out = folder.path() + "/out";
  std::ofstream(in, std::ios::binary) << input;
  const std::string line = "(" + std::string(command) + ") < " + in + " > " + out;
  check(std::system(line.c_str()) == 0, "this command failed: " + std::string(command));
  return read_file(out);
}

}  // namespace strata::test
