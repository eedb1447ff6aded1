"""Checks the platform from outside, with programs that are not ours: WeChat Pay SDKs, a generated API
client, the official webhook verifier, a browser, a fuzzer.

Starts `tributary dev` once, in a folder of its own on free ports, runs every check against it, and
stops it by its process id. Prints what each check said, and a sum.
"""

import argparse
import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from stages import LOGS, ROOT, count

READY_LIMIT_S = 60
STOP_LIMIT_S = 30


@dataclass(frozen=True)
class Check:
    name: str
    command: list[str]
    limit_s: int


def checks(facts: dict, program: Path) -> list[Check]:
    """Lists the checks; the fuzzer comes last, because it leaves the most behind."""
    pytest = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider"]
    sim = ["--sim", facts["sim_url"]]
    operator = ["--program", str(program)]
    return [
        Check("sdk-python", [sys.executable, "tests/sdk/run_python.py", *sim], 180),
        Check("sdk-node", ["node", "tests/sdk/run_node.mjs", *sim], 180),
        Check("tenant-python", [sys.executable, "tests/sdk/tenant_python.py", *operator], 60),
        Check("tenant-node", ["node", "tests/sdk/tenant_node.mjs", *operator], 60),
        Check("client", [*pytest, "tests/py/test_generated_client.py"], 180),
        Check("webhooks", [*pytest, "tests/py/test_webhooks.py"], 180),
        Check("receiver", [*pytest, "tests/py/test_receiver.py"], 60),
        Check("cashier", ["node", "tests/browser/cashier.mjs"], 120),
        Check("contract", [*pytest, "tests/py/test_contract.py"], 600),
    ]


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def binary() -> Path:
    """Builds the program, which is a look at the clock when `make test` has built it already."""
    subprocess.run(["cargo", "build", "--workspace", "--bins", "--quiet"], cwd=ROOT, check=True)
    return Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target")) / "debug" / "tributary"


def wait_until_ready(process: subprocess.Popen, facts_file: Path) -> dict:
    """Waits for the facts that `dev` writes and for its readiness answer."""
    deadline = time.monotonic() + READY_LIMIT_S
    while time.monotonic() < deadline:
        if process.poll() is not None:
            raise RuntimeError(f"tributary dev ended with {process.returncode}")
        try:
            facts = json.loads(facts_file.read_text())
            with urllib.request.urlopen(f"{facts['api_url']}/readyz", timeout=2) as answer:
                if answer.status == 200:
                    return facts
        except (OSError, ValueError):
            pass
        time.sleep(0.1)
    raise RuntimeError(f"tributary dev was not ready within {READY_LIMIT_S} s")


def stop(process: subprocess.Popen) -> bool:
    """Asks the process to end; tells whether it did so by itself and in order."""
    if process.poll() is not None:
        return False
    process.send_signal(signal.SIGTERM)
    try:
        return process.wait(STOP_LIMIT_S) == 0
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
        return False


@contextmanager
def platform(program: Path, results: dict):
    """Runs `tributary dev`, and adds to the results what its own end and its log show."""
    log_path = LOGS / "dev.log"
    with tempfile.TemporaryDirectory(prefix="tributary-dev-") as folder, log_path.open("w") as log:
        environment = {
            **os.environ,
            "TRIBUTARY_LISTEN": f"127.0.0.1:{free_port()}",
            "TRIBUTARY_SIM_LISTEN": f"127.0.0.1:{free_port()}",
        }
        process = subprocess.Popen(
            [program, "dev", "--no-demo-data", "--data-dir", folder], env=environment, stdout=log, stderr=log, cwd=folder
        )
        try:
            facts_file = Path(folder) / "dev.json"
            yield wait_until_ready(process, facts_file), facts_file
        finally:
            results["orderly stop"] = (1, 0) if stop(process) else (0, 1)
            calm = "panicked at" not in log_path.read_text(errors="replace")
            results["no panic in the log"] = (1, 0) if calm else (0, 1)


def run(check: Check, facts_file: Path) -> tuple[int, int]:
    """Runs one check and shows its output, indented so that only our own sum counts upwards."""
    print(f"  {check.name}: {' '.join(check.command)}", flush=True)
    environment = {**os.environ, "TRIBUTARY_DEV_JSON": str(facts_file)}
    try:
        done = subprocess.run(
            check.command,
            cwd=ROOT,
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            timeout=check.limit_s,
        )
        output, exit_code = done.stdout, done.returncode
    except subprocess.TimeoutExpired as late:
        output = (late.stdout or b"").decode(errors="replace") if isinstance(late.stdout, bytes) else late.stdout or ""
        output += f"\nnot done within {check.limit_s} s"
        exit_code = 1
    except OSError as problem:
        output, exit_code = str(problem), 1
    (LOGS / f"outside-{check.name}.log").write_text(output)
    for line in output.splitlines():
        print(f"    | {line}")
    return count(output, exit_code)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("only", nargs="*", help="names of checks; all when none is given")
    parser.add_argument("--program", type=Path, help="a `tributary` that is built already")
    arguments = parser.parse_args()
    only = arguments.only
    LOGS.mkdir(parents=True, exist_ok=True)
    results: dict[str, tuple[int, int]] = {}
    program = arguments.program.resolve() if arguments.program else binary()
    try:
        with platform(program, results) as (facts, facts_file):
            for check in checks(facts, program):
                if not only or check.name in only:
                    results[check.name] = run(check, facts_file)
    except RuntimeError as problem:
        print(f"  {problem}; see {LOGS / 'dev.log'}")
        results["start"] = (0, 1)
    for name, (passed, failed) in results.items():
        print(f"  {name:20} {passed:4} ok {failed:4} not ok")
    passed = sum(result[0] for result in results.values())
    failed = sum(result[1] for result in results.values())
    print(f"{passed} passed, {failed} failed", flush=True)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
