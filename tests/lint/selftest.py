"""The checks can fail: each finds the mistakes planted for it in a small tree, and nothing else."""

import pathlib
import subprocess
import sys
import tempfile

HERE = pathlib.Path(__file__).resolve().parent
LATER = "TO" "DO"

CONFIG = '#include "strata/base/config.h"\n'
LIMITS = "struct Limits {\n" + "".join(f"  std::size_t l{i} = 1;\n" for i in range(12)) + "};\n"
READER = "".join(f'number("l{i}", limits.l{i});\n' for i in range(12))

GOOD = {
    "include/strata/base/limits.h": "#pragma once\n" + LIMITS,
    "storage/base/config.cc": '#include "strata/base/limits.h"\n' + READER,
    "storage/catalog/records.cc": '#include <rocksdb/db.h>\n#include "storage/blob/blob_store.h"\n',
    "README.md": " ".join(f"`l{i}`" for i in range(12)) + " `data`\n",
    "storage/service/main.cc": CONFIG + 'auto data = file.text("data");\n',
    "registry/web/pages.cc": 'row.text("No key");\n',
    "tests/unit/a_test.cc": '#include "storage/service/service.h"\n',
    "tests/unit/CMakeLists.txt": "strata_test(a SOURCES a_test.cc)\n",
}

# check -> (file, its bad content, what the message must say)
BAD = {
    "layers": [
        ("storage/io/a.cc", '#include "storage/blob/blob_store.h"\n', "io builds on base"),
        ("storage/http/b.cc", "#include <rocksdb/db.h>\n", "Catalog and EntryStore"),
        ("storage/upload/c.cc", '# include "storage/catalog/image.h"\n', "must not know catalog"),
        ("include/strata/io/d.h", "#include <openssl/evp.h>\n", "no third-party header"),
        ("include/strata/io/e.h", '#include "storage/io/f.h"\n', "a contract may not depend"),
        ("registry/service/f.cc", '#include "storage/catalog/image.h"\n', "must not know catalog"),
        ("storage/misc/g.cc", "int g;\n", "is no layer"),
        ("storage/http/h.cc", "#include <boost/regex.hpp>\n", "asio, beast and json only"),
    ],
    "format": [("storage/io/a.cc", "int  a ;\n", "not formatted")],
    "registered": [
        ("tests/unit/lost_test.cc", "", "not named in tests/unit/CMakeLists.txt"),
        ("tests/unit/other_a_test.cc", "", "not named in tests/unit/CMakeLists.txt"),
        ("tests/e2e/lost.sh", "", "no SCRIPT line in tests/e2e/CMakeLists.txt"),
    ],
    "config_keys": [
        ("storage/base/config.cc", READER.replace('"l3"', '"l4"'), "'l3' is not read"),
        ("README.md", READER, "`l0` is not in the table"),
        ("storage/service/main.cc", CONFIG + 'file.integer(\n  "no.body")', "`no.body` is in none of"),
    ],
    "files": [
        ("storage/io/a.cc", "\n" * 501, "501 lines"),
        ("storage/io/b.h", "int b;\n#pragma once\n", "starts with #pragma once"),
        ("tools/script", f"#!/bin/bash\n# {LATER}: later\n", LATER),
        ("tests/lint/exceptions.txt", "files tools/gone\n", "may only shrink"),
    ],
}


def run(check, changes):
    with tempfile.TemporaryDirectory() as folder:
        for name, text in {**GOOD, **changes}.items():
            path = pathlib.Path(folder, name)
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
        script = [sys.executable, str(HERE / f"{check}.py"), folder]
        result = subprocess.run(script, capture_output=True, text=True, check=False)
        return result.returncode, result.stdout + result.stderr


def main():
    failures = []
    for check, mistakes in BAD.items():
        code, output = run(check, {})
        # The good tree is written for people, not for clang-format; the real tree is its good case.
        if code != 0 and check != "format":
            failures.append(f"{check}: refuses a good tree: {output}")
        for name, text, expected in mistakes:
            code, output = run(check, {name: text})
            if code == 0 or expected not in output:
                failures.append(f"{check}: did not say '{expected}' about {name}: {output!r}")
    print("\n".join(failures))
    sys.exit(1 if failures else 0)


if __name__ == "__main__":
    main()
