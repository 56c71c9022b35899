"""Validates reports of spmd_bench against report.schema.json, checks that the schema rejects faults, and that
`compare` reads the reports.

Usage: report_schema_test.py SPMD_BENCH SCHEMA Guards against: a field that is renamed or forgotten in either
place, a schema that accepts anything, and a report that its own program rejects. """
import copy
import json
import os
import pathlib
import subprocess
import sys
import tempfile

# Debian's package is for Debian's Python.
DEBIAN_PYTHON = "/usr/bin/python3"
try:
    import jsonschema
except ImportError:
    if sys.executable == DEBIAN_PYTHON or not os.path.exists(DEBIAN_PYTHON):
        sys.exit("report_schema: python3-jsonschema is missing; third_party/install test installs it")
    os.execv(DEBIAN_PYTHON, [DEBIAN_PYTHON, *sys.argv])

COMMANDS = {
    "one point": "--ranks 4 --repetitions 7",
    "cold": "--workload memory --ranks 4 --repetitions 2 --warmup 0 --ways serial",
    "a sweep": "--workload mixed --skew 0,2 --item-cost 0,1us --ranks 1,3 --items 20 --repetitions 7",
    "a sweep of threads": "--workload spin --ranks 3,8 --threads 1,2 --items 20 --repetitions 3",
    "files of a directory": f"--input {pathlib.Path(__file__).parent} --ranks 4 --repetitions 7",
    "a sweep of chunks": "--workload empty --chunk auto,5 --ranks 3 --repetitions 2 --threads 1,2",
}


def broken_copies(report):
    """Copies of a report, each with one fault."""
    def change(what, act):
        changed = copy.deepcopy(report)
        act(changed)
        return what, changed

    yield change("another version", lambda r: r.update(schema_version=1))
    yield change("no commit", lambda r: r.pop("commit"))
    yield change("no command", lambda r: r.pop("command"))
    yield change("no points", lambda r: r.update(points=[]))
    yield change("an unknown field", lambda r: r.update(conclusion="map"))
    yield change("no samples", lambda r: r["points"][0]["ways"][0].update(samples_ns=[]))
    yield change("a sample that is not a number",
                 lambda r: r["points"][0]["ways"][0].update(samples_ns=["1"]))
    yield change("an interval without bounds",
                 lambda r: r["points"][0]["ways"][0].update(median_ns={"value": 1}))
    yield change("a median without interval", lambda r: r["points"][0]["ways"][0].update(median_ns=1))
    yield change("no ranks", lambda r: r["points"][0]["at"].update(ranks=0))
    yield change("a skew that is not a number", lambda r: r["points"][0]["at"].update(skew="none"))
    yield change("a size below 0", lambda r: r["points"][0]["at"].update(file_size_bytes=-1))
    yield change("an unknown axis", lambda r: r.update(swept=["cores"]))


def compare(bench, text):
    with tempfile.TemporaryDirectory() as scratch:
        path = pathlib.Path(scratch) / "report.json"
        path.write_text(text)
        done = subprocess.run([bench, "compare", path, path], capture_output=True, text=True)
    return [] if done.returncode == 0 else [f"compare: status {done.returncode}: {done.stderr}"]


def main():
    bench, schema_path = sys.argv[1:]
    schema = json.loads(pathlib.Path(schema_path).read_text())
    jsonschema.Draft7Validator.check_schema(schema)
    validator = jsonschema.Draft7Validator(schema)
    failures = []
    for name, options in COMMANDS.items():
        text = subprocess.run([bench, "--format", "json", *options.split()], capture_output=True, text=True,
                              check=True).stdout
        report = json.loads(text)
        failures += [f"{name}: {error.json_path}: {error.message}" for error in validator.iter_errors(report)]
        failures += [f"{name}: {problem}" for problem in compare(bench, text)]
        failures += [f"{name}: the schema accepts {what}" for what, broken in broken_copies(report)
                     if validator.is_valid(broken)]
    print("\n".join(failures) or f"report_schema: {len(COMMANDS)} reports are valid")
    sys.exit(1 if failures else 0)


if __name__ == "__main__":
    main()
