#pragma once

#include <string>
#include <string_view>

// Golden data comes from the real tools, run while the test runs.
namespace strata::test {

// Standard output of `sh -c command` with `input` on its standard input. A command that fails is a
// failed check: a test never goes on with half of its data.
[[nodiscard]] std::string run_tool(std::string_view command, std::string_view input = {});

[[nodiscard]] std::string read_file(const std::string& path);

}  // namespace strata::test
