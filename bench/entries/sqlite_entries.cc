#include "bench/entries/sqlite_entries.h"

#include <sqlite3.h>

#include <map>
#include <stdexcept>
#include <vector>

namespace strata::bench {
namespace {

using entries::Field;
using entries::Query;

constexpr std::uint64_t kRowsInTransaction = 1000;
constexpr const char* kCache = "PRAGMA cache_size = -262144";  // 256 MiB, as entry_cache_bytes

// synchronous = NORMAL: SQLite need not wait for the disk here, as its load is not compared.
constexpr const char* kSchema = R"(
PRAGMA journal_mode = WAL;
PRAGMA synchronous = NORMAL;
CREATE TABLE entries (sequence INTEGER PRIMARY KEY, identifier TEXT, sha256 TEXT, created INTEGER,
                      valid INTEGER, deprecated INTEGER, os TEXT, arch TEXT, record BLOB);
CREATE INDEX by_identifier ON entries (identifier, created);
CREATE INDEX by_sha256 ON entries (sha256, created);
CREATE INDEX by_system ON entries (os, arch, created, deprecated, valid);
CREATE TABLE tags (tag TEXT, created INTEGER, sequence INTEGER,
                   PRIMARY KEY (tag, created, sequence)) WITHOUT ROWID;
CREATE VIRTUAL TABLE words USING fts5 (title, description, publisher, tags, os, content='');
)";

class Statement {
 public:
  Statement(sqlite3* db, const std::string& sql) {
    if (sqlite3_prepare_v2(db, sql.c_str(), -1, &statement_, nullptr) != SQLITE_OK) {
      throw std::runtime_error(sql + ": " + sqlite3_errmsg(db));
    }
  }
  ~Statement() { sqlite3_finalize(statement_); }
  Statement(const Statement&) = delete;
  Statement& operator=(const Statement&) = delete;

  Statement& text(int at, std::string_view value) {
    sqlite3_bind_text(statement_, at, value.data(), static_cast<int>(value.size()),
                      SQLITE_TRANSIENT);
    return *this;
  }
  Statement& number(int at, std::int64_t value) {
    sqlite3_bind_int64(statement_, at, value);
    return *this;
  }
  Statement& blob(int at, std::string_view value) {
    sqlite3_bind_blob(statement_, at, value.data(), static_cast<int>(value.size()),
                      SQLITE_TRANSIENT);
    return *this;
  }
  bool step() {
    const int result = sqlite3_step(statement_);
    if (result == SQLITE_ROW) return true;
    if (result != SQLITE_DONE) throw std::runtime_error("SQLite failed");
    sqlite3_reset(statement_);
    return false;
  }
  std::int64_t number_at(int column) { return sqlite3_column_int64(statement_, column); }
  std::string blob_at(int column) {
    const auto* data = static_cast<const char*>(sqlite3_column_blob(statement_, column));
    return {data, static_cast<std::size_t>(sqlite3_column_bytes(statement_, column))};
  }

 private:
  sqlite3_stmt* statement_ = nullptr;
};

// A question as two statements: how many, and the page.
struct Question {
  Question(sqlite3* db, const std::string& from)
      : count(db, "SELECT count(*) FROM (SELECT 1 FROM " + from + " LIMIT 10001)"),
        page(db, "SELECT e.record FROM " + from +
                     " ORDER BY e.created DESC, e.sequence DESC "
                     "LIMIT 20") {}
  Statement count, page;
};

constexpr const char* kValid = " AND e.deprecated = 0 AND (e.valid IS NULL OR e.valid > ?3)";

}  // namespace

struct SqliteEntries::Impl {
  sqlite3* db = nullptr;
  std::uint64_t rows = 0;
  std::unique_ptr<Statement> row, tag, words, newest;
  std::map<std::string, std::unique_ptr<Question>> questions;

  void run(const std::string& sql) {
    char* error = nullptr;
    if (sqlite3_exec(db, sql.c_str(), nullptr, nullptr, &error) != SQLITE_OK) {
      throw std::runtime_error(sql + ": " + error);
    }
  }
  Question& question(const std::string& from) {
    auto& question = questions[from];
    if (question == nullptr) question = std::make_unique<Question>(db, from);
    return *question;
  }
};

SqliteEntries::SqliteEntries(const std::string& file) : impl_(std::make_unique<Impl>()) {
  if (sqlite3_open(file.c_str(), &impl_->db) != SQLITE_OK) {
    throw std::runtime_error("SQLite cannot open " + file);
  }
  impl_->run(kCache);
  bool is_new = true;
  {
    Statement there(impl_->db, "SELECT 1 FROM sqlite_master WHERE name = 'entries'");
    is_new = !there.step();
  }
  if (is_new) impl_->run(kSchema);
}

