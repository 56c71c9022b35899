"""Every micro benchmark runs, at small sizes, without an error, and the report has what its readers want: that they run, not what
they measure. With the options of the target micro_reports, but for how often and how long.

Usage: micro_suites_test.py SPMD_MICRO"""
import json
import pathlib
import re
import subprocess
import sys
import tempfile

SMALL = "/(2|100|500|1000|1024|65536)(/|$)"
BENCHMARKS = pathlib.Path(__file__).resolve().parent.parent / "bench" / "micro"
COMPARE = "/usr/share/benchmark/compare.py"  # libbenchmark-tools, which takes python3-scipy
FITTED = ["broadcast/spmd_sync", "barrier/flat", "all_reduce/double", "all_to_all", "split/odd_even", "coroutine/launch",
          "messages/ring_shift", "map/spmd_task_per_item", "distributed/local_object", "task_graph/list_broadcast_concat"]


def options_of_target():
    text = (BENCHMARKS / "CMakeLists.txt").read_text()
    target = text[text.index("add_custom_target(micro_reports"):]
    return re.findall(r"--benchmark_\w+=[^\s\"]+", target)


def run(program, path, repetitions):
    # Of an option that is given twice the last counts.
    subprocess.run([program, *options_of_target(), "--benchmark_min_time=0", "--benchmark_filter=" + SMALL,
                    f"--benchmark_repetitions={repetitions}", f"--benchmark_out={path}"], check=True, capture_output=True)
    return json.loads(path.read_text())


def problems_of(report):
    entries = report["benchmarks"]
    for entry in entries:
        if entry.get("error_occurred"):
            yield f"{entry['name']}: {entry.get('error_message')}"
    suites = {file.name.removesuffix("_benchmark.cpp") for file in BENCHMARKS.glob("*_benchmark.cpp")}
    # A suite's benchmarks have its name first; that of the collectives has a name for each of them.
    ran = {"collectives" if entry["name"].startswith(("barrier/", "all_reduce/")) else entry["name"].split("/")[0] for entry in entries}
    yield from (f"no benchmark of {suite}_benchmark.cpp ran" for suite in sorted(suites - ran))
    aggregates = {(entry["run_name"], entry["aggregate_name"]) for entry in entries if entry["run_type"] == "aggregate"}
    for name in FITTED:
        for fit in ("BigO", "RMS"):
            if not any(run_name.split("/real_time")[0].split("/manual_time")[0] == name and what == fit for run_name, what in aggregates):
                yield f"{name} has no {fit}"
    medians = [entry for entry in entries if entry.get("aggregate_name") == "median"]
    by_rank = [entry for entry in medians if "ns_per_rank" in entry]
    if not medians or len(by_rank) < 20:
        yield f"{len(medians)} medians, {len(by_rank)} of them with ns_per_rank"


def main():
    program = sys.argv[1]
    with tempfile.TemporaryDirectory() as scratch:
        paths = [pathlib.Path(scratch) / name for name in ("first.json", "second.json")]
        report = run(program, paths[0], 2)
        problems = list(problems_of(report))
        if subprocess.run(["/usr/bin/python3", COMPARE, "--help"], capture_output=True).returncode == 0:
            run(program, paths[1], 2)
            done = subprocess.run(["/usr/bin/python3", COMPARE, "--no-color", "benchmarks", *paths], capture_output=True, text=True)
            if done.returncode != 0 or not re.search(r"^barrier/flat/100\S*_pvalue ", done.stdout, re.MULTILINE):
                problems.append("compare.py gives no U test of the reports:\n" + done.stdout[-1000:] + done.stderr[-1000:])
        else:
            print("compare.py (libbenchmark-tools, python3-scipy) is not installed, so that it was not tried")
    print("\n".join(problems) or f"{len(report['benchmarks'])} results of all suites")
    sys.exit(1 if problems else 0)


if __name__ == "__main__":
    main()
