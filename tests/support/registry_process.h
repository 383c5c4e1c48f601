#pragma once

#include "daemon_process.h"
#include "registry_samples.h"
#include "temporary_directory.h"

// The real strata-registry (compile definition STRATA_REGISTRY: its path) with signed documents.
namespace strata::test {

inline std::vector<std::string> registry_command(const std::string& data,
                                                 std::vector<std::string> more = {}) {
  std::vector<std::string> command = {STRATA_REGISTRY, "--listen", "127.0.0.1:0", "--data", data};
  command.insert(command.end(), more.begin(), more.end());
  return command;
}

inline http::ClientRequest post_of(std::string document,
                                   const std::string& type = "application/rdf+xml") {
  http::ClientRequest request;
  request.method = "POST";
  request.target = "/metadata";
  request.headers.add("Content-Type", type);
  request.length = document.size();
  request.body = std::move(document);
  return request;
}

}  // namespace strata::test
