#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>

// Every bound in Strata, with its unit and its reason. The configuration's [limits] table overrides
// those a site may want to change; nothing else in the tree holds a bound of its own.
namespace strata {

inline constexpr std::uint64_t kKiB = 1024;
inline constexpr std::uint64_t kMiB = 1024 * kKiB;
inline constexpr std::uint64_t kGiB = 1024 * kMiB;
inline constexpr std::uint64_t kTiB = 1024 * kGiB;

// A record is not written with less than this free. RocksDB 7.8 as Debian builds it aborts the
// process when its log meets a full disk, so the disk must never be full for it; it holds a few
// memtables of kRecordMemtableBytes and their compaction.
inline constexpr std::uint64_t kRecordReserveBytes = 64 * kMiB;
inline constexpr std::uint64_t kRecordMemtableBytes = 8 * kMiB;

struct Limits {
  // Images. Decoded output is bounded by size, not by ratio: honest sparse disks reach 1:10 000.
  std::uint64_t stored_bytes_max = 1 * kTiB;
  std::uint64_t decoded_bytes_max = 1 * kTiB;

  // What uploads leave free on the disk, for the records (kRecordReserveBytes) and for deletions,
  // which write before they free anything.
  std::uint64_t disk_reserve_bytes = 256 * kMiB;

  // Decoders: what one upload may make us allocate or loop over.
  std::uint64_t zstd_window_bytes_max = 128 * kMiB;
  std::uint64_t xz_memory_bytes_max = 256 * kMiB;  // dictionary and decoder state
  std::uint64_t codec_parts_max = 16'000'000;      // members, blocks or frames
  // All uploads together: xz blocks that are decoded beside each other, stored and decoded (xz -T6:
  // 37 MiB each with their decoders). Beyond it each upload has one block, of at most half of this.
  std::uint64_t parallel_decoding_bytes_max = 256 * kMiB;

  // What a seekable copy may take on the disk, where an image needs one; 0: none is made. Without
  // it such an image has no ranges of its decoded view.
  std::uint64_t seek_copy_bytes_max = UINT64_MAX;

  // HTTP requests.
  std::size_t header_bytes_max = 32 * kKiB;  // request line and header block together
  std::size_t header_count_max = 100;
  std::size_t target_bytes_max = 8 * kKiB;
  std::size_t chunk_line_bytes_max = 4 * kKiB;  // chunk size and its extensions
  std::size_t range_count_max = 256;            // as Apache; one request costs at most this much
  std::size_t range_overlap_max = 2;            // CVE-2011-3192
  std::size_t json_body_bytes_max = 1 * kMiB;

  // Connections and slow peers.
  std::size_t connections_max = 10'000;
  std::size_t connections_per_address_max = 512;
  std::uint64_t body_rate_min_bytes_per_s = 1 * kKiB;  // read or accepted, over rate_window
  std::chrono::seconds rate_window{60};
  std::chrono::seconds keep_alive_idle{75};
  std::chrono::seconds header_timeout{20};  // from the first byte of a request to its blank line
  std::chrono::seconds drain_timeout{60};   // SIGTERM: transfers in flight may finish
  // An early answer: unread content up to this size is read and dropped to keep the connection;
  // with more, the answer is followed by a short reading on, so that no RST destroys it.
  std::uint64_t discard_bytes_max = 64 * kKiB;
  std::uint64_t linger_bytes_max = 256 * kMiB;
  std::chrono::seconds linger_timeout{5};

  // Uploads.
  std::size_t open_uploads_per_user = 64;
  std::chrono::seconds upload_idle_max{7 * 24 * 3600};
  std::chrono::seconds upload_ended_kept{24 * 3600};  // a finished session stays readable
  std::size_t upload_records_per_user = 10'000;       // sessions, also ended ones (OSSN-0076)
  std::size_t upload_parts_max = 256;                 // of one concatenation
  // A crash costs at most this much sending again; each checkpoint costs two fdatasync, beside the
  // transfer.
  std::uint64_t upload_checkpoint_bytes = 64 * kMiB;
  std::chrono::seconds upload_checkpoint_interval{2};
  // How long and how many sessions without a request keep their decoder in memory: going on with it
  // costs nothing, while an xz block must be decoded again from its start without it.
  std::chrono::seconds upload_warm_idle{600};
  std::size_t upload_warm_max = 32;
  std::size_t upload_blocks = 8;     // 1 MiB each: 8 MiB in flight for one upload
  std::size_t decoded_blocks = 4;    // 1 MiB each, between decoder and its digests
  std::size_t name_bytes_max = 255;  // an image's name; also a portable file name
  std::size_t tags_max = 64;
  std::size_t tag_bytes_max = 40;               // as StratusLab
  std::size_t metadata_value_bytes_max = 4096;  // title, description, ...

