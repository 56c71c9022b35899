"""every_source_is_built_test.py COMPILE_COMMANDS: every source on disk is compiled by some target, and every
public header is in the list from which each is compiled alone and installed. Guards against a test file
that exists, but is in no build."""
import json
import pathlib
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
# Compiled by separate projects, which the consumer tests build.
CONSUMER = ROOT / "tests" / "consumer"

built = [pathlib.Path(entry["file"]) for entry in json.loads(pathlib.Path(sys.argv[1]).read_text())]
sources = {file.resolve() for file in built}
# CMake compiles each listed header through a file that is named after it.
verified = [str(file) for file in built if "verify_interface_header_sets" in str(file)]

problems = []
for folder in ("runtime", "apps", "bench", "tests"):
    for file in sorted((ROOT / folder).rglob("*.cpp")):
        if file not in sources and not file.is_relative_to(CONSUMER):
            problems.append(f"{file.relative_to(ROOT)}: no target builds it; add it to its CMakeLists.txt")
for header in sorted((ROOT / "runtime" / "include").rglob("*.hpp")):
    name = header.relative_to(ROOT / "runtime" / "include")
    if not any(file.endswith(f"/{name}.cxx") for file in verified):
        problems.append(f"{header.relative_to(ROOT)}: not in the FILE_SET of runtime/CMakeLists.txt")

print("\n".join(problems) or f"{len(sources)} sources are built")
sys.exit(1 if problems else 0)
