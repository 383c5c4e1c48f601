"""Folders are layers: the table of allowed includes, for our own headers and for third-party ones."""

import re

from tree import CXX, Tree

SHARED = ("base", "io", "digest", "codec", "http", "metadata", "policy")

# layer -> layers it builds on. What those build on is allowed too.
BUILDS_ON = {
    "base": (),
    "io": ("base",),
    "digest": ("io",),
    "codec": ("io",),
    "http": ("io",),
    "s3": ("http", "digest"),
    "blob": ("s3", "codec"),
    "catalog": ("blob", "digest", "codec"),
    "upload": ("blob", "digest", "codec"),
    "client": ("http", "digest", "metadata"),
    "metadata": ("http", "digest"),
    "policy": ("metadata",),
    "storage/service": ("catalog", "upload", "policy"),
    "entries": ("metadata", "http", "policy"),
    "replication": ("metadata", "http"),
    "registry/http": ("http",),
    "web": ("http",),
    "registry/service": ("entries", "replication", "registry/http", "web", "policy"),
    "tools": ("client", "policy", "codec"),
}

# include prefix -> (layers that wrap it, why nobody else may include it)
THIRD_PARTY = {
    "rocksdb/": (
        ("io", "catalog", "entries"),
        "records are reached through Catalog and EntryStore, both with io::RocksdbLog",
    ),
    "openssl/": (("digest", "http", "metadata"), "digests, TLS and signatures have their own layers"),
    "lzma.h": (("codec",), "decoders are behind strata/codec/decoder.h"),
    "zstd": (("codec",), "decoders are behind strata/codec/decoder.h"),
    "zlib.h": (("codec",), "decoders are behind strata/codec/decoder.h"),
    "isa-l": (("codec",), "decoders are behind strata/codec/decoder.h"),
    "libxml/": (("metadata",), "documents are parsed and built in registry/metadata only"),
    "libxslt/": (("metadata",), "documents are parsed and built in registry/metadata only"),
    "xmlsec/": (("metadata",), "signatures are made and verified in registry/metadata only"),
    "microhttpd": (("registry/http",), "the registry's engine is behind registry/http"),
    "toml++/": (("base",), "configuration is read through ConfigFile, which refuses unknown keys"),
    "CLI/": (("tools", "storage/service", "registry/service"), "only programs have a command line"),
    "boost/beast": (("http",), "HTTP is spoken in storage/http only"),
    "boost/asio": (
        ("http", "s3", "upload", "client", "storage/service", "tools"),
        "below the network layers nothing waits on sockets",
    ),
    "boost/json": (
        ("http", "blob", "catalog", "upload", "entries", "metadata", "client", "policy", "tools")
        + ("storage/service", "registry/service"),
        "JSON is a form of records and answers, not of base types",
    ),
    "gtest/": ((), "tests live in tests/"),
    "gmock/": ((), "tests live in tests/"),
    "benchmark/": ((), "benchmarks live in bench/"),
}

INCLUDE = re.compile(r'^[ \t]*#[ \t]*include[ \t]*[<"]([^>"]+)[>"]', re.M)


def allowed(layer, seen=None):
    seen = set() if seen is None else seen
    if layer not in seen:
        seen.add(layer)
        for lower in BUILDS_ON[layer]:
            allowed(lower, seen)
    return seen


def layer_of(path):
    """The layer of a source file or of an include ("strata/http/url.h"); None outside the table."""
    parts = str(path).split("/")
    if parts[0] == "include":
        parts = parts[1:]
    if parts[0] == "tools":
        return "tools"
    if len(parts) < 3 or parts[0] not in ("strata", "storage", "registry"):
        return None
    if parts[0] == "registry" and parts[1] == "http":
        return "registry/http"
    return f"{parts[0]}/service" if parts[1] == "service" else parts[1]


def check_file(tree, path):
    text = tree.text(path)
    layer = layer_of(path)
    contract = path.parts[0] == "include"
    if layer not in BUILDS_ON:
        tree.report(path, 0, "its folder is no layer: add it to the table in tests/lint/layers.py")
        return
    for match in INCLUDE.finditer(text):
        name = match.group(1)
        line = text.count("\n", 0, match.start()) + 1
        target = layer_of(name)
        if target is not None:
            check_own(tree, path, line, layer, name, target, contract)
        else:
            check_third_party(tree, path, line, layer, name, contract)


def check_own(tree, path, line, layer, name, target, contract):
    if contract and not name.startswith("strata/"):
        tree.report(path, line, f'"{name}": a contract may not depend on an implementation folder')
    elif target not in allowed(layer):
        below = ", ".join(BUILDS_ON[layer]) or "nothing"
        tree.report(path, line, f'"{name}": {layer} builds on {below} and must not know {target}')


def check_third_party(tree, path, line, layer, name, contract):
    for prefix, (layers, why) in THIRD_PARTY.items():
        if name.startswith(prefix):
            if contract:
                tree.report(path, line, f"<{name}>: no third-party header in include/strata")
            elif layer not in layers:
                tree.report(path, line, f"<{name}> in {layer}: {why}")
            return
    if name.startswith("boost/"):
        where = "include/strata" if contract else layer
        tree.report(path, line, f"<{name}> in {where}: Boost is used for asio, beast and json only")


def main():
    tree = Tree("layers")
    for path in tree.files(CXX):
        if path.parts[0] in ("include", "storage", "registry", "tools"):
            check_file(tree, path)
    tree.finish()


if __name__ == "__main__":
    main()
