#include <gtest/gtest.h>

#include <random>
#include <string>

#include "tests/fuzz/fuzz_target.h"

// The fuzz target on good messages, as they are and damaged: an ordinary test for any compiler.
namespace strata::http {
namespace {

const std::string kSeeds[] = {
    std::string(1, '\0') +
        "PUT /v1/upload/a%20b%2F%2e%2f?tags=x+y HTTP/1.1\r\nHost: [::1]:8080\r\nContent-Length: "
        "12\r\n"
        "Expect: 100-continue\r\nConnection: keep-alive\r\n\r\n",
    std::string(1, '\0') +
        "GET http://h/a?b HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\nRange: bytes=0-1\r\n"
        "\r\n",
    "\x01HTTP/1.1 206 Partial Content\r\nContent-Length: 5\r\nETag: \"x\"\r\n\r\n",
    "\x02"
    "4;a=b\r\nWiki\r\n0A\r\n0123456789\r\n0\r\nX-Sum: 1\r\n\r\n",
};

void run(const std::string& input) {
  LLVMFuzzerTestOneInput(reinterpret_cast<const std::uint8_t*>(input.data()), input.size());
}

TEST(HttpHeadCorpus, SurvivesDamage) {
  std::minstd_rand random(1);
  constexpr std::string_view kBytes("\0\r\n\t :;,0%/?+fF\x7f\xff", 18);
  for (const std::string& seed : kSeeds) {
    run(seed);
    for (std::size_t size = 0; size < seed.size(); ++size) run(seed.substr(0, size));
    for (int i = 0; i < 20'000; ++i) {
      std::string damaged = seed;
      for (unsigned n = 1 + random() % 4; n > 0; --n) {
        const std::size_t at = 1 + random() % (damaged.size() - 1);
        const char byte = kBytes[random() % kBytes.size()];
        switch (random() % 4) {
          case 0:
            damaged[at] = byte;
            break;
          case 1:
            damaged.insert(at, 1 + random() % 3, byte);
            break;
          case 2:
            damaged.erase(at, 1 + random() % 3);
            break;
          default:
            damaged.insert(at, damaged.substr(1 + random() % (damaged.size() - 1), random() % 40));
        }
        if (damaged.size() < 2) damaged = seed;
      }
      run(damaged);
    }
  }
}

}  // namespace
}  // namespace strata::http
