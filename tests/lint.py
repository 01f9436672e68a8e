"""Run `snakemake --lint` and refuse all it finds but one thing.

The exception: it asks every rule for a conda environment or container. This project has one environment for
all rules, pinned with hashes in requirements.lock and set up by `make`, so that stages run by hand, under
Snakemake and under DVC with the same packages.
"""

import subprocess
import sys

EXCEPTION = "Specify a conda environment or container for each rule."


def main() -> None:
    done = subprocess.run(["snakemake", "--lint", "text"], capture_output=True, text=True, check=False)
    lines = (done.stdout + done.stderr).splitlines()
    found = [line.strip(" *:") for line in lines if line.startswith("    * ")]
    if done.returncode and not found:
        sys.exit(f"snakemake --lint failed:\n{done.stderr}")
    others = [title for title in found if title != EXCEPTION]
    print("\n".join(f"Snakefile: {title}" for title in others), end="")
    sys.exit(bool(others))


if __name__ == "__main__":
    main()
