"""readme_test.py BUILD_FOLDER INSTALL_PREFIX COMPILER [PAGE...]: runs the commands and examples of the pages.

Without pages: README.md, runtime/docs/*.md and .github/CONTRIBUTING.md.

```cpp    A block with main() is a program: compiled alone against the installed library, then run. All other
          blocks of a page are compiled together, one compilation per page: a block's #include lines move to
          the top, and the rest becomes the body of a function, which is run in a process of its own. Must
          return 0. A dropped result is an error.
```sh     Run by bash in a folder that looks like the checkout: must return 0. Commands that would rebuild
          everything have stand-ins: bench/run is the spmd_bench built here; tests/run lists the tests that
          its arguments select; cmake only checks that its preset or target exists; .ci/run checks that the
          script exists.
Other languages are not run.

A comment just above a block, which readers do not see, modifies the check:
<!-- given            C++ declarations that the block needs, put in front of it
std::vector<int> v;
-->
<!-- declarations -->  the block is at namespace scope: it is compiled, and there is nothing to run. More
                      lines are put in front of it.
<!-- not run: why -->  for blocks that no test can run; printed with the reason.
"""
import concurrent.futures
import os
import pathlib
import re
import shlex
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parent.parent
RUN_SECONDS = 120
COMPILE_SECONDS = 300

BLOCK = re.compile(r"(?:^<!--(?P<comment>(?:(?!-->).)*)-->\n\n?)?"
                   r"^```(?P<language>cpp|sh)\n(?P<text>.*?)^```$", re.DOTALL | re.MULTILINE)
FENCE = re.compile(r"^```(?:cpp|sh)$", re.MULTILINE)

STAND_INS = r"""
bench/run() { %(build)s/bin/spmd_bench "$@"; }
tests/run() { ctest --test-dir %(build)s --show-only --no-tests=error "$@"; }
.ci/run() { test -x .ci/run; }
cmake() {
    case "$*" in
    *--build*--target*) ninja -C %(build)s -t query "${@: -1}" >/dev/null ;;
    *--preset*) command cmake --list-presets=all | grep -F "\"${@: -1}\"" ;;
    *) echo "cmake $*: the test has no stand-in for this" >&2; return 1 ;;
    esac
}
"""


class block:
    """One block of a page; `line` is the number of its first line of text."""

    def __init__(self, match, page):
        comment = (match["comment"] or "").strip()
        self.language = match["language"]
        self.text = match["text"]
        self.line = page.count("\n", 0, match.start("text")) + 1
        self.skipped = comment.removeprefix("not run:").strip() if comment.startswith("not run:") else None
        kind, _, lines = comment.partition("\n")
        self.given = lines + "\n" if kind in ("given", "declarations") else ""
        self.is_declarations = kind == "declarations"
        has_main = re.search(r"^int main\(", self.text, re.MULTILINE) is not None
        self.is_program = self.language == "cpp" and has_main

    def is_in_unit(self):
        return self.language == "cpp" and self.skipped is None and not self.is_program


def run(command, seconds=RUN_SECONDS, **options):
    """None if the command returned 0, otherwise a description of the failure."""
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=seconds, **options)
    except subprocess.TimeoutExpired:
        return f"still running after {seconds} s"
    return None if done.returncode == 0 else f"returned {done.returncode}\n{done.stdout}{done.stderr}"


def compile_program(source, executable, setup):
    return run([setup["compiler"], "-std=c++20", "-O1", "-Werror=unused-result", str(source), "-o",
                str(executable), *setup["flags"]], COMPILE_SECONDS)


def includes_of(text):
    return [line for line in text.splitlines() if line.startswith("#include")]


def without_includes(text):
    """Replaces #include lines by empty ones, so that the compiler's messages name the page's lines."""
    return "\n".join("" if line.startswith("#include") else line for line in text.splitlines())


def translation_unit(page, blocks):
    """All of the page's blocks without main(). argv[1] selects the one to run, by its line."""
    includes = dict.fromkeys(line for each in blocks for line in includes_of(each.given + each.text))
    lines = ["#include <spmd/spmd.hpp>", *includes, "#include <cstdlib>"]
    for each in blocks:
        lines += [f"namespace block_{each.line} {{", without_includes(each.given)]
        body = [f'#line {each.line} "{page.name}"', without_includes(each.text)]
        lines += [*body, "}"] if each.is_declarations else ["void run() {", *body, "}", "}"]
    lines.append("int main(int, char** argv) {")
    lines += [f"    if (std::atoi(argv[1]) == {each.line}) block_{each.line}::run();" for each in blocks
              if not each.is_declarations]
    return "\n".join([*lines, "}", ""])


