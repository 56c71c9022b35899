"""Calls that a compiler refuses, each by one sentence, beside calls that compile: so a refusal is the call's
and not the program's."""
import re
import subprocess


def check(compiler, include, program, calls):
    """The exit status of a test: 0 if each call, inserted at the program's {}, is refused by one error that
    holds its sentence, or compiles where that is None."""
    first_call = program.split("{}", maxsplit=1)[0].count("\n") + 1
    text = program.format("\n".join(f"    static_cast<void>({call});" for call in calls))
    all_errors = ["-ferror-limit=0"] if "clang" in compiler else []
    options = ["-std=c++20", "-fsyntax-only", *all_errors, "-I", include, "-x", "c++", "-"]
    run = subprocess.run([compiler, *options], input=text, capture_output=True, text=True)
    # GCC names the call in a line above the error, clang in a note below.
    errors, number, unplaced = {}, None, None
    for line in run.stderr.splitlines():
        if place := re.match(r"<stdin>:(\d+):.*(?:required from here| error: |requested here)", line):
            number = int(place[1]) - first_call
        if place and "requested here" in line and unplaced:
            errors.setdefault(number, []).append(unplaced)
            unplaced = None
        elif " error: " in line and "clang" in compiler and not place:
            unplaced = line
        elif " error: " in line:
            errors.setdefault(number, []).append(line)
    problems = []
    for number, (call, sentence) in enumerate(calls.items()):
        found = errors.pop(number, [])
        right = not found if sentence is None else len(found) == 1 and sentence in found[0]
        if not right:
            problems.append(f"{call}: expected {sentence or 'no error'}, found:\n" + "\n".join(found))
    problems += [f"an error elsewhere: {line}" for found in errors.values() for line in found]
    print("\n".join(problems) or f"{len(calls)} calls")
    return 1 if problems else 0
