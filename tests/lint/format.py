"""Every C++ source is as clang-format leaves it (`clang-format -i FILE` repairs)."""

import subprocess

from tree import CXX, Tree


def main():
    tree = Tree("format")
    files = [str(path) for path in tree.files(CXX)]
    half = (len(files) + 1) // 2
    runs = [
        subprocess.Popen(
            ["clang-format", "--dry-run", "-Werror", "--ferror-limit=1"] + part,
            cwd=tree.root,
            stderr=subprocess.PIPE,
            text=True,
        )
        for part in (files[:half], files[half:])
        if part
    ]
    for run in runs:
        for line in run.communicate()[1].splitlines():
            if "clang-format-violations" in line:
                path, number = line.split(":")[:2]
                tree.report(path, number, f"not formatted: run clang-format -i {path}")
            elif run.returncode and "error" in line:
                tree.report("clang-format", 0, line)
    tree.finish()


if __name__ == "__main__":
    main()
