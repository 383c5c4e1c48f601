#pragma once

#include <string>

#include "strata/base/digest.h"
#include "strata/base/limits.h"
#include "strata/base/result.h"
#include "strata/codec/disk_format.h"
#include "strata/codec/encoding.h"

namespace strata::cli {

// What strata-storage would find out about a file on upload.
struct FileDigest {
  codec::Encoding encoding = codec::Encoding::kIdentity;
  DigestSet stored;
  DigestSet decoded;
  codec::DiskInfo disk;
};

// One pass; the digests run on threads beside the reading and decoding. "-" = standard input.
// kNotFound, kIo, kCorrupt*, kDecompressionLimit.
[[nodiscard]] Result<FileDigest> digest_file(const std::string& path, const Limits& limits);

}  // namespace strata::cli
