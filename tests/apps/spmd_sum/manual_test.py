"""manual_test.py SPMD_SUM PAGE PREFIX: the manual page has the options that --help has, groff has nothing to say about it, and it
is installed where man looks."""
import pathlib
import re
import shutil
import subprocess
import sys

program, page, prefix = sys.argv[1], pathlib.Path(sys.argv[2]), pathlib.Path(sys.argv[3])
text = page.read_text()
options = set(re.findall(r"--[a-z0-9-]+", subprocess.run([program, "--help"], check=True, capture_output=True, text=True).stdout))
described = set(re.findall(r"--[a-z0-9-]+", "\n".join(line for line in text.replace("\\-", "-").splitlines()
                                                      if re.match(r"\.B?[RI]?[RI]? .*-", line))))
problems = [f"{option} is not in {page.name}" for option in sorted(options - described)]
problems += [f"{page.name} has {option}, --help has not" for option in sorted(described - options - {"--algorithm"})]
installed = prefix / "share" / "man" / "man1" / page.name
if not installed.exists():
    problems.append(f"{installed} was not installed")
if shutil.which("groff"):
    problems += subprocess.run(["groff", "-man", "-ww", "-z", "-Tutf8", str(page)], check=True, capture_output=True,
                               text=True).stderr.splitlines()
print("\n".join(problems) or f"{len(options)} options are described")
sys.exit(1 if problems else 0)
