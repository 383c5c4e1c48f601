"""What the lint checks share: the list of files, reports and the list of exceptions."""

import pathlib
import sys

FOLDERS = ("include", "storage", "registry", "tools", "bench", "tests", ".ci")
CXX = (".h", ".cc", ".inl")
SCRIPTS = (".py", ".sh", ".js", ".css", ".html", ".lua", ".cmake")
# The exceptions file may only shrink: lower this number with it.
EXCEPTIONS_MAX = 0


class Tree:
    """A source tree; `report` collects problems and `finish` prints them and ends the check."""

    def __init__(self, check, root=None):
        self.check = check
        here = pathlib.Path(__file__).resolve().parent
        self.root = pathlib.Path(root or (sys.argv[1] if len(sys.argv) > 1 else here.parent.parent))
        self.problems = []
        self.exceptions = {}
        exceptions_file = self.root / "tests/lint/exceptions.txt"
        if exceptions_file.exists():
            for line in exceptions_file.read_text().splitlines():
                fields = line.split("#")[0].split()
                if len(fields) == 2:
                    self.exceptions[tuple(fields)] = False
        if len(self.exceptions) > EXCEPTIONS_MAX:
            self.problems.append(
                f"tests/lint/exceptions.txt: {len(self.exceptions)} exceptions, "
                f"the list may only shrink and {EXCEPTIONS_MAX} are allowed"
            )

    def files(self, suffixes):
        """Paths (relative, sorted) with one of the suffixes; '' stands for scripts without one."""
        for folder in FOLDERS:
            top = self.root / folder
            for path in sorted(top.rglob("*")) if top.is_dir() else ():
                if not path.is_file() or "__pycache__" in path.parts:
                    continue
                if path.suffix in suffixes or ("" in suffixes and is_script(path)):
                    yield path.relative_to(self.root)

    def text(self, path):
        file = self.root / path
        return file.read_text(errors="replace") if file.exists() else ""

    def report(self, path, line, message):
        key = (self.check, str(path))
        if key in self.exceptions:
            self.exceptions[key] = True
            return
        where = f"{path}:{line}" if line else str(path)
        self.problems.append(f"{where}: {message}")

    def finish(self):
        for (check, path), used in self.exceptions.items():
            if check == self.check and not used:
                self.problems.append(
                    f"tests/lint/exceptions.txt: '{check} {path}' is not needed any more, remove it"
                )
        for problem in self.problems:
            print(problem)
        if self.problems:
            print(f"{self.check}: {len(self.problems)} problem(s)")
        sys.exit(1 if self.problems else 0)


def is_script(path):
    if path.suffix or path.name == "CMakeLists.txt":
        return False
    with path.open("rb") as file:
        return file.read(2) == b"#!"
