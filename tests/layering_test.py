"""The floors of the runtime: a file includes only its own floor and those below, and nothing includes
in a circle. Public headers know no library but the standard one; the runtime knows no apps and no bench."""
import pathlib
import re
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
RUNTIME = ROOT / "runtime"
PUBLIC = RUNTIME / "include"

# By stem, header and source alike, detail/ too: it stands on the floor of the room it belongs to.
FLOORS = {
    0: "describe error item_tally machine_topology measured_costs partition stage_tally stopwatch thread_number topology trace "
       "trace_json trace_log trace_recorder environment_trace zeroed_array",
    1: "engine_pool job launcher pool_state spin_lock statement_end tbb_launcher",
    2: "async_result concat into_result ordered_results outcome result_job slots tree_reduce",
    3: "collective collectives communicator gang meeting member message message_box messages pending rank "
       "reductions runner shared_values split task team wait_record waiting_line",
    4: "argument copies coroutine_job distributed gather kept_pieces map_range pieces scatter slices "
       "state_verbs submission view",
    5: "concat_stages graph_dot graph_node graph_run parallel_stages piece_stages serial_stages shared_task "
       "stream_flow task_graph",
    6: "spmd",
}
FLOOR_OF = {stem: floor for floor, stems in FLOORS.items() for stem in stems.split()}

INCLUDE = re.compile(r'^\s*#\s*include\s*[<"]([^>"]+)[>"]', re.MULTILINE)
COMMENT = re.compile(r"//[^\n]*|/\*.*?\*/", re.DOTALL)
# A header of the standard library is one word; those of POSIX and of other libraries have a folder or a suffix.
STANDARD_HEADER = re.compile(r"^[a-z0-9_]+$")


def runtime_file(name, includer):
    """The file of the runtime that an include names, or nothing where it names somebody else's."""
    for folder in (PUBLIC, includer.parent, RUNTIME / "src", RUNTIME):
        if (folder / name).is_file():
            return (folder / name).resolve()
    return None


def circle_from(file, includes, path):
    if file in path:
        return path[path.index(file):] + [file]
    for included in includes.get(file, []):
        circle = circle_from(included, includes, path + [file])
        if circle:
            return circle
    return None


def broken_rules():
    files = sorted(file for pattern in ("*.hpp", "*.cpp") for file in RUNTIME.rglob(pattern))
    if not files:
        yield "runtime/ holds no sources: is this the right folder?"
    includes = {}
    for file in files:
        name = file.relative_to(ROOT)
        if file.stem not in FLOOR_OF:
            yield f"{name}: on no floor; add it to FLOORS in tests/layering_test.py"
            continue
        text = file.read_text()
        includes[file] = []
        for included in INCLUDE.findall(text):
            if re.match(r"(\.\./)*(apps|bench|tests|checksum|common)/", included):
                yield f"{name}: includes {included}: the runtime knows no apps, bench or tests"
            target = runtime_file(included, file)
            if target is None:
                if file.is_relative_to(PUBLIC) and not STANDARD_HEADER.match(included):
                    yield f"{name}: a public header includes {included}: only the standard library is allowed"
                continue
            includes[file].append(target)
            if FLOOR_OF.get(target.stem, 0) > FLOOR_OF[file.stem]:
                yield (f"{name} (floor {FLOOR_OF[file.stem]}) includes {included} "
                       f"(floor {FLOOR_OF[target.stem]}): only its own floor and those below are allowed")
        if file.is_relative_to(PUBLIC) and re.search(r"\btbb::", COMMENT.sub("", text)):
            yield f"{name}: names tbb:: in a public header: oneTBB is how, not what"
    for file in includes:
        circle = circle_from(file, includes, [])
        # Told once, at the circle's first file by name.
        if circle and file == min(circle):
            yield "a circle of includes: " + " → ".join(str(step.relative_to(ROOT)) for step in circle)


problems = list(broken_rules())
print("\n".join(problems) or "the floors hold")
sys.exit(1 if problems else 0)
