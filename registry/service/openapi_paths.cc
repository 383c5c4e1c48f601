#include "registry/service/openapi_paths.h"

namespace strata::registry {
namespace {

// The Marketplace's routes.
constexpr std::string_view kMetadata = R"json({
  "/metadata": {
    "post": {
      "summary": "Publish a signed metadata document",
      "description": "The signature is the credential; there is no account.",
      "requestBody": {"required": true, "content": {
        "application/rdf+xml": {"schema": {"type": "string"}},
        "application/xml": {"schema": {"type": "string"}},
        "text/xml": {"schema": {"type": "string"}},
        "multipart/form-data": {"schema": {"type": "object",
          "properties": {"file": {"type": "string", "format": "binary"}}}}}},
      "responses": {
        "200": {"description": "This document is here already",
          "headers": {"Location": {"$ref": "#/components/headers/Location"}},
          "content": {"application/json": {"schema": {"$ref": "#/components/schemas/Entry"}},
            "text/html": {"schema": {"type": "string"}}}},
        "201": {"description": "Accepted",
          "headers": {"Location": {"$ref": "#/components/headers/Location"}},
          "content": {"application/json": {"schema": {"$ref": "#/components/schemas/Entry"}},
            "text/html": {"schema": {"type": "string"}}}},
        "202": {"description": "Its endorser is asked by e-mail first",
          "content": {"application/json": {"schema": {"$ref": "#/components/schemas/Asked"}}}},
        "400": {"description": "No document; the detail names the element and the rule",
          "content": {"application/problem+json": {"schema":
            {"$ref": "#/components/schemas/Problem"}}}},
        "403": {"description": "The signature does not hold, or its endorser is not trusted",
          "content": {"application/problem+json": {"schema":
            {"$ref": "#/components/schemas/Problem"}}}},
        "409": {"description": "conflict, not-newer or collision",
          "content": {"application/problem+json": {"schema":
            {"$ref": "#/components/schemas/Problem"}}}},
        "413": {"$ref": "#/components/responses/Problem"},
        "415": {"$ref": "#/components/responses/Problem"},
        "429": {"$ref": "#/components/responses/Problem"},
        "503": {"$ref": "#/components/responses/Problem"},
        "default": {"$ref": "#/components/responses/Problem"}}},
    "get": {
      "summary": "Newest entry of each image and endorser",
      "parameters": [
        {"$ref": "#/components/parameters/media"},
        {"$ref": "#/components/parameters/status"},
        {"$ref": "#/components/parameters/location"},
        {"$ref": "#/components/parameters/sort"},
        {"$ref": "#/components/parameters/limit"},
        {"$ref": "#/components/parameters/cursor"},
        {"$ref": "#/components/parameters/identifierFilter"},
        {"name": "email", "in": "query", "description": "of the endorser",
          "schema": {"type": "string"}},
        {"name": "created", "in": "query",
          "description": "exactly this date; also finds entries that newer ones replaced",
          "schema": {"type": "string", "format": "date-time"}}],
      "responses": {"200": {"$ref": "#/components/responses/List"},
        "default": {"$ref": "#/components/responses/Problem"}}}},
  "/metadata/{a}": {"get": {
    "summary": "Entries of an identifier, an e-mail address or a date",
    "description": "With a tag and an e-mail address: the entry that the tag stands for.",
    "parameters": [{"name": "a", "in": "path", "required": true, "schema": {"type": "string"}},
      {"name": "tag", "in": "query", "schema": {"type": "string"}},
      {"$ref": "#/components/parameters/media"},
      {"$ref": "#/components/parameters/status"},
      {"$ref": "#/components/parameters/location"},
      {"$ref": "#/components/parameters/sort"},
      {"$ref": "#/components/parameters/limit"},
      {"$ref": "#/components/parameters/cursor"}],
    "responses": {"200": {"$ref": "#/components/responses/List"},
      "default": {"$ref": "#/components/responses/Problem"}}}},
  "/metadata/{a}/{b}": {"get": {
    "summary": "Entries of two of identifier, e-mail address and date, in any order",
    "parameters": [{"name": "a", "in": "path", "required": true, "schema": {"type": "string"}},
      {"name": "b", "in": "path", "required": true, "schema": {"type": "string"}},
      {"$ref": "#/components/parameters/media"},
      {"$ref": "#/components/parameters/status"},
      {"$ref": "#/components/parameters/location"},
      {"$ref": "#/components/parameters/sort"},
      {"$ref": "#/components/parameters/limit"},
      {"$ref": "#/components/parameters/cursor"}],
    "responses": {"200": {"$ref": "#/components/responses/List"},
      "default": {"$ref": "#/components/responses/Problem"}}}},
  "/metadata/{identifier}/{email}/{created}": {"get": {
    "summary": "One entry, whatever its status: the signed document, or what it says",
    "parameters": [
      {"$ref": "#/components/parameters/identifier"},
      {"$ref": "#/components/parameters/email"},
      {"$ref": "#/components/parameters/created"},
      {"$ref": "#/components/parameters/media"}],
    "responses": {"200": {"$ref": "#/components/responses/One"},
      "304": {"description": "If-None-Match names the document's ETag"},
      "default": {"$ref": "#/components/responses/Problem"}}}},
  "/tag/{email}/{tag}": {"get": {
    "summary": "The newest entry with this tag that is not deprecated",
    "parameters": [
      {"$ref": "#/components/parameters/email"},
      {"name": "tag", "in": "path", "required": true, "schema": {"type": "string"}},
      {"$ref": "#/components/parameters/media"}],
    "responses": {"200": {"$ref": "#/components/responses/One"},
      "default": {"$ref": "#/components/responses/Problem"}}}}
})json";

