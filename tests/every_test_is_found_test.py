"""every_test_is_found_test.py BUILD_FOLDER NAME=PROGRAM...: CTest knows at least one test of each program.
Guards against a program that dies before main(): Catch's discovery mistakes it for one without tests."""
import json
import subprocess
import sys

build_folder, *programs = sys.argv[1:]
listing = subprocess.run(["ctest", "--test-dir", build_folder, "--show-only=json-v1"], check=True,
                         capture_output=True, text=True).stdout
found = {test["name"].partition(":")[0] for test in json.loads(listing)["tests"]}

problems = []
for name, program in (entry.split("=", 1) for entry in programs):
    if name not in found:
        # Catch returns the number of tests that it lists.
        listed = subprocess.run([program, "--list-test-names-only"], capture_output=True, text=True)
        problems.append(f"{name}: no tests found; {program} --list-test-names-only returned "
                        f"{listed.returncode}\n{listed.stdout}{listed.stderr}")

print("\n".join(problems) or f"{len(programs)} programs have tests")
sys.exit(1 if problems else 0)
