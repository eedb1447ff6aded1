"""A fuzzer calls every operation of the document with input that it made up. It must find no 5xx, and
no answer that the document does not describe."""

import json
import os
import subprocess
import sys
import textwrap
import uuid
from pathlib import Path

import httpx
import pytest

HOOKS = Path(__file__).with_name("fuzz_hooks.py")
LIMIT_S = 270
EXAMPLES_PER_OPERATION = 30
# How often the fuzzer takes a value that exists in place of one that it made up.
KNOWN_VALUE_PROBABILITY = 0.7
PAID_FEN = 1_000_000

SETTINGS = """
# The same calls every time: a red run must be red again.
[generation]
deterministic = true
database = "none"

# A well-formed value may still name nothing of this tenant's, or come too late: that is 422, and 400
# stays wrong for it.
[checks.positive_data_acceptance]
expected-statuses = ["2xx", 401, 403, 404, 409, 412, 422, 429]

# An edit without `If-Match` is 428 (RFC 6585).
[checks.missing_required_header]
expected-statuses = [400, 401, 403, 406, 415, 422, 428]
"""


def with_key():
    return {"Idempotency-Key": str(uuid.uuid4())}


@pytest.fixture
def refund(api, new_order, simulated_payment, eventually):
    """A small refund of a paid order, so that most of the payment is left for the fuzzer."""
    answer = api.post("/v1/orders", json=new_order(PAID_FEN), headers=with_key())
    assert answer.status_code == 201, answer.text
    order = answer.json()["order"]
    simulated_payment(order["out_trade_no"])
    eventually(lambda: api.get(f"/v1/orders/{order['id']}").json()["state"], lambda state: state == "paid")
    body = {
        "order_id": order["id"],
        "merchant_refund_no": f"out-{uuid.uuid4().hex[:20]}",
        "amount": {"refund": 1, "currency": "CNY"},
    }
    answer = api.post("/v1/refunds", json=body, headers=with_key())
    assert answer.status_code == 201, answer.text
    return answer.json()


@pytest.fixture
def known_values(facts, api, new_order, refund, eventually):
    """Names of things that exist, by the parameter that takes them; without them most calls end in 404."""
    answer = api.post("/v1/orders", json=new_order(), headers=with_key())
    assert answer.status_code == 201, answer.text

    def first_ids(path):
        return [item["id"] for item in api.get(path).json()["data"][:3]]

    return {
        "body.sub_mchid": [facts["sub_mchid"]],
        "body.sub_appid": [facts["sub_appid"]],
        "body.payer.sub_openid": [facts["demo_openid"]],
        "body.order_id": [refund["order_id"]],
        "path.order_id": [answer.json()["order"]["id"], refund["order_id"]],
        "path.refund_id": [refund["id"]],
        "path.event_id": eventually(lambda: first_ids("/v1/events"), bool),
        "path.delivery_id": eventually(lambda: first_ids("/v1/deliveries"), bool),
        "path.endpoint_id": first_ids("/v1/webhook-endpoints"),
    }


def write_settings(path: Path, known_values: dict) -> Path:
    """Writes the fuzzer's configuration: ours, and a dictionary for each known value."""
    lines = [SETTINGS]
    for number, values in enumerate(known_values.values()):
        lines.append(f"[dictionaries.known{number}]\nvalues = {json.dumps(values)}\n")
    lines.append("[parameters]")
    for number, parameter in enumerate(known_values):
        binding = f'{{ dictionary = "known{number}", probability = {KNOWN_VALUE_PROBABILITY} }}'
        lines.append(f'"{parameter}" = {binding}')
    path.write_text("\n".join(lines) + "\n")
    return path


def fuzz(facts, known_values, tmp_path, name, token, spared=(), left_out=()):
    program = Path(sys.executable).with_name("schemathesis")
    command = [
        program,
        "--config-file", write_settings(tmp_path / "schemathesis.toml", known_values),
        "run", f"{facts['api_url']}/openapi/{name}.json",
        "--url", facts["api_url"],
        "--header", f"Authorization: Bearer {token}",
        "--checks", "all",
        "--max-examples", str(EXAMPLES_PER_OPERATION),
        "--no-color",
        *(f"--exclude-operation-id={operation}" for operation in left_out),
    ]  # fmt: skip
    environment = {**os.environ, "SCHEMATHESIS_HOOKS": str(HOOKS), "FUZZ_SPARED": ",".join(spared)}
    done = subprocess.run(
        command,
        cwd=tmp_path,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=LIMIT_S,
    )
    # Indented, so that the fuzzer's own sum is not taken for ours.
    print(textwrap.indent(done.stdout, "  "))
    assert done.returncode == 0


def test_every_operation_keeps_to_the_document(facts, known_values, tmp_path):
    fuzz(facts, known_values, tmp_path, "tenant", facts["api_key"])


@pytest.fixture
def staff(facts, staff_token):
    """A client of the admin API that acts as the demo's owner."""
    headers = {"Authorization": f"Bearer {staff_token}"}
    with httpx.Client(base_url=facts["api_url"], headers=headers, timeout=15) as client:
        yield client


@pytest.fixture
def known_to_staff(facts, staff, refund, eventually):
    """The same for the admin API. The person is not the one who calls: whose rights change must sign in again."""
    body = {"email": f"{uuid.uuid4().hex}@example.com", "name": "Fuzzed", "roles": ["support"]}
    invited = staff.post("/admin/v1/staff", json=body, headers=with_key())
    assert invited.status_code == 201, invited.text

    def first_ids(path):
        answer = staff.get(path)
        assert answer.status_code == 200, answer.text
        return [item["id"] for item in answer.json()["data"][:3]]

    lists = {
        "sub_merchant_id": "sub-merchants?mode=test",
        "provider_id": "providers",
        "delivery_id": "deliveries?mode=test",
        "endpoint_id": "webhook-endpoints?mode=test",
        "notification_id": "notifications",
    }
    found = {name: eventually(lambda path=path: first_ids(f"/admin/v1/{path}"), bool) for name, path in lists.items()}
    return {f"path.{name}": ids for name, ids in found.items()} | {
        "path.staff_id": [invited.json()["staff"]["id"]],
        "path.tenant_id": [facts["tenant_id"]],
        "query.tenant_id": [facts["tenant_id"]],
        "body.tenant_id": [facts["tenant_id"]],
        "path.order_id": [refund["order_id"]],
        "path.refund_id": [refund["id"]],
    }


def test_every_operation_of_staff_keeps_to_the_document(facts, staff, known_to_staff, staff_token, tmp_path):
    own = staff.get("/admin/v1/me").json()["staff"]
    spared = [own["id"], own["session_id"]]
    # After signing out every answer would be the same, and without a key every call to WeChat.
    left_out = ["deleteSession", "revokeProviderKey"]
    fuzz(facts, known_to_staff, tmp_path, "admin", staff_token, spared, left_out)
    assert staff.get("/admin/v1/me").status_code == 200, "the fuzzer ended its own session"
