"""A fuzzer calls every operation of the document with input that it made up. It must find no 5xx, and
no answer that the document does not describe."""

import subprocess
import sys
import textwrap
from pathlib import Path

HERE = Path(__file__).parent
LIMIT_S = 270
EXAMPLES_PER_OPERATION = 25

# Check: why it is left out.
EXCLUDED = {}


def test_every_operation_keeps_to_the_document(facts, tmp_path):
    program = Path(sys.executable).with_name("schemathesis")
    command = [
        program,
        "--config-file", HERE / "schemathesis.toml",
        "run", f"{facts['api_url']}/openapi/tenant.json",
        "--url", facts["api_url"],
        "--header", f"Authorization: Bearer {facts['api_key']}",
        "--checks", "all",
        "--max-examples", str(EXAMPLES_PER_OPERATION),
        "--no-color",
    ]  # fmt: skip
    if EXCLUDED:
        command += ["--exclude-checks", ",".join(EXCLUDED)]
    done = subprocess.run(
        command, cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=LIMIT_S
    )
    # Indented, so that the fuzzer's own sum is not taken for ours.
    print(textwrap.indent(done.stdout, "  "))
    assert done.returncode == 0
