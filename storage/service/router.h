#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "storage/http/server.h"

namespace strata::storage {

// Segments of the path that stood where the pattern has {}, percent-decoded one by one, so that an
// encoded slash never makes a new segment.
using PathArguments = std::vector<std::string>;

// Who makes a request.
struct Principal {
  std::string id;    // stable; the owner of what is uploaded
  std::string name;  // for people
  bool anonymous = false;
};

using Route = std::function<http::Awaitable<http::Response>(http::Request&, const Principal&,
                                                            const PathArguments&)>;

// Which function answers which method and path. Filled at start, read-only afterwards.
class Router {
 public:
  // `pattern` like "/v1/images/{}/content". A GET route answers HEAD too.
  void add(std::string_view method, std::string_view pattern, Route route);

  struct Match {
    const Route* route = nullptr;  // null: `allow` says which methods the path has, if any
    PathArguments arguments;
    std::string allow;
  };
  [[nodiscard]] Match match(std::string_view method, std::string_view raw_path) const;

 private:
  struct Entry {
    std::string method;
    std::vector<std::string> segments;
    Route route;
  };
  std::vector<Entry> entries_;
};

}  // namespace strata::storage