constexpr std::string_view kEndorsers = R"json({
  "/endorsers": {"get": {
    "summary": "Who endorsed the newest entries: e-mail, subject and issuer of each",
    "parameters": [{"$ref": "#/components/parameters/media"}],
    "responses": {"200": {"$ref": "#/components/responses/Rows"},
      "default": {"$ref": "#/components/responses/Problem"}}}},
  "/endorsers/{email}": {"get": {
    "summary": "What an endorser signed in the last days",
    "parameters": [
      {"$ref": "#/components/parameters/email"},
      {"name": "range", "in": "query", "description": "days; what is no number is 30",
        "schema": {"type": "integer", "default": 30}},
      {"$ref": "#/components/parameters/media"},
      {"name": "status", "in": "query", "schema":
        {"enum": ["valid", "expired", "deprecated", "all"], "default": "all"}},
      {"$ref": "#/components/parameters/limit"},
      {"$ref": "#/components/parameters/cursor"}],
    "responses": {"200": {"$ref": "#/components/responses/Rows"},
      "default": {"$ref": "#/components/responses/Problem"}}}},
  "/endorsers/{email}/tags": {"get": {
    "summary": "Tags of an endorser",
    "parameters": [{"$ref": "#/components/parameters/email"},
      {"$ref": "#/components/parameters/media"}],
    "responses": {"200": {"$ref": "#/components/responses/Rows"},
      "default": {"$ref": "#/components/responses/Problem"}}}},
  "/query": {"get": {"summary": "SPARQL: gone, use /v1/entries", "deprecated": true,
    "responses": {"410": {"$ref": "#/components/responses/Problem"}}}},
  "/sync": {"post": {"summary": "Gone, use POST /metadata", "deprecated": true,
    "responses": {"410": {"$ref": "#/components/responses/Problem"}}}},
  "/action/{id}/{command}": {"get": {"summary": "Gone", "deprecated": true,
    "parameters": [
      {"name": "id", "in": "path", "required": true, "schema": {"type": "string"}},
      {"name": "command", "in": "path", "required": true, "schema": {"type": "string"}}],
    "responses": {"410": {"$ref": "#/components/responses/Problem"}}}}
})json";

