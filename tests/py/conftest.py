"""What the checks share: the running platform, as its own `dev.json` describes it."""

import base64
import hashlib
import hmac
import json
import os
import struct
import time
import uuid
from pathlib import Path

import httpx
import pytest

PAID_LIMIT_S = 20
TOTP_STEP_S = 30


@pytest.fixture(scope="session")
def facts() -> dict:
    """The addresses, keys and names that `tributary dev` wrote down."""
    path = os.environ.get("TRIBUTARY_DEV_JSON")
    if not path:
        pytest.fail("TRIBUTARY_DEV_JSON names no file: run tests/scripts/outside.py")
    return json.loads(Path(path).read_text())


@pytest.fixture
def api(facts):
    """A plain HTTP client of the tenant API."""
    headers = {"Authorization": f"Bearer {facts['api_key']}"}
    with httpx.Client(base_url=facts["api_url"], headers=headers, timeout=15) as client:
        yield client


def totp(secret: str, now: float) -> str:
    """RFC 6238 with the usual choices, written a second time."""
    step = struct.pack(">q", int(now) // TOTP_STEP_S)
    digest = hmac.new(base64.b32decode(secret), step, hashlib.sha1).digest()
    offset = digest[-1] & 15
    return f"{(struct.unpack_from('>I', digest, offset)[0] & 0x7FFFFFFF) % 1_000_000:06}"


@pytest.fixture
def staff_token(facts):
    """An access token of the demo's owner, who signs in with password and telephone."""
    owner = facts["owner"]
    deadline = time.monotonic() + 2 * TOTP_STEP_S + 5
    while True:
        body = {"email": owner["email"], "password": owner["password"], "otp": totp(owner["totp_secret"], time.time())}
        answer = httpx.post(f"{facts['api_url']}/admin/v1/session", json=body, timeout=15)
        # A code that was used is not taken again: the telephone shows another soon.
        if answer.status_code == 200:
            return answer.json()["access_token"]
        assert answer.status_code in (401, 429) and time.monotonic() < deadline, answer.text
        time.sleep(10)


@pytest.fixture
def new_order(facts):
    """A body for `POST /v1/orders` that nobody has sent before."""

    def body(total: int = 100) -> dict:
        return {
            "merchant_order_no": f"out-{uuid.uuid4().hex[:20]}",
            "sub_mchid": facts["sub_mchid"],
            "sub_appid": facts["sub_appid"],
            "description": "Ordered from outside",
            "amount": {"total": total, "currency": "CNY"},
            "payer": {"sub_openid": facts["demo_openid"]},
        }

    return body


@pytest.fixture
def simulated_payment(facts):
    """Pays an order at the simulated WeChat Pay, as a person with a phone would."""

    def pay(out_trade_no: str) -> None:
        answer = httpx.post(f"{facts['sim_url']}/_sim/orders/{out_trade_no}/pay", json={}, timeout=15)
        assert answer.status_code < 300, answer.text

    return pay


@pytest.fixture
def eventually():
    """Asks again until the answer satisfies, within a bound."""

    def ask(question, satisfied, limit_s: float = PAID_LIMIT_S):
        deadline = time.monotonic() + limit_s
        while True:
            answer = question()
            if satisfied(answer):
                return answer
            assert time.monotonic() < deadline, f"still {answer!r} after {limit_s} s"
            time.sleep(0.1)

    return ask
