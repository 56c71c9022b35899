"""line_width_test.py [FILE...]: no line of a source, a CMake file or a script is wider than 110 columns, and
no trailing `///<` tears its declaration apart. Without FILEs: all files that git tracks.
Guards against lines that clang-format does not break, such as comments, and against comments that make it
break the declaration instead: those belong above it."""
import pathlib
import re
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
COLUMNS = 110
SUFFIXES = (".cpp", ".hpp", ".py", ".cmake", ".sh")
# A line after which the next one continues the same declaration: it ends in a type, a name or a `=`.
OPEN_DECLARATION = re.compile(r"\s*(?!template\b|#)\S.*[\w>=]$")


def is_checked(file):
    if not file.is_file():  # deleted in the working tree
        return False
    if file.suffix in SUFFIXES or file.name == "CMakeLists.txt":
        return True
    with file.open("rb") as content:
        return file.suffix == "" and content.read(2) == b"#!"


def tracked_files():
    listing = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, check=True, capture_output=True, text=True)
    return [ROOT / name for name in listing.stdout.split("\0") if name]


def problems_of(file):
    is_cpp = file.suffix in (".cpp", ".hpp")
    previous = ""
    for number, line in enumerate(file.read_text(encoding="utf-8").split("\n"), 1):
        place = f"{file.relative_to(ROOT) if file.is_relative_to(ROOT) else file}:{number}"
        if len(line) > COLUMNS:
            yield f"{place}: {len(line)} columns, at most {COLUMNS} are allowed"
        if is_cpp and line.lstrip().startswith("///<"):
            yield f"{place}: a line that begins with ///<: write the comment above the declaration, as ///"
        elif is_cpp and "///<" in line and OPEN_DECLARATION.match(previous):
            yield f"{place}: ///< tears the declaration apart: write the comment above it, as ///"
        previous = line.partition("//")[0].rstrip()


def main():
    files = [pathlib.Path(name).resolve() for name in sys.argv[1:]] or tracked_files()
    checked = [file for file in files if is_checked(file)]
    if not checked:
        sys.exit("no file to check: is this the right folder?")
    problems = [problem for file in checked for problem in problems_of(file)]
    print("\n".join(problems) or f"{len(checked)} files are at most {COLUMNS} columns wide")
    sys.exit(1 if problems else 0)


if __name__ == "__main__":
    main()
