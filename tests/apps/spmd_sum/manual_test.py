"""manual_test.py SPMD_SUM PAGE PREFIX: the manual page describes the options that --help lists,
groff accepts it without a warning, and it is installed where man searches."""
import pathlib
import re
import shutil
import subprocess
import sys

program, page, prefix = sys.argv[1], pathlib.Path(sys.argv[2]), pathlib.Path(sys.argv[3])
text = page.read_text()
help_text = subprocess.run([program, "--help"], check=True, capture_output=True, text=True).stdout
options = set(re.findall(r"--[a-z0-9-]+", help_text))
lines = text.replace("\\-", "-").splitlines()
macro_lines = (line for line in lines if re.match(r"\.B?[RI]?[RI]? .*-", line))
described = set(re.findall(r"--[a-z0-9-]+", "\n".join(macro_lines)))
problems = [f"{option} is missing in {page.name}" for option in sorted(options - described)]
problems += [f"{option} in {page.name} is missing in --help"
             for option in sorted(described - options - {"--algorithm"})]
installed = prefix / "share" / "man" / "man1" / page.name
if not installed.exists():
    problems.append(f"{installed} was not installed")
if shutil.which("groff"):
    problems += subprocess.run(["groff", "-man", "-ww", "-z", "-Tutf8", str(page)], check=True,
                               capture_output=True, text=True).stderr.splitlines()
print("\n".join(problems) or f"{len(options)} options are described")
sys.exit(1 if problems else 0)
