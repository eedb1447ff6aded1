"""The official Standard Webhooks library accepts what we deliver, and nothing else."""

import json
import threading
import uuid
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from standardwebhooks.webhooks import Webhook, WebhookVerificationError

ARRIVAL_LIMIT_S = 20


class Receiver:
    """A tenant's receiver: keeps headers and raw bodies, and answers 204."""

    def __init__(self):
        self.arrived = threading.Condition()
        self.deliveries = []
        self.server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self.url = f"http://127.0.0.1:{self.server.server_port}/hooks"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def _handler(self):
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self):
                body = self.rfile.read(int(self.headers["content-length"]))
                with receiver.arrived:
                    receiver.deliveries.append((dict(self.headers.items()), body))
                    receiver.arrived.notify_all()
                self.send_response(204)
                self.end_headers()

            def log_message(self, *_):
                pass

        return Handler

    def find(self, event_type, subject=None):
        """Gives the first delivery of a type, about one subject if named."""
        for headers, body in self.deliveries:
            event = json.loads(body)
            if event["type"] == event_type and (subject is None or subject in body.decode()):
                return headers, body
        return None

    def wait_for(self, event_type, subject=None):
        with self.arrived:
            came = self.arrived.wait_for(lambda: self.find(event_type, subject), ARRIVAL_LIMIT_S)
            seen = [json.loads(body)["type"] for _, body in self.deliveries]
            assert came, f"no {event_type} within {ARRIVAL_LIMIT_S} s; there came {seen}"
            return self.find(event_type, subject)

    def close(self):
        self.server.shutdown()
        self.server.server_close()


@pytest.fixture
def receiver():
    receiver = Receiver()
    yield receiver
    receiver.close()


@pytest.fixture
def endpoint(api, receiver):
    """An endpoint that points at our receiver; its secret is told this once."""
    answer = api.post(
        "/v1/webhook-endpoints",
        json={"url": receiver.url, "description": "checked from outside"},
        headers={"Idempotency-Key": str(uuid.uuid4())},
    )
    assert answer.status_code == 201, answer.text
    created = answer.json()
    assert created["secret"].startswith("whsec_")
    yield created
    assert api.delete(f"/v1/webhook-endpoints/{created['id']}").status_code in (200, 204)


@pytest.fixture
def enabled_endpoint(api, endpoint, receiver, eventually):
    """The endpoint after its first ping was taken: from now on it is sent everything."""
    receiver.wait_for("ping")
    path = f"/v1/webhook-endpoints/{endpoint['id']}"
    eventually(lambda: api.get(path).json()["state"], lambda state: state == "enabled")
    return endpoint


def ask_for_ping(api, endpoint):
    answer = api.post(
        f"/v1/webhook-endpoints/{endpoint['id']}/test",
        headers={"Idempotency-Key": str(uuid.uuid4())},
    )
    assert answer.status_code == 202, answer.text
    return answer.json()["event_id"]


def place_order(api, body):
    answer = api.post("/v1/orders", json=body, headers={"Idempotency-Key": str(uuid.uuid4())})
    assert answer.status_code == 201, answer.text
    return answer.json()["order"]


def verify(endpoint, delivery):
    headers, body = delivery
    return Webhook(endpoint["secret"]).verify(body, headers)


def test_ping_verifies_when_an_endpoint_is_registered(endpoint, receiver):
    event = verify(endpoint, receiver.wait_for("ping"))
    assert event["type"] == "ping"


def test_ping_verifies_when_it_is_asked_for(api, enabled_endpoint, receiver):
    event_id = ask_for_ping(api, enabled_endpoint)
    event = verify(enabled_endpoint, receiver.wait_for("ping", event_id))
    assert (event["id"], event["type"]) == (event_id, "ping")


def test_created_and_paid_verify_and_are_what_the_feed_says(
    api, enabled_endpoint, receiver, new_order, simulated_payment
):
    order = place_order(api, new_order())
    created = verify(enabled_endpoint, receiver.wait_for("order.created", order["id"]))
    assert created["subject"]["id"] == order["id"]
    simulated_payment(order["out_trade_no"])
    paid = verify(enabled_endpoint, receiver.wait_for("order.paid", order["id"]))
    assert paid["subject"]["id"] == order["id"]
    assert paid["data"]["object"]["state"] == "paid"
    assert paid["id"] != created["id"]
    for told in (created, paid):
        read = api.get(f"/v1/events/{told['id']}").json()
        read.pop("feed_seq", None)
        assert read == told


def test_both_secrets_verify_while_they_overlap(api, enabled_endpoint, receiver):
    answer = api.post(
        f"/v1/webhook-endpoints/{enabled_endpoint['id']}/rotate-secret",
        json={"grace_seconds": 600},
        headers={"Idempotency-Key": str(uuid.uuid4())},
    )
    assert answer.status_code in (200, 201), answer.text
    rotated = {**enabled_endpoint, "secret": answer.json()["secret"]}
    assert rotated["secret"] != enabled_endpoint["secret"]
    delivery = receiver.wait_for("ping", ask_for_ping(api, enabled_endpoint))
    assert verify(rotated, delivery) == verify(enabled_endpoint, delivery)


def test_tampered_body_id_time_or_secret_is_rejected(endpoint, receiver):
    headers, body = receiver.wait_for("ping")
    verify(endpoint, (headers, body))
    lower = {name.lower(): value for name, value in headers.items()}
    later = str(int(lower["webhook-timestamp"]) + 1)
    for changed_headers, changed_body in [
        (lower, body.replace(b"ping", b"pong")),
        (lower, body + b" "),
        ({**lower, "webhook-id": lower["webhook-id"] + "x"}, body),
        ({**lower, "webhook-timestamp": later}, body),
    ]:
        with pytest.raises(WebhookVerificationError):
            verify(endpoint, (changed_headers, changed_body))
    with pytest.raises(WebhookVerificationError):
        Webhook("whsec_" + "A" * 44).verify(body, headers)


def test_secret_is_told_only_once(api, endpoint):
    again = api.get(f"/v1/webhook-endpoints/{endpoint['id']}")
    assert again.status_code == 200
    assert endpoint["secret"] not in again.text
    assert endpoint["secret"] not in api.get("/v1/webhook-endpoints").text
