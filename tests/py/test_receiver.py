"""The receiver that the document publishes decides the published vectors as it must."""

import json
import re
from pathlib import Path

import pytest

DOCUMENT = Path(__file__).parents[2] / "openapi" / "tenant.json"

S1 = "whsec_AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="
S2 = "whsec_ICEiIyQlJicoKSorLC0uLzAxMjM0NTY3ODk6Ozw9Pj8="
K1_PUBLIC = "whpk_11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo="
ID = "evt_01JZ8Q0V3M4N5P6Q7R8S9T0ABC"
TIMESTAMP = 1_760_000_000
B1 = (
    '{"id":"evt_01JZ8Q0V3M4N5P6Q7R8S9T0ABC","type":"payment.succeeded","timestamp":"2025-10-09T08:53:20.123Z",'
    '"api_version":"2026-01-01","data":{"out_trade_no":"T20251009-0001","amount":{"total":888,"currency":"CNY"},'
    '"description":"咖啡"}}'
).encode()
W1 = "v1,NcNSCgKceVMISvQCkt/nL91XY2NNWYl3ffczgQb0+Ts="
W2 = f"{W1} v1,7G9IitvtDyjG1eFH9lt6Pf4ZbGD3LFPuIQeloUgNlSA="
W3 = "v1a,mBRiojPecZr+vya/eynnX1B054ZM8ELHhJXx2LqToYFLU6VNmqWcSX0GpKLTBr1K3k7iUZVsXNhyPt/5OhHjBA=="
W4_V1 = "v1,pdaiyrzSP78/oUXc/zocEamAci80lIkJkeL9+tLpRTU="
W4_V1A = "v1a,/MJBDacp4AQoOSeMmqI5PQiS8aHkc+puljRwh43vmbCAZIBWTyuAt7JzgcKUdeJCJfr/be/VpYZ8ABtbAwvVBA=="
N1 = "v1,Y12wFLxcGLZB0dAubAT/0tHskL+bVasgty8uGT4cJh8="
N2 = "v1,rgFFn+4B8nMam04u+nMNeiXvi3ngWGpoC2FenhDDprE="
N3 = "v1,NSD7v9q7nY8W+PPYhgalnYiPyYiswkv6MIGhmVvNvEQ="


@pytest.fixture(scope="module")
def is_genuine():
    """The snippet, taken out of the document and run as it stands there."""
    text = json.loads(DOCUMENT.read_text())["info"]["description"]
    snippets = re.findall(r"```python\n(.*?)```", text, re.DOTALL)
    assert len(snippets) == 1
    names = {}
    exec(compile(snippets[0], "the published receiver", "exec"), names)
    return names["is_genuine"]


@pytest.fixture
def accepts(is_genuine):
    def asked(keys, signature, *, body=B1, message_id=ID, sent_at=TIMESTAMP, now=TIMESTAMP):
        headers = {
            "webhook-id": message_id,
            "webhook-timestamp": str(sent_at),
            "webhook-signature": signature,
        }
        return is_genuine(keys, headers, body, now)

    return asked


def test_w1_to_w3_are_accepted_by_each_key_that_signed(accepts):
    assert len(B1) == 236
    for keys, signature in [([S1], W1), ([S1], W2), ([S2], W2), ([K1_PUBLIC], W3)]:
        assert accepts(keys, signature)


def test_w4_an_empty_body_at_time_zero_is_accepted(accepts):
    for key, signature in [(S1, W4_V1), (K1_PUBLIC, W4_V1A)]:
        assert accepts([key], signature, body=b"", message_id="evt_0", sent_at=0, now=0)


def test_n1_to_n3_are_refused(accepts):
    assert not any(accepts([S1], signature) for signature in (N1, N2, N3))
    # The same signatures fit what they were made over.
    assert accepts([S1], N1, body=B1.replace(b"888", b"889"))
    assert accepts([S1], N2, sent_at=TIMESTAMP + 1)


def test_any_held_key_may_fit_any_listed_signature_and_unknown_versions_are_skipped(accepts):
    assert accepts([S2, S1], W1)
    assert accepts([S1, K1_PUBLIC], f"v9,AAAA garbage {W3}")
    assert not accepts([S2], W1)
    assert not accepts([], W1)
    assert not accepts([S1], W1.replace("v1,", "v2,"))
    assert not accepts([S1, K1_PUBLIC], W1.replace("v1,", "v1a,"))
    assert not accepts([S1, K1_PUBLIC], W3.replace("v1a,", "v1,"))


@pytest.mark.parametrize("key,signature", [(S1, W1), (K1_PUBLIC, W3)])
def test_five_minutes_on_either_side_are_the_limit(accepts, key, signature):
    for away, accepted in [(-301, False), (-300, True), (300, True), (301, False)]:
        assert accepts([key], signature, now=TIMESTAMP + away) is accepted


@pytest.mark.parametrize("missing", ["webhook-id", "webhook-timestamp", "webhook-signature"])
def test_a_missing_header_is_refused(is_genuine, missing):
    headers = {"webhook-id": ID, "webhook-timestamp": str(TIMESTAMP), "webhook-signature": W1}
    assert is_genuine([S1], headers, B1, TIMESTAMP)
    assert not is_genuine([S1], {**headers, missing: ""}, B1, TIMESTAMP)
    del headers[missing]
    assert not is_genuine([S1], headers, B1, TIMESTAMP)


@pytest.mark.parametrize("sent_at", ["", "now", "-1", "1.0", "１７６", "9" * 5000])
def test_a_malformed_timestamp_is_refused(accepts, sent_at):
    assert not accepts([S1], W1, sent_at=sent_at)