def check_unit(page, blocks, folder, setup):
    """The result of each block: None if it passed."""
    source, executable = folder / "page.cpp", folder / "page"
    source.write_text(translation_unit(page, blocks))
    problem = compile_program(source, executable, setup)
    if problem:
        return [problem] + ["not compiled: see above"] * (len(blocks) - 1)
    return [None if each.is_declarations
            else run([str(executable), str(each.line)], cwd=folder, env=setup["environment"])
            for each in blocks]


def check_program(text, folder, setup):
    source, executable = folder / "block.cpp", folder / "block"
    source.write_text(text)
    return (compile_program(source, executable, setup)
            or run([str(executable)], cwd=folder, env=setup["environment"]))


def check_sh(text, folder, setup):
    # Links, so that a command finds the sources but does not write among them.
    for entry in ROOT.iterdir():
        if entry.name not in ("build", ".git"):
            (folder / entry.name).symlink_to(entry)
    (folder / "build").mkdir()
    for preset in ("release", "debug", "bench"):
        (folder / "build" / preset).symlink_to(setup["build"])
    stand_ins = STAND_INS % {"build": shlex.quote(str(setup["build"]))}
    return run(["bash", "-euo", "pipefail", "-c", stand_ins + text], cwd=folder, env=setup["environment"])


def in_folder_of_its_own(check, *arguments):
    with tempfile.TemporaryDirectory(prefix="spmd_readme_") as name:
        return check(*arguments[:-1], pathlib.Path(name), arguments[-1])


def read_page(page):
    text = page.read_text()
    blocks = [block(match, text) for match in BLOCK.finditer(text)]
    fences = len(FENCE.findall(text))
    if len(blocks) != fences:
        sys.exit(f"{page}: {fences} blocks begin with ```cpp or ```sh, {len(blocks)} could be read")
    return blocks


def check_page(page, blocks, pool, setup):
    """Futures, each resolving to a list of (block, problem)."""
    unit = [each for each in blocks if each.is_in_unit()]
    if unit:
        yield pool.submit(lambda: list(zip(unit, in_folder_of_its_own(check_unit, page, unit, setup))))
    for each in blocks:
        if each.skipped is not None or each.is_in_unit():
            continue
        check, text = (check_program, each.given + each.text) if each.is_program else (check_sh, each.text)
        yield pool.submit(lambda b=each, c=check, t=text: [(b, in_folder_of_its_own(c, t, setup))])


def setup_for(build, prefix, compiler):
    packages = next(prefix.rglob("spmd.pc")).parent
    environment = {**os.environ, "PATH": f"{build / 'bin'}:{os.environ['PATH']}",
                   "PKG_CONFIG_PATH": str(packages), "LD_LIBRARY_PATH": str(packages.parent)}
    flags = subprocess.run(["pkg-config", "--cflags", "--libs", "spmd"], env=environment, check=True,
                           capture_output=True, text=True).stdout.split()
    return {"build": build, "compiler": compiler, "flags": flags, "environment": environment}


def main():
    build, prefix, compiler = pathlib.Path(sys.argv[1]).resolve(), pathlib.Path(sys.argv[2]), sys.argv[3]
    documents = sorted((ROOT / "runtime" / "docs").glob("*.md"))
    pages = [pathlib.Path(name) for name in sys.argv[4:]] or [
        ROOT / "README.md", *documents, ROOT / ".github" / "CONTRIBUTING.md"]
    setup = setup_for(build, prefix, compiler)

    read = {page: read_page(page) for page in pages}
    if not any(read.values()):
        sys.exit("no page has a block: is this the right folder?")
    failed = False
    with concurrent.futures.ThreadPoolExecutor(max_workers=len(os.sched_getaffinity(0))) as pool:
        running = {page: list(check_page(page, blocks, pool, setup)) for page, blocks in read.items()}
        for page, blocks in read.items():
            problems = {each.line: problem for future in running[page] for each, problem in future.result()}
            for each in blocks:
                problem = problems.get(each.line)
                outcome = "skipped" if each.skipped is not None else "failed" if problem else "passed"
                message = each.skipped or problem
                details = f": {message}" if message else ""
                print(f"{page.name}:{each.line}: {each.language} block {outcome}{details}")
                failed = failed or outcome == "failed"
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
