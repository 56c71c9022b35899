"""Every micro benchmark runs once, at small sizes, without an error: that they run, not what they measure."""
import json
import pathlib
import subprocess
import sys

SMALL = "/(2|100|500|1000|1024|65536)(/|$)"
BENCHMARKS = pathlib.Path(__file__).resolve().parent.parent / "bench" / "micro"

program = sys.argv[1]
report = json.loads(subprocess.run([program, "--benchmark_min_time=0", "--benchmark_filter=" + SMALL,
                                    "--benchmark_format=json"], check=True, capture_output=True).stdout)
runs = report["benchmarks"]
failed = [f"{run['name']}: {run.get('error_message')}" for run in runs if run.get("error_occurred")]
suites = {file.name.removesuffix("_benchmark.cpp") for file in BENCHMARKS.glob("*_benchmark.cpp")}
# A suite's benchmarks have its name first; that of the collectives has a name for each of them.
ran = {"collectives" if run["name"].startswith(("barrier/", "all_reduce/")) else run["name"].split("/")[0] for run in runs}
failed += [f"no benchmark of {suite}_benchmark.cpp ran" for suite in sorted(suites - ran)]
print("\n".join(failed) or f"{len(runs)} benchmarks of {len(suites)} suites ran")
sys.exit(1 if failed else 0)
