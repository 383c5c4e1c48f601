#include "registry/service/openapi_paths.h"

namespace strata::registry {
namespace {

constexpr std::string_view kComponents = R"json({
  "parameters": {
    "media": {"name": "media", "in": "query", "description": "instead of Accept",
      "schema": {"enum": ["xml", "json", "html"]}},
    "status": {"name": "status", "in": "query",
      "schema": {"enum": ["valid", "expired", "deprecated", "all"], "default": "valid"}},
    "location": {"name": "location", "in": "query",
      "description": "web: http, https or ftp, or none at all",
      "schema": {"enum": ["all", "web", "pdisk"], "default": "all"}},
    "sort": {"name": "sort", "in": "query", "description": "by the date of the endorsement",
      "schema": {"enum": ["-created", "created"], "default": "-created"}},
    "limit": {"name": "limit", "in": "query",
      "schema": {"type": "integer", "minimum": 1, "maximum": 1000, "default": 500}},
    "cursor": {"name": "cursor", "in": "query", "description": "next of the page before",
      "schema": {"type": "string"}},
    "identifierFilter": {"name": "identifier", "in": "query",
      "schema": {"$ref": "#/components/schemas/Identifier"}},
    "identifier": {"name": "identifier", "in": "path", "required": true,
      "schema": {"$ref": "#/components/schemas/Identifier"}},
    "token": {"name": "token", "in": "path", "required": true,
      "description": "the secret of the link that an endorser was sent",
      "schema": {"type": "string"}},
    "email": {"name": "email", "in": "path", "required": true, "description": "of the endorser",
      "schema": {"type": "string"}},
    "created": {"name": "created", "in": "path", "required": true,
      "description": "YYYY-MM-DDThh:mm:ssZ", "schema": {"type": "string", "format": "date-time"}}},
  "headers": {
    "Location": {"schema": {"type": "string", "format": "uri"}},
    "Link": {"description": "rel=next: the next page", "schema": {"type": "string"}}},
  "responses": {
    "List": {"description": "Signed documents in XML, what they say in JSON, or a page",
      "headers": {"Link": {"$ref": "#/components/headers/Link"}},
      "content": {"application/xml": {"schema": {"type": "string"}},
        "application/json": {"schema": {"$ref": "#/components/schemas/Page"}},
        "text/html": {"schema": {"type": "string"}}}},
    "One": {"description": "The signed document in XML, what it says in JSON, or a page",
      "headers": {"ETag": {"description": "of the document: its SHA-256",
        "schema": {"type": "string"}}},
      "content": {"application/rdf+xml": {"schema": {"type": "string"}},
        "application/json": {"schema": {"$ref": "#/components/schemas/Entry"}},
        "text/html": {"schema": {"type": "string"}}}},
    "Rows": {"description": "SPARQL query results (W3C) in XML, JSON, or a page",
      "content": {"application/xml": {"schema": {"type": "string"}},
        "application/json": {"schema": {"type": "object"}},
        "text/html": {"schema": {"type": "string"}}}},
    "Problem": {"description": "RFC 9457; a page for a client that prefers HTML",
      "content": {"application/problem+json": {"schema":
        {"$ref": "#/components/schemas/Problem"}},
        "text/html": {"schema": {"type": "string"}}}}},
  "schemas": {
    "Identifier": {"type": "string", "pattern": "^[A-P][A-Za-z0-9_-]{26}$",
      "description": "the SHA-1 of the decoded bytes as a number in 27 digits"},
    "Problem": {"type": "object", "required": ["type", "title", "status", "detail", "request_id"],
      "properties": {"type": {"type": "string"}, "title": {"type": "string"},
        "status": {"type": "integer"}, "detail": {"type": "string"},
        "request_id": {"type": "string"}}},
    "Asked": {"type": "object", "properties": {"status": {"const": "confirmation-needed"},
      "detail": {"type": "string"}, "identifier": {"type": "string"},
      "endorser": {"type": "string"}, "created": {"type": "string"},
      "expires": {"type": "string"}}},
    "Page": {"type": "object", "required": ["entries", "total", "total_is", "next"],
      "properties": {
        "entries": {"type": "array", "items": {"$ref": "#/components/schemas/Entry"}},
        "total": {"type": "integer"},
        "total_is": {"enum": ["exact", "at_least"]},
        "next": {"type": ["string", "null"], "description": "cursor of the next page"}}},
    "Changes": {"type": "object", "required": ["store", "changes", "next", "last"],
      "properties": {
        "store": {"type": "string",
          "description": "name of the sequence numbers: another one means that the store began anew"},
        "changes": {"type": "array", "items": {"$ref": "#/components/schemas/Change"}},
        "next": {"type": "integer", "description": "value for since"},
        "last": {"type": "integer", "description": "the newest sequence number"}}},
    "Change": {"type": "object",
      "required": ["sequence", "identifier", "endorser", "created", "entry", "document"],
      "properties": {
        "sequence": {"type": "integer", "description": "from 1, without gaps"},
        "identifier": {"$ref": "#/components/schemas/Identifier"},
        "endorser": {"type": "string"},
        "created": {"type": "string", "format": "date-time"},
        "entry": {"type": "string", "format": "uri"},
        "document": {"type": "object", "required": ["bytes", "sha-256"], "properties": {
          "bytes": {"type": "integer"}, "sha-256": {"type": "string"}}}}},
    "Digests": {"type": "object", "properties": {"sha-1": {"type": "string"},
      "sha-256": {"type": "string"}, "sha-512": {"type": "string"}}},
    "Entry": {"type": "object",
      "required": ["identifier", "endorser", "created", "entry", "status", "size", "checksums",
        "signature"],
      "properties": {
        "identifier": {"$ref": "#/components/schemas/Identifier"},
        "endorser": {"type": "string"},
        "created": {"type": "string", "format": "date-time"},
        "entry": {"type": "string", "format": "uri"},
        "status": {"enum": ["valid", "expired", "deprecated"]},
        "size": {"type": "integer", "description": "decoded bytes"},
        "checksums": {"$ref": "#/components/schemas/Digests"},
        "format": {"type": ["string", "null"]},
        "compression": {"type": ["string", "null"]},
        "stored": {"type": "array", "items": {"type": "object", "properties": {
          "encoding": {"enum": ["identity", "gzip", "xz", "zstd"]},
          "bytes": {"type": "integer"},
          "digests": {"$ref": "#/components/schemas/Digests"}}}},
        "locations": {"type": "array", "items": {"type": "string"}},
        "type": {"type": ["string", "null"]},
        "kind": {"type": ["string", "null"]},
        "title": {"type": ["string", "null"]},
        "description": {"type": ["string", "null"]},
        "creator": {"type": ["string", "null"]},
        "publisher": {"type": ["string", "null"]},
        "tags": {"type": "array", "items": {"type": "string"}},
        "version": {"type": ["string", "null"]},
        "os": {"type": ["string", "null"]},
        "os_version": {"type": ["string", "null"]},
        "arch": {"type": ["string", "null"]},
        "hypervisors": {"type": "array", "items": {"type": "string"}},
        "valid": {"type": ["string", "null"], "format": "date-time"},
        "deprecated": {"type": ["string", "null"], "description": "why"},
        "signature": {"type": "object", "properties": {
          "trusted": {"type": "boolean", "description": "by the rules in force now"},
          "algorithm": {"type": "string"},
          "weak": {"type": "boolean"},
          "subject": {"type": "string"},
          "issuer": {"type": "string"},
          "fingerprint": {"type": "string", "description": "SHA-256 of the certificate"},
          "self_signed": {"type": "boolean"}}},
        "sequence": {"type": "integer", "description": "in /v1/changes"}}}}
})json";

}  // namespace

std::string_view openapi_components() {
  return kComponents;
}

}  // namespace strata::registry
