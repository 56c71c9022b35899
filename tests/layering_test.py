"""The floors of the runtime: a file includes only its own floor and lower ones, and includes are acyclic. A
file's floor is its folder; a public header is on the highest floor that it includes. Public headers use only
the standard library; the runtime does not depend on apps, bench or tests.
The rooms of spmd_bench: a file includes only its own room and those listed for it."""
import functools
import pathlib
import re
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
RUNTIME = ROOT / "runtime"
PUBLIC = RUNTIME / "include"

FLOORS = ("base", "trace", "launch", "results", "ranks", "views", "graph")

BENCH = ROOT / "bench" / "spmd_bench"
ROOMS = {"options": set(), "analysis": {"options"}, "run": {"options", "analysis"},
         "report": {"options", "analysis"}, "compare": {"options", "analysis", "report"}}

INCLUDE = re.compile(r'^\s*#\s*include\s*[<"]([^>"]+)[>"]', re.MULTILINE)
COMMENT = re.compile(r"//[^\n]*|/\*.*?\*/", re.DOTALL)
# A header of the standard library is one word; those of other libraries have a folder or a suffix.
STANDARD_HEADER = re.compile(r"^[a-z0-9_]+$")


def runtime_file(name, includer):
    """The file of the runtime that an include names; None for files of other libraries."""
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


def folder_floor(file):
    """The floor of the file's folder; None for a public header."""
    folder = file.parent.name
    return FLOORS.index(folder) if folder in FLOORS else None


def broken_rules():
    files = sorted(file for pattern in ("*.hpp", "*.cpp") for file in RUNTIME.rglob(pattern))
    if not files:
        yield "runtime/ holds no sources: is this the right folder?"
    includes = {}
    for file in files:
        name = file.relative_to(ROOT)
        text = file.read_text()
        includes[file] = []
        if folder_floor(file) is None and file.parent != PUBLIC / "spmd":
            yield f"{name}: on no floor; its folder is none of {', '.join(FLOORS)}"
        for included in INCLUDE.findall(text):
            if re.match(r"(\.\./)*(apps|bench|tests|checksum|common)/", included):
                yield f"{name}: includes {included}: the runtime knows no apps, bench or tests"
            target = runtime_file(included, file)
            if target is not None:
                includes[file].append(target)
            elif file.is_relative_to(PUBLIC) and not STANDARD_HEADER.match(included):
                yield f"{name}: a public header includes {included}: only the standard library is allowed"
        if file.is_relative_to(PUBLIC) and re.search(r"\btbb::", COMMENT.sub("", text)):
            yield f"{name}: names tbb:: in a public header: oneTBB is an implementation detail"

    @functools.cache
    def floor_of(file):
        own = folder_floor(file)
        if own is not None:
            return own
        return max((floor_of(target) for target in includes.get(file, [])), default=0)

    circles = False
    for file in includes:
        circle = circle_from(file, includes, [])
        # Reported once, at the circle's first file by name.
        if circle and file == min(circle):
            circles = True
            yield "a circle of includes: " + " → ".join(str(step.relative_to(ROOT)) for step in circle)
    if circles:  # then a public header's floor is not defined
        return
    for file, targets in includes.items():
        for target in targets:
            if floor_of(target) > floor_of(file):
                yield (f"{file.relative_to(ROOT)} ({FLOORS[floor_of(file)]}) includes "
                       f"{target.relative_to(ROOT)} ({FLOORS[floor_of(target)]}): "
                       "only its own floor and lower ones are allowed")


def broken_rooms():
    for folder in sorted(BENCH.iterdir()):
        if folder.is_dir() and folder.name not in ROOMS:
            yield f"{folder.relative_to(ROOT)}: not a room of {', '.join(ROOMS)}"
    for room, below in ROOMS.items():
        for file in sorted((BENCH / room).glob("*.?pp")):
            for included in re.findall(r'#include ["<]spmd_bench/(\w+)/', file.read_text()):
                if included != room and included not in below:
                    yield f"{file.relative_to(ROOT)}: room {room} does not include room {included}"


problems = [*broken_rules(), *broken_rooms()]
print("\n".join(problems) or "the floors and the rooms hold")
sys.exit(1 if problems else 0)
