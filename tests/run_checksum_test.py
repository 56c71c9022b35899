"""bench/run_checksum at a hundredth of its size: it compares all trees, and the timed sums are right."""
import pathlib
import subprocess
import sys

SCRIPT = pathlib.Path(__file__).resolve().parent.parent / "bench" / "run_checksum"


def run(*options):
    return subprocess.run([SCRIPT, *options], capture_output=True, text=True)


small = run("--build", sys.argv[1], "--scale", "0.01", "--rounds", "1")
wrong = run("--rounds", "0")
failed = []
if small.returncode != 0:
    failed.append(small.stderr)
for part in ("100,000 files of 1 KiB", "64 files of 32 MiB", "500 files of 1 KiB", "spmd_sum", "read only",
             "md5sum", "the work itself, without a process: reading "):
    if part not in small.stdout:
        failed.append(f"no {part} in its output")
if "DIFFER" in small.stdout:
    failed.append("its sums differ from md5sum's")
if wrong.returncode != 2 or "--rounds is at least 1, not 0" not in wrong.stderr:
    failed.append("it accepts 0 rounds")
print("\n".join(failed) or small.stdout)
sys.exit(1 if failed else 0)
