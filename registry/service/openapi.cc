#include "registry/service/openapi.h"

#include <boost/json.hpp>

#include "strata/base/version.h"

namespace strata::registry {
namespace {

constexpr std::string_view kDocument = R"json({
  "openapi": "3.1.0",
  "info": {"title": "Strata registry", "version": ""},
  "servers": [{"url": ""}],
  "paths": {
    "/metadata": {
      "post": {
        "summary": "Publish a signed metadata document",
        "requestBody": {"required": true, "content": {
          "application/rdf+xml": {"schema": {"type": "string"}},
          "application/xml": {"schema": {"type": "string"}},
          "multipart/form-data": {"schema": {"type": "object",
            "properties": {"file": {"type": "string", "format": "binary"}}}}}},
        "responses": {
          "200": {"description": "this document is already here", "content": {"application/json":
            {"schema": {"$ref": "#/components/schemas/Entry"}}}},
          "201": {"description": "accepted", "headers": {"Location": {"schema":
            {"type": "string"}}}, "content": {"application/json":
            {"schema": {"$ref": "#/components/schemas/Entry"}}}},
          "202": {"description": "its endorser is asked by e-mail first", "content":
            {"application/json": {"schema": {"$ref": "#/components/schemas/Asked"}}}},
          "400": {"$ref": "#/components/responses/Problem"},
          "403": {"$ref": "#/components/responses/Problem"},
          "409": {"$ref": "#/components/responses/Problem"},
          "413": {"$ref": "#/components/responses/Problem"},
          "415": {"$ref": "#/components/responses/Problem"},
          "429": {"$ref": "#/components/responses/Problem"},
          "503": {"$ref": "#/components/responses/Problem"}}},
      "get": {
        "summary": "Newest entry of each image and endorser",
        "parameters": [
          {"$ref": "#/components/parameters/media"},
          {"$ref": "#/components/parameters/status"},
          {"$ref": "#/components/parameters/location"},
          {"$ref": "#/components/parameters/limit"},
          {"$ref": "#/components/parameters/cursor"},
          {"name": "identifier", "in": "query", "schema": {"type": "string"}},
          {"name": "email", "in": "query", "schema": {"type": "string"}},
          {"name": "created", "in": "query", "schema": {"type": "string"}}],
        "responses": {"200": {"$ref": "#/components/responses/List"}}}},
    "/metadata/{a}": {"get": {
      "summary": "Entries of an identifier, an e-mail address or a date",
      "parameters": [{"name": "a", "in": "path", "required": true, "schema": {"type": "string"}},
        {"name": "tag", "in": "query", "schema": {"type": "string"}}],
      "responses": {"200": {"$ref": "#/components/responses/List"},
        "404": {"$ref": "#/components/responses/Problem"}}}},
    "/metadata/{a}/{b}": {"get": {
      "summary": "Entries of two of identifier, e-mail address and date, in any order",
      "parameters": [{"name": "a", "in": "path", "required": true, "schema": {"type": "string"}},
        {"name": "b", "in": "path", "required": true, "schema": {"type": "string"}}],
      "responses": {"200": {"$ref": "#/components/responses/List"},
        "404": {"$ref": "#/components/responses/Problem"}}}},
    "/metadata/{identifier}/{email}/{created}": {"get": {
      "summary": "One entry, whatever its status",
      "parameters": [
        {"name": "identifier", "in": "path", "required": true, "schema": {"type": "string"}},
        {"name": "email", "in": "path", "required": true, "schema": {"type": "string"}},
        {"name": "created", "in": "path", "required": true, "schema": {"type": "string"}}],
      "responses": {"200": {"$ref": "#/components/responses/List"},
        "404": {"$ref": "#/components/responses/Problem"}}}},
    "/endorsers": {"get": {"summary": "Who endorsed something", "responses":
      {"200": {"description": "e-mail, subject and issuer of each"}}}},
    "/endorsers/{email}": {"get": {"summary": "What an endorser signed in the last days",
      "parameters": [{"name": "email", "in": "path", "required": true,
        "schema": {"type": "string"}},
        {"name": "range", "in": "query", "schema": {"type": "integer", "default": 30}}],
      "responses": {"200": {"$ref": "#/components/responses/List"}}}},
    "/endorsers/{email}/tags": {"get": {"summary": "Tags of an endorser",
      "parameters": [{"name": "email", "in": "path", "required": true,
        "schema": {"type": "string"}}],
      "responses": {"200": {"description": "tags"}}}},
    "/tag/{email}/{tag}": {"get": {"summary": "The newest entry with this tag",
      "parameters": [{"name": "email", "in": "path", "required": true,
        "schema": {"type": "string"}},
        {"name": "tag", "in": "path", "required": true, "schema": {"type": "string"}}],
      "responses": {"200": {"$ref": "#/components/responses/List"},
        "404": {"$ref": "#/components/responses/Problem"}}}},
    "/v1/entries": {"get": {"summary": "Search",
      "parameters": [
        {"name": "q", "in": "query", "description": "words; the last one as a prefix",
          "schema": {"type": "string"}},
        {"name": "os", "in": "query", "schema": {"type": "string"}},
        {"name": "os_version", "in": "query", "schema": {"type": "string"}},
        {"name": "arch", "in": "query", "schema": {"type": "string"}},
        {"name": "endorser", "in": "query", "schema": {"type": "string"}},
        {"name": "kind", "in": "query", "schema": {"type": "string"}},
        {"name": "format", "in": "query", "schema": {"type": "string"}},
        {"name": "identifier", "in": "query", "schema": {"type": "string"}},
        {"name": "sha1", "in": "query", "schema": {"type": "string"}},
        {"name": "sha256", "in": "query", "schema": {"type": "string"}},
        {"name": "tag", "in": "query", "schema": {"type": "string"}},
        {"name": "sort", "in": "query", "schema": {"enum": ["-created", "created"]}},
        {"$ref": "#/components/parameters/status"},
        {"$ref": "#/components/parameters/location"},
        {"$ref": "#/components/parameters/limit"},
        {"$ref": "#/components/parameters/cursor"}],
      "responses": {
        "200": {"description": "a page", "content": {"application/json": {"schema":
          {"type": "object", "required": ["entries", "total", "total_is", "next"], "properties": {
            "entries": {"type": "array", "items": {"$ref": "#/components/schemas/Entry"}},
            "total": {"type": "integer"},
            "total_is": {"enum": ["exact", "at_least"]},
            "next": {"type": ["string", "null"], "description": "cursor of the next page"}}}}}},
        "400": {"$ref": "#/components/responses/Problem"}}}},
    "/v1/confirmations/{token}": {
      "parameters": [{"name": "token", "in": "path", "required": true, "description":
        "the secret of the link that an endorser was sent", "schema": {"type": "string"}}],
      "get": {"summary": "What the endorser is asked; changes nothing", "responses": {
        "200": {"description": "a page with two buttons", "content": {"text/html":
          {"schema": {"type": "string"}}}},
        "410": {"$ref": "#/components/responses/Problem"}}},
      "post": {"summary": "Publish the document, or throw it away",
        "requestBody": {"required": true, "content": {"application/x-www-form-urlencoded":
          {"schema": {"type": "object", "required": ["action"], "properties": {"action":
            {"enum": ["confirm", "abort"]}}}}}},
        "responses": {
          "200": {"description": "thrown away; or confirmed, and the entry was here"},
          "201": {"description": "published", "headers": {"Location": {"schema":
            {"type": "string"}}}, "content": {"application/json":
            {"schema": {"$ref": "#/components/schemas/Entry"}}}},
          "403": {"$ref": "#/components/responses/Problem"},
          "409": {"$ref": "#/components/responses/Problem"},
          "410": {"$ref": "#/components/responses/Problem"}}}},
    "/healthz": {"get": {"summary": "The process runs",
      "responses": {"200": {"description": "ok"}}}},
    "/readyz": {"get": {"summary": "Requests can be answered", "responses":
      {"200": {"description": "ready"}, "503": {"$ref": "#/components/responses/Problem"}}}},
    "/metrics": {"get": {"summary": "Prometheus text",
      "responses": {"200": {"description": "metrics"}}}}
  },
  "components": {
    "parameters": {
      "media": {"name": "media", "in": "query", "description": "instead of Accept",
        "schema": {"enum": ["xml", "json", "html"]}},
      "status": {"name": "status", "in": "query",
        "schema": {"enum": ["valid", "expired", "deprecated", "all"], "default": "valid"}},
      "location": {"name": "location", "in": "query",
        "schema": {"enum": ["all", "web", "pdisk"], "default": "all"}},
      "limit": {"name": "limit", "in": "query",
        "schema": {"type": "integer", "minimum": 1, "maximum": 1000, "default": 500}},
      "cursor": {"name": "cursor", "in": "query", "schema": {"type": "string"}}},
    "responses": {
      "List": {"description": "XML, JSON or HTML; Link rel=next when there is more",
        "content": {"application/xml": {"schema": {"type": "string"}},
          "application/rdf+xml": {"schema": {"type": "string"}},
          "application/json": {"schema": {"type": "object"}},
          "text/html": {"schema": {"type": "string"}}}},
      "Problem": {"description": "RFC 9457", "content": {"application/problem+json": {"schema":
        {"type": "object", "properties": {"type": {"type": "string"}, "title": {"type": "string"},
          "status": {"type": "integer"}, "detail": {"type": "string"},
          "request_id": {"type": "string"}}}}}}},
    "schemas": {"Entry": {"type": "object", "properties": {
      "identifier": {"type": "string"}, "endorser": {"type": "string"},
      "created": {"type": "string"}, "entry": {"type": "string", "format": "uri"},
      "status": {"enum": ["valid", "expired", "deprecated"]},
      "size": {"type": "integer", "description": "decoded bytes"},
      "checksums": {"type": "object", "properties": {"sha-1": {"type": "string"},
        "sha-256": {"type": "string"}, "sha-512": {"type": "string"}}},
      "format": {"type": ["string", "null"]},
      "locations": {"type": "array", "items": {"type": "string"}},
      "signature": {"type": "object", "properties": {"trusted": {"type": "boolean"},
        "algorithm": {"type": "string"},
        "weak": {"type": "boolean", "description": "SHA-1 or MD5; legacy uploads only"},
        "subject": {"type": "string"}, "fingerprint": {"type": "string"}}}}},
      "Asked": {"type": "object", "properties": {"status": {"const": "confirmation-needed"},
        "detail": {"type": "string"}, "identifier": {"type": "string"},
        "endorser": {"type": "string"}, "created": {"type": "string"},
        "expires": {"type": "string"}}}}
  }
})json";

}  // namespace

std::string openapi_document(const std::string& public_url) {
  boost::json::value document = boost::json::parse(kDocument);
  document.at("info").at("version") = kVersion;
  document.at("servers").at(0).at("url") = public_url;
  return boost::json::serialize(document) + "\n";
}

}  // namespace strata::registry
