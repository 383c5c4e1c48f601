#include "storage/upload/index_pass.h"

#include <utility>

namespace strata::upload {

IndexPass::IndexPass(const Source& source, const Limits& limits, DecodeStage::Pools pools,
                     std::shared_ptr<IndexStage> index, Fail fail)
    : decoder_(DecodeStage::for_index(
          source.encoding, limits, pools, source.read, index,
          [index, fail = std::move(fail), bytes = source.stored_bytes,
           sha256 = source.stored_sha256](const Result<DigestStage::Found>& found) {
            if (!found) return fail(found.error());
            index->finish(bytes, sha256);
          })) {
  decoder_->release(source.stored_bytes);
  decoder_->finish(source.stored_bytes);
}

}  // namespace strata::upload