  // Blob store.
  std::size_t sidecar_bytes_max = 16 * kMiB;  // what is known of a blob, with all its images
  std::size_t blob_readers_kept = 256;        // open descriptors of blobs in demand

  // Serving: images whose file stays open, so that a 64 KiB range costs no look-up (one descriptor
  // each, well below the usual limit of 1 024).
  std::size_t open_images_max = 256;
  // Decoded views without a seek index being sent: each holds a decoder (xz: up to
  // xz_memory_bytes_max). Of views with one, as many hold the block that they are sending (5 MiB at
  // most); more find theirs in the cache each time.
  std::size_t decoded_streams_max = 64;
  std::size_t block_cache_bytes = 256 * kMiB;     // decoded blocks in demand, of all images
  std::size_t read_ahead_blocks = 8;              // decoded ahead of one reader in sequence
  std::size_t seek_index_bytes_max = 256 * kMiB;  // tables of open images; the oldest are closed
  std::size_t extents_max = 65'536;               // in one page: about 4 MiB of JSON

  // Catalogue and registry.
  std::size_t page_size = 500;
  std::size_t page_size_max = 1000;
  std::size_t metadata_document_bytes_max = 1 * kMiB;
  std::size_t metadata_depth_max = 32;             // elements inside each other; the format needs 8
  std::size_t metadata_elements_max = 10'000;      // and attributes, together
  std::size_t metadata_namespace_bytes_max = 256;  // canonical XML may repeat it on each element
  std::size_t metadata_namespaces_max = 64;  // in scope at an element: canonical XML walks them all
  std::size_t metadata_attributes_max = 64;  // of one element: libxml2 compares each with each
  std::size_t rsa_key_bits_min = 2048;       // NIST SP 800-57 for use after 2013
  std::size_t rsa_key_bits_max = 8192;       // verification costs grow with the cube
  std::size_t policy_file_bytes_max = 1 * kMiB;  // a site's lists: some 20'000 items
  std::size_t search_total_exact_max = 10'000;
  std::size_t query_words_max = 16;
  std::size_t index_words_max = 512;        // distinct words indexed for one entry
  std::size_t index_value_bytes_max = 255;  // longer words are cut, longer field values skipped
  std::size_t search_scan_max = 200'000;    // index positions one search may look at: about 0.2 s
  std::size_t search_prefix_words_max = 4096;   // words that a prefix stands for: some milliseconds
  std::size_t list_bytes_max = 16 * kMiB;       // entries in one page of a list
  std::chrono::seconds removal_grace{600};      // between the last reference and the bytes
  std::chrono::seconds created_skew{300};       // a document's `created` ahead of our clock
  std::chrono::seconds created_age_max{0};      // and behind it; 0: any age, for imports
  std::size_t posts_per_minute_max = 1200;      // documents from one address; 0: any number
  std::size_t trust_file_bytes_max = 4 * kMiB;  // a bundle of CA certificates, or of CRLs
  std::size_t certificate_chain_max = 8;        // certificates between an endorser and its CA
  std::chrono::seconds confirmation_valid{7 * 24 * 3600};  // a link in an e-mail to an endorser
  std::size_t confirmations_max = 10'000;                  // documents that wait for one
  std::size_t confirmations_per_endorser_max = 16;         // nobody's mailbox is filled through us
  std::chrono::seconds long_poll_max{60};        // GET /v1/changes waits at most this long
  std::size_t long_polls_max = 1000;             // requests that wait at the same time
  std::size_t image_index_entries_max = 10'000;  // in the index for virt-builder
  std::size_t entry_cache_bytes = 256 * kMiB;    // blocks of the entry store in memory
  std::chrono::milliseconds outbox_retry_first{500};
  std::chrono::milliseconds outbox_retry_max{60'000};
};

}  // namespace strata
