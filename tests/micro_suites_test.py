"""micro_suites_test.py SPMD_MICRO: every micro benchmark runs at small sizes without an error, and the report
has the entries that its readers need. Checks that they run, not what they measure. Uses the options of the
target micro_reports, except for repetitions and times."""
import json
import pathlib
import re
import subprocess
import sys
import tempfile

SMALL = "/(2|100|500|1000|1024|65536)(/|$)"
BENCHMARKS = pathlib.Path(__file__).resolve().parent.parent / "bench" / "micro"
COMPARE = "/usr/share/benchmark/compare.py"  # libbenchmark-tools, which needs python3-scipy
FITTED = ["broadcast/spmd_sync", "barrier/flat", "all_reduce/double", "all_to_all", "split/odd_even",
          "coroutine/launch", "messages/ring_shift", "map/spmd_task_per_item", "rank_state/local_object",
          "task_graph/list_broadcast_concat"]


def options_of_target():
    text = (BENCHMARKS / "CMakeLists.txt").read_text()
    target = text[text.index("add_custom_target(micro_reports"):]
    return re.findall(r"--benchmark_\w+=[^\s\"]+", target)


def run(program, path, repetitions):
    # The last one of a repeated option applies.
    subprocess.run([program, *options_of_target(), "--benchmark_min_time=0", "--benchmark_filter=" + SMALL,
                    f"--benchmark_repetitions={repetitions}", f"--benchmark_out={path}"],
                   check=True, capture_output=True)
    return json.loads(path.read_text())


def suite_of(name):
    """The suite of a benchmark, which its name begins with; each of the collectives has a name of its own."""
    return "collectives" if name.startswith(("barrier/", "all_reduce/")) else name.split("/")[0]


def problems_of(report):
    entries = report["benchmarks"]
    for entry in entries:
        if entry.get("error_occurred"):
            yield f"{entry['name']}: {entry.get('error_message')}"
    suites = {file.name.removesuffix("_benchmark.cpp") for file in BENCHMARKS.glob("*_benchmark.cpp")}
    ran = {suite_of(entry["name"]) for entry in entries}
    yield from (f"no benchmark of {suite}_benchmark.cpp ran" for suite in sorted(suites - ran))
    aggregates = {(re.split("/(real|manual)_time", entry["run_name"])[0], entry["aggregate_name"])
                  for entry in entries if entry["run_type"] == "aggregate"}
    for name in FITTED:
        for fit in ("BigO", "RMS"):
            if (name, fit) not in aggregates:
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
            done = subprocess.run(["/usr/bin/python3", COMPARE, "--no-color", "benchmarks", *paths],
                                  capture_output=True, text=True)
            has_test = re.search(r"^barrier/flat/100\S*_pvalue ", done.stdout, re.MULTILINE)
            if done.returncode != 0 or not has_test:
                problems.append("compare.py reports no U test: " + done.stdout[-1000:] + done.stderr[-1000:])
        else:
            print("compare.py (libbenchmark-tools, python3-scipy) is not installed, so it was not tried")
    print("\n".join(problems) or f"{len(report['benchmarks'])} results of all suites")
    sys.exit(1 if problems else 0)


if __name__ == "__main__":
    main()
