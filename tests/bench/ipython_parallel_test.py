"""bench/peers/ipython_parallel writes a report that keeps to the schema and that spmd_bench takes into its table. Without
python3-ipyparallel only that it says so.

Usage: ipython_parallel_test.py SPMD_BENCH SCHEMA"""
import json
import os
import pathlib
import subprocess
import sys
import tempfile

PYTHON = "/usr/bin/python3"  # Debian's, which has Debian's packages
SCRIPT = pathlib.Path(__file__).resolve().parents[2] / "bench" / "peers" / "ipython_parallel"

if sys.executable != PYTHON and os.path.exists(PYTHON):
    os.execv(PYTHON, [PYTHON, *sys.argv])


def main():
    bench, schema = sys.argv[1:]
    if subprocess.run([PYTHON, "-c", "import ipyparallel"], capture_output=True).returncode != 0:
        told = subprocess.run([PYTHON, SCRIPT], capture_output=True, text=True)
        assert told.returncode == 1 and "python3-ipyparallel is not installed" in told.stderr, told.stderr
        print("ipython_parallel: python3-ipyparallel is not installed, so that it was not run")
        return
    import jsonschema
    with tempfile.TemporaryDirectory() as scratch:
        output = pathlib.Path(scratch) / "peer.json"
        subprocess.run([PYTHON, SCRIPT, "--engines", "2", "--files", "20", "--repetitions", "7", "--output", output], check=True, timeout=100)
        jsonschema.Draft7Validator(json.loads(pathlib.Path(schema).read_text())).validate(json.loads(output.read_text()))
        table = subprocess.run([bench, "--items", "20", "--ranks", "4", "--repetitions", "7", "--peer-report", output], check=True,
                               capture_output=True, text=True).stdout
        assert "\nipython-parallel " in table, table
        refused = subprocess.run([bench, "--items", "21", "--ranks", "4", "--repetitions", "7", "--peer-report", output], check=True,
                                 capture_output=True, text=True).stdout
        assert "it has 20 items, not 21" in " ".join(refused.split()), refused
    wrong = subprocess.run([PYTHON, SCRIPT, "--engines", "0"], capture_output=True, text=True)
    assert wrong.returncode == 2 and "--engines is at least 1, not 0" in wrong.stderr, wrong.stderr


if __name__ == "__main__":
    main()
