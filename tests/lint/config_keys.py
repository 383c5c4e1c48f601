"""Each limit can be configured, and each configuration key is documented."""

import re

from tree import CXX, Tree

LIMITS = "include/strata/base/limits.h"
READER = "storage/base/config.cc"
DOCUMENTS = ("README.md", "storage/DESIGN.md", "registry/DESIGN.md")
FIELD = re.compile(r"^\s+std::[\w:]+ (\w+)\s*(?:=|\{)", re.M)
# A ConfigFile's own calls, and `assign`, the daemons' name for "read it into this field".
READ = re.compile(r'(?:(?:\.|->)(?:text|texts|integer|boolean)|\bassign)\(\s*"([\w.-]+)"')


def main():
    tree = Tree("config_keys")
    documents = "".join(tree.text(name) for name in DOCUMENTS)
    limits = FIELD.findall(tree.text(LIMITS))
    if len(limits) < 10:
        tree.report(LIMITS, 0, "struct Limits was not understood by tests/lint/config_keys.py")
    reader = tree.text(READER)
    for name in limits:
        if not re.search(rf'\("{name}", limits\.{name}\)', reader):
            tree.report(READER, 0, f"limit '{name}' is not read from [limits]")
        if f"`{name}`" not in documents:
            tree.report(LIMITS, 0, f"limit `{name}` is not in the table of README.md")
    for path in tree.files(CXX):
        if path.parts[0] not in ("storage", "registry", "tools") or str(path) == READER:
            continue
        text = tree.text(path)
        if '"strata/base/config.h"' not in text:
            continue
        for key in sorted(set(READ.findall(text))):
            if f"`{key}`" not in documents:
                tree.report(path, 0, f"configuration key `{key}` is in none of {', '.join(DOCUMENTS)}")
    tree.finish()


if __name__ == "__main__":
    main()
