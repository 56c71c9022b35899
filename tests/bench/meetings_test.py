"""Each way of spmd_meetings once, and a table of them; OpenMP and OpenMPI may be missing, which the table then says.

Usage: meetings_test.py SPMD_MEETINGS"""
import re
import subprocess
import sys

out = subprocess.run([sys.argv[1], *"--ranks 2,100 --repetitions 2 --time 1us --threads 2".split()], check=True, capture_output=True,
                     text=True, timeout=100).stdout
FIGURES = r"( +[0-9.]+)+$"
wanted = [r"barrier +MAD +per rank +all_reduce +MAD +per rank$", r"^ +2  spmd" + FIGURES, r"^ +2  std_barrier" + FIGURES,
          r"^ +100  spmd" + FIGURES, r"^std_barrier: at most 64 ranks$"]
missing = [each for each in wanted if not re.search(each, out, re.MULTILINE)]
print(f"no line is like {missing} in:\n{out}" if missing else "all ways have their figures")
sys.exit(1 if missing else 0)
