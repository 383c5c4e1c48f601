"""Each test file is part of the build: named in the CMakeLists.txt of its folder."""

import re

from tree import Tree


def main():
    tree = Tree("registered")
    for path in tree.files((".cc", ".sh", ".py")):
        if path.parts[0] != "tests" or len(path.parts) < 3 or path.parts[1] == "support":
            continue
        cmake = tree.root / "tests" / path.parts[1] / "CMakeLists.txt"
        named = re.sub(r"#.*", "", cmake.read_text()) if cmake.exists() else ""
        inside = "/".join(path.parts[2:])
        if path.suffix == ".cc" and not re.search(rf"(^|[\s(]){re.escape(inside)}($|[\s)])", named):
            tree.report(path, 0, f"not named in {cmake.relative_to(tree.root)}: it would never run")
        if path.suffix in (".sh", ".py") and is_test_script(path):
            if not re.search(rf"SCRIPT\s+{re.escape(inside)}($|[\s)])", named):
                tree.report(path, 0, f"no SCRIPT line in {cmake.relative_to(tree.root)}")
    tree.finish()


def is_test_script(path):
    """Helpers that other scripts read are not tests themselves."""
    return path.name not in ("lib.sh", "tree.py")


if __name__ == "__main__":
    main()
