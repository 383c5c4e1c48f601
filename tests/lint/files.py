"""Small things that hold for each file: length, include guard, nothing left for later."""

import re

from tree import CXX, SCRIPTS, Tree

LINES_MAX = 500
# Spelt in two halves, so that this file passes its own check.
LATER = re.compile(r"\b(" + "|".join(("TO" "DO", "FIX" "ME", "X" "XX")) + r")\b")


def main():
    tree = Tree("files")
    for path in tree.files(CXX + SCRIPTS + ("", ".txt", ".md")):
        text = tree.text(path)
        lines = text.splitlines()
        if len(lines) > LINES_MAX and path.suffix != ".md":
            tree.report(path, LINES_MAX, f"{len(lines)} lines: see whether it holds two ideas")
        if path.suffix == ".h" and not first_code_line(lines).startswith("#pragma once"):
            tree.report(path, 1, "a header starts with #pragma once")
        for match in LATER.finditer(text):
            line = text.count("\n", 0, match.start()) + 1
            tree.report(path, line, f"{match.group(1)}: do it, or open an issue")
    tree.finish()


def first_code_line(lines):
    """The first line that is neither empty nor part of the comment on top."""
    return next((line for line in lines if line.strip() and not line.startswith("//")), "")


if __name__ == "__main__":
    main()
