"""gdb_test.py WAITING_RANKS SCRIPT: `spmd ranks` of the script shows each rank of the program as it is: in a
program that gdb runs, in its core file, and in one that gdb attaches to where it may. Without gdb the test
says so, and passes."""
import pathlib
import shutil
import subprocess
import sys
import tempfile

PROGRAM, SCRIPT = sys.argv[1:3]
SOURCE = pathlib.Path(__file__).parent / "gdb" / "waiting_ranks.cpp"
SECONDS = 120


def place(comment):
    """'waiting_ranks.cpp:42', where line 42 ends with the comment."""
    lines = [number for number, line in enumerate(SOURCE.read_text().splitlines(), 1)
             if line.endswith("// " + comment)]
    assert len(lines) == 1, (comment, lines)
    return f"{SOURCE.name}:{lines[0]}"


def expected(thread):
    return [
        f'broadcast "step" at {place("broadcast")} on pool "solver": 100 ranks, 2 ended',
        "  rank 0: returned",
        "  rank 1: threw",
        f"  rank 2: receive(from 3, tag 7) at {place('receive from 3')}",
        f"  rank 3: receive(from any, tag any) at {place('receive from any')}",
        f"  rank 4: submission at {place('submission')}",
        f"  ranks 5, 7, 9, 11 and 39 more: all_reduce at {place('all_reduce')}",
        f"  ranks 6, 8, 10, 12 and 36 more: barrier at {place('barrier')}",
        f"  rank 52: receive(from 53, tag 7) at {place('receive from 53')}",
        f"  rank 54: probe(from 55, tag 8) at {place('probe from 55')}",
        f"  rank 90: running in thread {thread}",
        "  ranks 91 to 99: ready",
    ]


def gdb(*arguments):
    command = ["gdb", "-nx", "-quiet", "-batch", "-iex", "set debuginfod enabled off", *arguments]
    done = subprocess.run(command, capture_output=True, text=True, timeout=SECONDS, stdin=subprocess.DEVNULL)
    return done.stdout + done.stderr


def commands(*texts):
    return [argument for text in texts for argument in ("-ex", text)]


def check(what, output, lines=None):
    """True if the output has the lines in their order; by default those of the program, in some thread."""
    wanted = [lines] if lines else [expected(thread) for thread in range(1, 10)]
    found = any("\n".join(each) in output for each in wanted)
    print(f"{what}: {'passed' if found else 'failed'}")
    if not found:
        print("\n".join(wanted[0]), "\n-- is not in\n", output, sep="")
    return found


def attached():
    """The output of gdb on a process; None where it may not attach."""
    with subprocess.Popen([PROGRAM, str(SECONDS)], stdout=subprocess.PIPE, text=True) as process:
        try:
            process.stdout.readline()
            output = gdb("-p", str(process.pid), *commands(f"source {SCRIPT}", "spmd ranks"))
        finally:
            process.kill()
    return None if "ptrace: " in output else output


def main():
    if shutil.which("gdb") is None:
        print("there is no gdb: nothing was tested")
        return True
    with tempfile.TemporaryDirectory(prefix="spmd_gdb_") as folder:
        core = f"{folder}/core"
        output = gdb(*commands(f"source {SCRIPT}", "spmd ranks", "break main", "run", "spmd ranks",
                               "continue", "spmd ranks", f"generate-core-file {core}", "kill",
                               "spmd ranks extra"), PROGRAM)
        results = [
            check("a program before it runs", output,
                  ["no program: run one, attach to one, or load a core file"]),
            check("a program at its beginning", output, ["no broadcast of coroutines is in flight"]),
            check("a program that gdb runs", output),
            check("an argument", output, ["spmd ranks accepts no argument"]),
            check("a core file", gdb("-core", core, *commands(f"source {SCRIPT}", "spmd ranks"), PROGRAM)),
        ]
    results.append(check("a program without debug information",
                         gdb(*commands(f"source {SCRIPT}", "starti", "spmd ranks", "kill"), "/bin/sh"),
                         ["no debug information of spmd::detail::listed_broadcast: "
                          "compile the program with -g"]))
    output = attached()
    if output is None:
        print("a process: gdb may not attach here")
    else:
        results.append(check("a process", output))
    return all(results)


sys.exit(0 if main() else 1)
