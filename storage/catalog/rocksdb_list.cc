// The part of the RocksDB catalogue that lists images by filter, in order of id.
#include <algorithm>

#include "storage/catalog/records.h"
#include "storage/catalog/rocksdb_catalog.h"

namespace strata::catalog {
namespace {

// The terms whose images together hold every image that the filter can match; empty = all images.
// The choice is for speed only: each image is compared with the whole filter afterwards.
std::vector<std::string> terms_for(const ImageFilter& filter) {
  if (filter.sha256) return {term_prefix(TermKind::kSha256, filter.sha256->hex())};
  if (filter.identifier) return {term_prefix(TermKind::kIdentifier, *filter.identifier)};
  if (filter.name) return {term_prefix(TermKind::kName, *filter.name)};
  if (filter.tag) return {term_prefix(TermKind::kTag, *filter.tag)};
  if (filter.owner) return {term_prefix(TermKind::kOwner, *filter.owner)};
  if (filter.visible_to && filter.visibility != Visibility::kPublic) {
    std::vector<std::string> terms = {term_prefix(TermKind::kOwner, *filter.visible_to)};
    if (!filter.visibility) terms.push_back(term_prefix(Visibility::kPublic));
    return terms;
  }
  if (filter.visibility) return {term_prefix(*filter.visibility)};
  return {};
}

template <typename T>
bool fits(const std::optional<T>& wanted, const T& value) {
  return !wanted || *wanted == value;
}

bool matches(const ImageFilter& filter, const Image& image) {
  const auto& content = image.content;
  return fits(filter.name, image.name) && fits(filter.owner, image.owner) &&
         fits(filter.visibility, image.visibility) &&
         (!filter.identifier || *filter.identifier == image.identifier().text()) &&
         (!filter.tag ||
          std::find(image.tags.begin(), image.tags.end(), *filter.tag) != image.tags.end()) &&
         (!filter.sha256 || *filter.sha256 == content.stored.sha256 ||
          *filter.sha256 == content.decoded.sha256) &&
         (!filter.visible_to || image.visibility == Visibility::kPublic ||
          image.owner == *filter.visible_to);
}

// The ids under several terms, merged in order, each once.
class IdMerge {
 public:
  explicit IdMerge(std::vector<Cursor> cursors) : cursors_(std::move(cursors)) {}

  // The next id, or nullopt at the end.
  Result<std::optional<std::string>> next() {
    std::optional<std::string> smallest;
    for (Cursor& cursor : cursors_) {
      while (cursor.valid() && (!is_term_id(cursor.rest()) || cursor.rest() <= last_)) {
        cursor.next();
      }
      if (!cursor.valid()) {
        if (auto status = cursor.status(); !status) return status.error();
      } else if (!smallest || cursor.rest() < *smallest) {
        smallest = std::string(cursor.rest());
      }
    }
    if (smallest) last_ = *smallest;
    return smallest;
  }
  void start_after(std::string id) { last_ = std::move(id); }

 private:
  std::vector<Cursor> cursors_;
  std::string last_;
};

}  // namespace

Result<ImagePage> RocksdbCatalog::list(const ImageFilter& filter, std::size_t limit,
                                       const std::optional<std::string>& cursor) {
  std::string after;
  if (cursor) {
    const auto id = ImageId::parse(*cursor);
    if (!id) return Error(Errc::kMalformed, "no such cursor");
    after = id->text();
  }
  std::vector<Cursor> sources;
  for (const std::string& term : terms_for(filter)) {
    sources.push_back(db_->scan(Family::kTerms, term, after));
  }
  if (sources.empty()) sources.push_back(db_->scan(Family::kImages, "", after));
  IdMerge ids(std::move(sources));
  ids.start_after(after);
  ImagePage page;
  for (;;) {
    STRATA_TRY(const auto id, ids.next());
    if (!id) return page;
    STRATA_TRY(auto image, find(*id));
    if (!image || !matches(filter, *image)) continue;
    if (page.images.size() >= std::max<std::size_t>(1, limit)) {  // there is more
      page.cursor = page.images.back().id.text();
      return page;
    }
    page.images.push_back(std::move(*image));
  }
}

}  // namespace strata::catalog