constexpr std::string_view kV1 = R"json({
  "/v1/entries": {"get": {
    "summary": "Search",
    "parameters": [
      {"name": "q", "in": "query", "description": "words; the last one as a prefix",
        "schema": {"type": "string"}},
      {"name": "os", "in": "query", "schema": {"type": "string"}},
      {"name": "os_version", "in": "query", "schema": {"type": "string"}},
      {"name": "arch", "in": "query", "schema": {"type": "string"}},
      {"name": "endorser", "in": "query", "schema": {"type": "string"}},
      {"name": "kind", "in": "query", "schema": {"type": "string"}},
      {"name": "format", "in": "query", "schema": {"type": "string"}},
      {"$ref": "#/components/parameters/identifierFilter"},
      {"name": "sha1", "in": "query", "description": "of the decoded or the stored bytes",
        "schema": {"type": "string", "pattern": "^[0-9A-Fa-f]{40}$"}},
      {"name": "sha256", "in": "query", "description": "of the decoded or the stored bytes",
        "schema": {"type": "string", "pattern": "^[0-9A-Fa-f]{64}$"}},
      {"name": "tag", "in": "query", "schema": {"type": "string"}},
      {"$ref": "#/components/parameters/sort"},
      {"$ref": "#/components/parameters/status"},
      {"$ref": "#/components/parameters/location"},
      {"$ref": "#/components/parameters/limit"},
      {"$ref": "#/components/parameters/cursor"}],
    "responses": {
      "200": {"description": "A page",
        "headers": {"Link": {"$ref": "#/components/headers/Link"}},
        "content": {"application/json": {"schema": {"$ref": "#/components/schemas/Page"}}}},
      "default": {"$ref": "#/components/responses/Problem"}}}},
  "/v1/confirmations/{token}": {
    "get": {"summary": "What the endorser is asked; changes nothing",
      "parameters": [{"$ref": "#/components/parameters/token"}],
      "responses": {"200": {"description": "A page with two buttons",
          "content": {"text/html": {"schema": {"type": "string"}}}},
        "404": {"$ref": "#/components/responses/Problem"},
        "410": {"$ref": "#/components/responses/Problem"},
        "default": {"$ref": "#/components/responses/Problem"}}},
    "post": {"summary": "Publish the document, or throw it away",
      "parameters": [{"$ref": "#/components/parameters/token"}],
      "requestBody": {"required": true, "content": {"application/x-www-form-urlencoded":
        {"schema": {"type": "object", "required": ["action"], "properties": {"action":
          {"enum": ["confirm", "abort"]}}}}}},
      "responses": {
        "200": {"description": "Thrown away; or confirmed, and the entry was here"},
        "201": {"description": "Published",
          "headers": {"Location": {"$ref": "#/components/headers/Location"}},
          "content": {"application/json": {"schema": {"$ref": "#/components/schemas/Entry"}}}},
        "403": {"$ref": "#/components/responses/Problem"},
        "409": {"$ref": "#/components/responses/Problem"},
        "410": {"$ref": "#/components/responses/Problem"},
        "default": {"$ref": "#/components/responses/Problem"}}}},
  "/v1/policy/{identifier}": {"get": {"summary": "Whether the site's policy accepts an image",
    "parameters": [{"name": "identifier", "in": "path", "required": true,
      "schema": {"type": "string"}}],
    "responses": {
      "200": {"description": "the decision, rule by rule", "content": {"application/json":
        {"schema": {"type": "object", "required": ["accepted", "entry", "reason", "results"],
          "properties": {
            "accepted": {"type": "boolean"},
            "entry": {"type": ["string", "null"], "format": "uri"},
            "reason": {"type": "string"},
            "results": {"type": "array", "items": {"type": "object", "properties": {
              "entry": {"type": "string", "format": "uri"},
              "accepted": {"type": "boolean"},
              "rules": {"type": "array", "items": {"type": "object", "properties": {
                "rule": {"type": "string"}, "passed": {"type": "boolean"},
                "reason": {"type": "string"}}}}}}}}}}}},
      "400": {"$ref": "#/components/responses/Problem"},
      "404": {"$ref": "#/components/responses/Problem"}}}},
  "/v1/changes": {"get": {
    "summary": "Accepted entries in the order of acceptance, for peers",
    "description": "Ask again with since = next. With wait, an answer without changes is held back until there is one.",
    "parameters": [
      {"name": "since", "in": "query", "description": "the last sequence number that is known",
        "schema": {"type": "integer", "minimum": 0, "default": 0}},
      {"$ref": "#/components/parameters/limit"},
      {"name": "wait", "in": "query",
        "description": "seconds; cut to the limit long_poll_max, and to none when too many wait or since is beyond last",
        "schema": {"type": "integer", "minimum": 0, "default": 0}}],
    "responses": {
      "200": {"description": "A page, which may be empty", "content": {"application/json":
        {"schema": {"$ref": "#/components/schemas/Changes"}}}},
      "default": {"$ref": "#/components/responses/Problem"}}}},
  "/v1/virt-builder/{index}": {"get": {
    "summary": "Public images as an index for virt-builder; not signed",
    "parameters": [
      {"name": "index", "in": "path", "required": true,
        "schema": {"enum": ["index", "index.asc"]}},
      {"name": "endorser", "in": "query", "schema": {"type": "string"}},
      {"name": "tag", "in": "query", "schema": {"type": "string"}},
      {"name": "os", "in": "query", "schema": {"type": "string"}},
      {"name": "arch", "in": "query", "schema": {"type": "string"}}],
    "responses": {
      "200": {"description": "virt-builder(1), Creating and signing the index file",
        "content": {"text/plain": {"schema": {"type": "string"}}}},
      "default": {"$ref": "#/components/responses/Problem"}}}},
  "/v1/virt-builder/images/{identifier}/{email}/{created}": {"get": {
    "summary": "Where the bytes of an image in that index are",
    "parameters": [
      {"$ref": "#/components/parameters/identifier"},
      {"$ref": "#/components/parameters/email"},
      {"$ref": "#/components/parameters/created"}],
    "responses": {
      "302": {"description": "There",
        "headers": {"Location": {"$ref": "#/components/headers/Location"}}},
      "default": {"$ref": "#/components/responses/Problem"}}}}
})json";

