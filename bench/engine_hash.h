#pragma once

#include <cstddef>
#include <memory>
#include <vector>

#include "bench/hash_runs.h"
#include "strata/io/block.h"

namespace strata::bench {

// One stream in blocks as uploads have them, copied once and digested again and again.
class BlockStream {
 public:
  explicit BlockStream(Data data);
  // All three digests by the engine on a pool of so many threads: what an upload by itself gets.
  [[nodiscard]] DigestSet hash(std::size_t threads) const;

 private:
  std::vector<std::shared_ptr<const io::Block>> blocks_;
};

}  // namespace strata::bench
