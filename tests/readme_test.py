"""readme_test.py BUILD_FOLDER INSTALL_PREFIX COMPILER [README]: does what the README tells its readers to do.

```cpp    compiled against the installed library, then run: must return 0. A block without main() becomes the
          body of one, its #include lines stay in front, <spmd/spmd.hpp> comes first.
```sh     run by bash in a folder that looks like the checkout: must return 0. The commands that would
          build everything again are stood in for: bench/run and bench/run_meetings are the spmd_bench and the
          spmd_meetings built here, tests/run lists the tests that its arguments choose.
Any other language is not run.

What the page leaves out, a comment just above the block says, which readers do not see:
<!-- given            C++ lines that the block builds upon, put in front of it
std::vector<int> v;
-->
<!-- not run: why --> for what no test can do; it is printed, with its reason.
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
TIMEOUT_SECONDS = 120

BLOCK = re.compile(r"(?:^<!--(?P<comment>(?:(?!-->).)*)-->\n\n?)?"
                   r"^```(?P<language>cpp|sh)\n(?P<text>.*?)^```$", re.DOTALL | re.MULTILINE)


def run(command, **options):
    """Nothing if it returned 0, else what went wrong."""
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=TIMEOUT_SECONDS, **options)
    except subprocess.TimeoutExpired:
        return f"still running after {TIMEOUT_SECONDS} s"
    return None if done.returncode == 0 else f"returned {done.returncode}\n{done.stdout}{done.stderr}"


def program(block, given):
    if re.search(r"^int main\(", block, re.MULTILINE):
        return given + block
    lines = (given + block).splitlines()
    includes = [line for line in lines if line.startswith("#include")]
    body = [line for line in lines if not line.startswith("#include")]
    return "\n".join(["#include <spmd/spmd.hpp>", *includes, "int main() {", *body, "}", ""])


def check_cpp(block, given, folder, setup):
    source, executable = folder / "block.cpp", folder / "block"
    source.write_text(program(block, given))
    return (run([setup["compiler"], "-std=c++20", "-O1", str(source), "-o", str(executable), *setup["flags"]])
            or run([str(executable)], cwd=folder, env=setup["environment"]))


def check_sh(block, folder, setup):
    # Links, so that a command finds the sources and yet writes next to them, not among them.
    for entry in ROOT.iterdir():
        if entry.name not in ("build", ".git"):
            (folder / entry.name).symlink_to(entry)
    (folder / "build").mkdir()
    for preset in ("release", "debug", "bench"):
        (folder / "build" / preset).symlink_to(setup["build"])
    build = shlex.quote(str(setup["build"]))
    stand_ins = (f'bench/run() {{ {build}/bin/spmd_bench "$@"; }}\n'
                 f'bench/run_meetings() {{ {build}/bin/spmd_meetings "$@"; }}\n'
                 f'tests/run() {{ ctest --test-dir {build} --show-only --no-tests=error "$@"; }}\n')
    return run(["bash", "-euo", "pipefail", "-c", stand_ins + block], cwd=folder, env=setup["environment"])


def check(match, setup):
    comment = (match["comment"] or "").strip()
    if comment.startswith("not run:"):
        return "skipped", comment.removeprefix("not run:").strip()
    given = comment.removeprefix("given").lstrip("\n") + "\n" if comment.startswith("given") else ""
    with tempfile.TemporaryDirectory(prefix="spmd_readme_") as name:
        folder = pathlib.Path(name)
        if match["language"] == "cpp":
            problem = check_cpp(match["text"], given, folder, setup)
        else:
            problem = check_sh(match["text"], folder, setup)
    return ("failed", problem) if problem else ("passed", "")


def setup_for(build, prefix, compiler):
    packages = next(prefix.rglob("spmd.pc")).parent
    environment = {**os.environ, "PATH": f"{build / 'bin'}:{os.environ['PATH']}", "PKG_CONFIG_PATH": str(packages),
                   "LD_LIBRARY_PATH": str(packages.parent)}
    flags = subprocess.run(["pkg-config", "--cflags", "--libs", "spmd"], env=environment, check=True,
                           capture_output=True, text=True).stdout.split()
    return {"build": build, "compiler": compiler, "flags": flags, "environment": environment}


def main():
    build, prefix, compiler = pathlib.Path(sys.argv[1]).resolve(), pathlib.Path(sys.argv[2]), sys.argv[3]
    readme = pathlib.Path(sys.argv[4]) if len(sys.argv) > 4 else ROOT / "README.md"
    text = readme.read_text()
    blocks = list(BLOCK.finditer(text))
    fences = len(re.findall(r"^```(?:cpp|sh)$", text, re.MULTILINE))
    if not blocks or len(blocks) != fences:
        sys.exit(f"{readme}: {fences} blocks begin with ```cpp or ```sh, {len(blocks)} could be read")

    setup = setup_for(build, prefix, compiler)
    with concurrent.futures.ThreadPoolExecutor(max_workers=len(os.sched_getaffinity(0))) as pool:
        results = list(pool.map(lambda block: check(block, setup), blocks))
    for block, (outcome, message) in zip(blocks, results):
        line = text.count("\n", 0, block.start("text"))
        print(f"{readme.name}:{line}: {block['language']} block {outcome}" + (f": {message}" if message else ""))
    sys.exit(1 if any(outcome == "failed" for outcome, _ in results) else 0)


main()