constexpr std::string_view kPages = R"json({
  "/": {"get": {
    "summary": "Page: search, with the parameters of /v1/entries",
    "responses": {"200": {"description": "HTML",
        "content": {"text/html": {"schema": {"type": "string"}}}},
      "default": {"$ref": "#/components/responses/Problem"}}}},
  "/upload": {"get": {"summary": "Page: a form that posts to /metadata",
    "responses": {"200": {"description": "HTML",
      "content": {"text/html": {"schema": {"type": "string"}}}}}}},
  "/static/style.css": {"get": {"summary": "The pages' style sheet",
    "responses": {"200": {"description": "CSS",
      "content": {"text/css": {"schema": {"type": "string"}}}}}}},
  "/healthz": {"get": {"summary": "The process runs",
    "responses": {"200": {"description": "ok",
      "content": {"text/plain": {"schema": {"type": "string"}}}}}}},
  "/readyz": {"get": {"summary": "Requests can be answered", "responses":
    {"200": {"description": "ready", "content": {"text/plain": {"schema": {"type": "string"}}}},
      "503": {"$ref": "#/components/responses/Problem"}}}},
  "/metrics": {"get": {"summary": "Prometheus text",
    "responses": {"200": {"description": "metrics",
      "content": {"text/plain": {"schema": {"type": "string"}}}}}}},
  "/openapi.json": {"get": {"summary": "This document",
    "responses": {"200": {"description": "OpenAPI 3.1",
      "content": {"application/json": {"schema": {"type": "object"}}}}}}}
})json";

}  // namespace

std::array<std::string_view, 4> openapi_paths() {
  return {kMetadata, kEndorsers, kV1, kPages};
}

}  // namespace strata::registry