SqliteEntries::~SqliteEntries() {
  impl_->questions.clear();
  impl_->row.reset();
  impl_->tag.reset();
  impl_->words.reset();
  impl_->newest.reset();
  sqlite3_close(impl_->db);
}

void SqliteEntries::insert(std::uint64_t sequence, const entries::StoredEntry& entry,
                           const std::string& record) {
  if (impl_->row == nullptr) {
    impl_->row = std::make_unique<Statement>(
        impl_->db, "INSERT INTO entries VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)");
    impl_->tag = std::make_unique<Statement>(impl_->db, "INSERT INTO tags VALUES (?1, ?2, ?3)");
    impl_->words = std::make_unique<Statement>(
        impl_->db,
        "INSERT INTO words (rowid, title, description, publisher, tags, os) "
        "VALUES (?1, ?2, ?3, ?4, ?5, ?6)");
  }
  if (impl_->rows++ % kRowsInTransaction == 0) {
    impl_->run(impl_->rows > 1 ? "COMMIT; BEGIN" : "BEGIN");
  }
  const auto& image = entry.metadata;
  const auto number = static_cast<std::int64_t>(sequence);
  impl_->row->number(1, number).text(2, image.identifier.text()).text(3, image.sha256->hex());
  impl_->row->number(4, entry.key.created).number(6, image.deprecated ? 1 : 0);
  if (image.valid) {
    impl_->row->number(5, *image.valid);
  } else {
    impl_->row->number(5, INT64_MAX);
  }
  impl_->row->text(7, image.os).text(8, image.os_arch).blob(9, record).step();
  std::string tags;
  for (const std::string& tag : image.tags) {
    impl_->tag->text(1, tag).number(2, entry.key.created).number(3, number).step();
    tags += tag + " ";
  }
  impl_->words->number(1, number).text(2, image.title).text(3, image.description);
  impl_->words->text(4, image.publisher).text(5, tags).text(6, image.os).step();
}

void SqliteEntries::finish() {
  impl_->run("COMMIT; INSERT INTO words (words) VALUES ('optimize'); ANALYZE");
}

SqliteEntries::Answer SqliteEntries::tagged(const std::string& tag) {
  if (impl_->newest == nullptr) {
    impl_->newest = std::make_unique<Statement>(
        impl_->db,
        "SELECT e.record FROM tags t JOIN entries e ON e.sequence = t.sequence "
        "WHERE t.tag = ?1 AND e.deprecated = 0 ORDER BY t.created DESC, t.sequence DESC LIMIT 1");
  }
  impl_->newest->text(1, tag);
  Answer answer;
  while (impl_->newest->step()) {
    if (!impl_->newest->blob_at(0).empty()) ++answer.rows;
  }
  answer.total = answer.rows;
  return answer;
}

SqliteEntries::Answer SqliteEntries::search(const Query& query) {
  std::string from;
  std::vector<std::string> values;
  if (!query.text.empty()) {
    // The last word as a prefix, as ours.
    from = "words w JOIN entries e ON e.sequence = w.rowid WHERE w.words MATCH ?1";
    const std::size_t space = query.text.find(' ');
    values = {"\"" + query.text.substr(0, space) + "\" AND \"" + query.text.substr(space + 1) +
              "\" *"};
  } else if (query.filters.front().first == Field::kSha256) {
    from = "entries e WHERE e.sha256 = ?1";
    values = {query.filters.front().second};
  } else if (query.filters.front().first == Field::kIdentifier) {
    from = "entries e WHERE e.identifier = ?1";
    values = {query.filters.front().second};
  } else if (query.filters.front().first == Field::kTag) {
    from = "tags t JOIN entries e ON e.sequence = t.sequence WHERE t.tag = ?1";
    values = {query.filters.front().second};
  } else {
    from = "entries e WHERE e.os = ?1 AND e.arch = ?2" + std::string(kValid);
    values = {query.filters[0].second, query.filters[1].second};
  }
  Question& question = impl_->question(from);
  Answer answer;
  for (Statement* statement : {&question.count, &question.page}) {
    for (std::size_t i = 0; i < values.size(); ++i) {
      statement->text(static_cast<int>(i) + 1, values[i]);
    }
    if (values.size() == 2) statement->number(3, query.now);
  }
  question.count.step();
  answer.total = static_cast<std::uint64_t>(question.count.number_at(0));
  question.count.step();
  while (question.page.step()) {
    if (!question.page.blob_at(0).empty()) ++answer.rows;
  }
  return answer;
}

}  // namespace strata::bench
