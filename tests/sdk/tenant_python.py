#!/usr/bin/env python3
"""Calls the tenant API through the signing layer of PyPI `wechatpayv3`, unmodified but for its base URL.

Has the platform issue a certificate for a request that is made here, then reads, orders and closes; the SDK signs every call
and verifies every answer. Prints one line per check; any failure ends in a non-zero exit.
"""

import argparse
import json
import os
import secrets
import subprocess
import sys
import urllib.request
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.x509.oid import NameOID
from wechatpayv3.core import Core
from wechatpayv3.type import RequestType


class CheckFailed(Exception):
    """A check did not hold."""


def check(name: str, holds: bool, seen: object = "") -> None:
    """Prints the check; a failed one ends the run."""
    if not holds:
        raise CheckFailed(f"{name}: {seen}")
    print(f"ok   {name}", flush=True)


def issue(facts: dict, program: str, folder: Path, request_pem: bytes) -> dict:
    """Asks the command line for a certificate, as an operator does."""
    environment = {
        "PATH": os.environ.get("PATH", ""),
        "TRIBUTARY_DATABASE_URL": f"sqlite://{folder / 'tributary.db'}",
        "TRIBUTARY_KEK_FILE": str(folder / "kek"),
        "TRIBUTARY_PUBLIC_URL": facts["api_url"],
    }
    command = [
        program, "admin", "--json", "issue-certificate", "--tenant", facts["tenant_id"],
        "--mode", "test", "--name", "python", "--csr-file", "-",
    ]  # fmt: skip
    done = subprocess.run(command, input=request_pem, env=environment, stdout=subprocess.PIPE, check=True)
    return json.loads(done.stdout)


def new_pair() -> tuple[str, bytes]:
    """A private key in PEM, and the request for a certificate of it."""
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "shop.example.com")])
    request = x509.CertificateSigningRequestBuilder().subject_name(name).sign(key, hashes.SHA256())
    form = (serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    return key.private_bytes(*form).decode(), request.public_bytes(serialization.Encoding.PEM)


def run(facts: dict, program: str, folder: Path) -> None:
    private_pem, request_pem = new_pair()
    issued = issue(facts, program, folder, request_pem)
    certificate = x509.load_pem_x509_certificate(issued["pem"].encode())
    check("the certificate has its serial", f"{certificate.serial_number:040X}" == issued["serial"], issued)
    with urllib.request.urlopen(f"{facts['api_url']}/v1/meta/platform-certificates", timeout=30) as answer:
        platform = json.load(answer)["data"][-1]
    core = Core(
        mchid=facts["tenant_id"],
        cert_serial_no=issued["serial"],
        private_key=private_pem,
        apiv3_key="",
        public_key=platform["public_key"],
        public_key_id=platform["serial"],
        timeout=(5, 30),
    )
    core._gate_way = facts["api_url"]

    code, text = core.request("/v1/me")
    me = json.loads(text)
    check("the SDK is recognised", code == 200 and me["certificate"]["serial"] == issued["serial"], me)
    order = {
        "merchant_order_no": "S" + secrets.token_hex(12),
        "sub_mchid": facts["sub_mchid"],
        "sub_appid": facts["sub_appid"],
        "description": "拿铁 latte",
        "amount": {"total": 888, "currency": "CNY"},
        "payer": {"sub_openid": facts["demo_openid"]},
    }
    headers = {"Idempotency-Key": secrets.token_hex(16)}
    code, text = core.request("/v1/orders", RequestType.POST, order, headers=headers)
    placed = json.loads(text)
    check("an order is placed, and the answer verified", code == 201, placed)
    path = f"/v1/orders/{placed['order']['id']}"
    code, text = core.request(path)
    check("it is read", code == 200 and json.loads(text)["description"] == order["description"], text)
    code, text = core.request(f"/v1/orders?merchant_order_no={order['merchant_order_no']}&limit=1")
    check("a query is signed as well", code == 200 and len(json.loads(text)["data"]) == 1, text)
    code, text = core.request(f"{path}/close", RequestType.POST)
    check("it is closed", code == 200 and json.loads(text)["state"] == "closed", text)

    core._public_key_id, trusted = "00" * 20, platform["serial"]
    core._certificates = []
    try:
        core.request("/v1/me")
        verified = True
    except Exception:  # The SDK raises bare exceptions.
        verified = False
    check("an answer under a key that it does not hold is refused by the SDK", not verified, trusted)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--program", required=True, help="the built `tributary`")
    program = parser.parse_args().program
    facts_file = Path(os.environ["TRIBUTARY_DEV_JSON"])
    try:
        run(json.loads(facts_file.read_text()), program, facts_file.parent)
    except (CheckFailed, subprocess.CalledProcessError, OSError) as problem:
        print(f"FAIL {problem!r}", flush=True)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
