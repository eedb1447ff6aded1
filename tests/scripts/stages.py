"""Runs the stages of `make test` (or of `make lint`) one after another and adds up what they counted.

Every stage runs even when an earlier one failed, so that one run tells everything; the exit code is
that of the whole. Each stage's output goes to the terminal and to target/test-logs/.
"""

import os
import re
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
LOGS = ROOT / "target" / "test-logs"
PYTHON = "target/test-venv/bin/python"
PROGRAM = os.path.join(os.environ.get("CARGO_TARGET_DIR", "target"), "debug", "tributary")


@dataclass(frozen=True)
class Stage:
    name: str
    command: list[str]
    environment: dict[str, str] = field(default_factory=dict)


LINT = [
    Stage("format", ["cargo", "fmt", "--all", "--check"]),
    Stage("clippy", "cargo clippy --workspace --all-targets --quiet -- -D warnings".split()),
    Stage("docs", "cargo doc --workspace --no-deps --quiet".split(), {"RUSTDOCFLAGS": "-D warnings"}),
]
BUILD = [
    # The binary too, which some scenarios start and kill. `--all-targets`, because `--bins` alone settles on other
    # features of the dependencies than `cargo test`, and everything would be compiled twice.
    Stage("build", "cargo build --workspace --all-targets --quiet".split()),
]
# More at once than there are cores: they wait for each other, for WeChat and for clocks more than for the machine.
RUST = [
    Stage(
        "rust",
        "cargo test --workspace --no-fail-fast".split(),
        {"RUST_TEST_THREADS": str(2 * (os.cpu_count() or 1))},
    )
]
# Beside the lints and the build, which leave a core idle again and again.
BESIDE_BUILD = [
    Stage("ui", ["npm", "--prefix", "admin-ui", "run", "--silent", "check"], {"NO_COLOR": "1"}),
    Stage("scripts", [PYTHON, "-m", "pytest", "-q", "-p", "no:cacheprovider", "tests/scripts"]),
]
# Beside the Rust tests, against the program that was built.
BESIDE_RUST = [
    # In Chromium.
    Stage("flows", ["npm", "--prefix", "admin-ui", "run", "--silent", "e2e"], {"NO_COLOR": "1"}),
    Stage("outside", [PYTHON, "tests/scripts/outside.py", "--program", PROGRAM]),
]

CARGO = re.compile(r"^test result: .*?(\d+) passed; (\d+) failed;")
PLAIN = re.compile(r"^(\d+) passed, (\d+) failed$")
PYTEST = re.compile(r"^(?:=+ )?(?=\d.*\b(?:passed|failed|errors?)\b.* in [\d.]+s)(.*)$")
PYTEST_COUNT = re.compile(r"(\d+) (passed|failed|error)")

VITEST = re.compile(r"^ +Tests +(?:(\d+) failed)?(?: \| )?(?:(\d+) passed)?")

# What scripts without a summary print for each check.
LINE = re.compile(r"^(ok|not ok|FAIL)\s")


def count(log: str, exit_code: int) -> tuple[int, int]:
    """Adds up the summaries in a log, or its single checks. A stage that prints neither is one check; failing counts
    always."""
    passed = failed = 0
    for line in log.splitlines():
        if found := CARGO.match(line) or PLAIN.match(line):
            passed += int(found[1])
            failed += int(found[2])
        elif found := VITEST.match(line):
            passed += int(found[2] or 0)
            failed += int(found[1] or 0)
        elif PYTEST.match(line):
            for number, word in PYTEST_COUNT.findall(line):
                passed += int(number) if word == "passed" else 0
                failed += 0 if word == "passed" else int(number)
    if passed + failed == 0:
        marks = [found[1] for line in log.splitlines() if (found := LINE.match(line))]
        passed = marks.count("ok")
        failed = len(marks) - passed
    if exit_code != 0:
        return passed, max(failed, 1)
    return (passed, failed) if passed + failed else (1, 0)


def show(text: str) -> None:
    sys.stdout.write(text)
    sys.stdout.flush()


def run(stage: Stage, show=show) -> tuple[int, int]:
    """Runs one stage, showing its output as it comes."""
    show(f"\n==> {stage.name}: {' '.join(stage.command)}\n")
    started = time.monotonic()
    lines = []
    environment = {**os.environ, **stage.environment}
    with (LOGS / f"{stage.name}.log").open("w") as log:
        process = subprocess.Popen(
            stage.command,
            cwd=ROOT,
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
        )
        for line in process.stdout:
            show(line)
            log.write(line)
            lines.append(line)
    exit_code = process.wait()
    passed, failed = count("".join(lines), exit_code)
    show(f"==> {stage.name}: {passed} ok, {failed} not ok, {time.monotonic() - started:.0f} s\n")
    return passed, failed


def run_all(stages: list[Stage], show=show) -> dict[str, tuple[int, int]]:
    return {stage.name: run(stage, show) for stage in stages}


def run_beside(stages: list[Stage], others: list[Stage]) -> dict[str, tuple[int, int]]:
    """Runs two lists at the same time; what the second says is shown when both are done."""
    kept: list[str] = []
    with ThreadPoolExecutor() as pool:
        beside = pool.submit(run_all, others, kept.append)
        results = run_all(stages)
        results |= beside.result()
    show("".join(kept))
    return results


def main() -> int:
    suite = sys.argv[1] if len(sys.argv) > 1 else "all"
    if suite == "all" and not os.environ.get("TRIBUTARY_TEST_POSTGRES"):
        print("stages.py: TRIBUTARY_TEST_POSTGRES is not set; start this through `make test`", file=sys.stderr)
        return 2
    LOGS.mkdir(parents=True, exist_ok=True)
    if suite == "lint":
        results = run_all(LINT)
    else:
        results = run_beside(LINT + BUILD, BESIDE_BUILD) | run_beside(RUST, BESIDE_RUST)
    print()
    for name, (passed, failed) in results.items():
        print(f"  {name:10} {passed:5} ok {failed:5} not ok")
    passed = sum(result[0] for result in results.values())
    failed = sum(result[1] for result in results.values())
    print(f"{passed} passed, {failed} failed", flush=True)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
