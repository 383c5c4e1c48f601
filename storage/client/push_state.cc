#include "storage/client/push_state.h"

#include <sys/stat.h>

#include <boost/json.hpp>
#include <cerrno>

namespace strata::client {
namespace {

namespace json = boost::json;

template <typename Number>
bool read_number(const json::object& object, std::string_view name, Number& out) {
  const json::value* value = object.if_contains(name);
  if (value == nullptr) return false;
  boost::system::error_code bad;
  out = value->to_number<Number>(bad);
  return !bad;
}

bool read_text(const json::object& object, std::string_view name, std::string& out) {
  const json::value* value = object.if_contains(name);
  if (value == nullptr || !value->is_string()) return false;
  out = std::string(value->get_string());
  return true;
}

bool read_part(const json::value& element, PushState& state) {
  const json::array* triple = element.if_array();
  if (triple == nullptr || triple->size() != 3 || !triple->at(0).is_string()) return false;
  boost::system::error_code bad;
  const auto first = triple->at(1).to_number<std::uint64_t>(bad);
  if (bad) return false;
  const auto end = triple->at(2).to_number<std::uint64_t>(bad);
  if (bad || first > end || end > state.file.size) return false;
  state.parts.push_back({std::string(triple->at(0).get_string()), first, end - first});
  return state.parts.back().target.starts_with('/');
}

// Without gaps, from the beginning to the end of the file.
bool read_parts(const json::object& object, PushState& state) {
  const json::value* list = object.if_contains("parts");
  if (list == nullptr || !list->is_array()) return false;
  std::uint64_t covered = 0;
  for (const json::value& element : list->get_array()) {
    if (!read_part(element, state) || state.parts.back().first != covered) return false;
    covered += state.parts.back().length;
  }
  return !state.parts.empty() && covered == state.file.size;
}

}  // namespace

Result<FileIdentity> FileIdentity::of(const io::File& file) {
  struct stat found {};
  if (::fstat(file.descriptor(), &found) != 0) return errno_error(errno, "fstat");
  if (!S_ISREG(found.st_mode)) return Error(Errc::kUsage, "not a regular file");
  constexpr std::int64_t kNanoseconds = 1'000'000'000;
  return FileIdentity{found.st_dev, found.st_ino, static_cast<std::uint64_t>(found.st_size),
                      found.st_mtim.tv_sec * kNanoseconds + found.st_mtim.tv_nsec};
}

std::string to_json(const PushState& state) {
  json::array parts;
  for (const UploadPart& part : state.parts) {
    parts.push_back(json::array{part.target, part.first, part.first + part.length});
  }
  return json::serialize(json::object{{"version", PushState::kVersion},
                                      {"origin", state.origin},
                                      {"path", state.path},
                                      {"device", state.file.device},
                                      {"inode", state.file.inode},
                                      {"size", state.file.size},
                                      {"mtime_ns", state.file.mtime_ns},
                                      {"metadata", state.metadata},
                                      {"created", format_rfc3339(state.created)},
                                      {"upload", state.upload},
                                      {"parts", std::move(parts)}});
}

Result<PushState> push_state_from_json(std::string_view text) {
  const Error malformed(Errc::kMalformed, "the state of the interrupted push is damaged");
  boost::system::error_code bad;
  const json::value value = json::parse(text, bad);
  if (bad || !value.is_object()) return malformed;
  const json::object& object = value.get_object();
  std::uint64_t version = 0;
  if (!read_number(object, "version", version) || version == 0) return malformed;
  if (version > PushState::kVersion) {
    return Error(Errc::kUsage,
                 "the interrupted push was started by a newer strata (state version " +
                     std::to_string(version) + ")");
  }
  PushState state;
  std::string created;
  const bool whole =
      read_text(object, "origin", state.origin) && read_text(object, "path", state.path) &&
      read_number(object, "device", state.file.device) &&
      read_number(object, "inode", state.file.inode) &&
      read_number(object, "size", state.file.size) &&
      read_number(object, "mtime_ns", state.file.mtime_ns) &&
      read_text(object, "metadata", state.metadata) && read_text(object, "created", created) &&
      read_text(object, "upload", state.upload) && read_parts(object, state);
  const auto time = parse_rfc3339(created);
  if (!whole || !time || !state.upload.starts_with('/')) return malformed;
  state.created = *time;
  return state;
}

}  // namespace strata::client
