"""Checks that bench/peers/ipython_parallel writes a valid report, which spmd_bench adds to its table. Without
python3-ipyparallel, checks the error message alone.

Usage: ipython_parallel_test.py SPMD_BENCH SCHEMA"""
import json
import os
import pathlib
import subprocess
import sys
import tempfile

PYTHON = "/usr/bin/python3"  # Debian's, with Debian's packages
SCRIPT = pathlib.Path(__file__).resolve().parents[2] / "bench" / "peers" / "ipython_parallel"

if sys.executable != PYTHON and os.path.exists(PYTHON):
    os.execv(PYTHON, [PYTHON, *sys.argv])


def main():
    bench, schema = sys.argv[1:]
    if subprocess.run([PYTHON, "-c", "import ipyparallel"], capture_output=True).returncode != 0:
        failed = subprocess.run([PYTHON, SCRIPT], capture_output=True, text=True)
        assert failed.returncode == 1, failed.stderr
        assert "python3-ipyparallel is not installed" in failed.stderr, failed.stderr
        print("ipython_parallel: python3-ipyparallel is not installed; it was not run")
        return
    import jsonschema
    with tempfile.TemporaryDirectory() as scratch:
        output = pathlib.Path(scratch) / "peer.json"
        subprocess.run([PYTHON, SCRIPT, "--engines", "2", "--files", "20", "--repetitions", "7",
                        "--output", output],
                       check=True, timeout=100)
        validator = jsonschema.Draft7Validator(json.loads(pathlib.Path(schema).read_text()))
        validator.validate(json.loads(output.read_text()))

        def table_with(items):
            options = ["--items", str(items), "--ranks", "4", "--repetitions", "7", "--peer-report", output]
            return subprocess.run([bench, *options], check=True, capture_output=True, text=True).stdout

        table = table_with(20)
        assert "\nipython-parallel " in table, table
        refused = table_with(21)
        assert "it has 20 items, not 21" in " ".join(refused.split()), refused
    wrong = subprocess.run([PYTHON, SCRIPT, "--engines", "0"], capture_output=True, text=True)
    assert wrong.returncode == 2 and "--engines is at least 1, not 0" in wrong.stderr, wrong.stderr


if __name__ == "__main__":
    main()
