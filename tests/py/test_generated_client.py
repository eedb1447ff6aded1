"""A client that a public generator writes from our document runs the main flow, as a tenant's would."""

import importlib
import inspect
import json
import re
import subprocess
import sys
import typing
import uuid
from pathlib import Path

import httpx
import pytest

PACKAGE = "tributary_generated_client"


@pytest.fixture(scope="module")
def generated(facts, tmp_path_factory):
    """Generates the client into a folder of its own and imports it from there."""
    folder = tmp_path_factory.mktemp("client")
    document = folder / "tenant.json"
    document.write_text(httpx.get(f"{facts['api_url']}/openapi/tenant.json", timeout=15).text)
    config = folder / "config.yaml"
    config.write_text(json.dumps({"package_name_override": PACKAGE, "post_hooks": []}))
    generator = Path(sys.executable).with_name("openapi-python-client")
    done = subprocess.run(
        [generator, "generate", "--path", document, "--meta", "none", "--config", config,
         "--output-path", folder / PACKAGE, "--fail-on-warning"],
        capture_output=True,
        text=True,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    sys.path.insert(0, str(folder))
    return folder / PACKAGE


@pytest.fixture
def client(generated, facts):
    module = importlib.import_module(f"{PACKAGE}.client")
    return module.AuthenticatedClient(base_url=facts["api_url"], token=facts["api_key"], timeout=httpx.Timeout(15))


@pytest.fixture
def call(generated, client):
    """Calls the generated function of one operation, found by what the operation is, not by its name."""

    def operation(method, path):
        for file in generated.glob("api/*/*.py"):
            text = file.read_text()
            url = re.search(r'"url": f?"([^"]+)"', text)
            verb = re.search(r'"method": "(\w+)"', text)
            bare = re.sub(r"\{[^}]*\}", "{}", url[1]).split(".format")[0] if url else None
            if verb and verb[1] == method and bare == path:
                return importlib.import_module(f"{PACKAGE}.api.{file.parent.name}.{file.stem}")
        pytest.fail(f"the generated client lacks {method} {path}")

    def run(method, path, *arguments, body=None, **parameters):
        function = operation(method, path).sync_detailed
        if body is not None:
            parameters["body"] = model_of(function, "body").from_dict(body)
        if "idempotency_key" in inspect.signature(function).parameters:
            parameters["idempotency_key"] = str(uuid.uuid4())
        answer = function(*arguments, client=client, **parameters)
        assert answer.status_code < 300, (answer.status_code, answer.content)
        assert answer.parsed is not None, f"the client could not read {answer.content}"
        return answer.parsed

    return run


def model_of(function, parameter):
    """Gives the generated class that a parameter takes."""
    hint = typing.get_type_hints(function)[parameter]
    for candidate in [hint, *typing.get_args(hint)]:
        if hasattr(candidate, "from_dict"):
            return candidate
    pytest.fail(f"{parameter} of {function.__module__} has no model")


def test_order_is_placed_paid_and_told_through_a_generated_client(
    call, new_order, simulated_payment, eventually
):
    body = new_order(total=4321)
    placed = call("post", "/v1/orders", body=body)
    order = placed.order
    assert order.merchant_order_no == body["merchant_order_no"]
    assert order.amount.total == 4321
    parameters = placed.pay_params
    assert parameters.package.startswith("prepay_id=")
    assert parameters.sign_type == "RSA"
    assert parameters.pay_sign

    simulated_payment(order.out_trade_no)
    paid = eventually(lambda: call("get", "/v1/orders/{}", order.id), lambda now: str(now.state) == "paid")
    assert paid.id == order.id

    def types_of_our_events():
        return [event.type_ for event in all_events(call) if event.subject.id == order.id]

    told = eventually(types_of_our_events, lambda types: "order.paid" in [str(t) for t in types])
    assert [str(event_type) for event_type in told] == ["order.created", "order.paid"]


def all_events(call):
    """Reads the feed from its beginning to its end, page by page."""
    events, after = [], None
    for _ in range(200):
        page = call("get", "/v1/events", **({"after": after} if after else {}), limit=100)
        events += page.data
        if not page.data or not page.has_more:
            return events
        after = page.next_cursor
    pytest.fail("the feed has no end")


def test_account_is_told_through_a_generated_client(call, facts):
    assert call("get", "/v1/me").tenant_id == facts["tenant_id"]
