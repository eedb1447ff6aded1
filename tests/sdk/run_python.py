#!/usr/bin/env python3
"""Holds the simulator against PyPI `wechatpayv3`, unmodified but for its base URL.

Places, queries, closes and refunds partner orders with the platform certificate and with the WeChat Pay public key, lets
the SDK verify and decrypt the notifications, sends an abnormal refund to a card, and downloads bills. Prints one line per check; any failure ends in a non-zero exit.
"""

import argparse
import base64
import gzip
import hashlib
import json
import queue
import secrets
import sys
import threading
import time
import urllib.error
import urllib.parse
import urllib.request
from datetime import datetime, timedelta, timezone
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from wechatpayv3 import WeChatPay, WeChatPayType
from wechatpayv3.core import Core

NOTIFICATION_LIMIT_S = 10
# The bills of the day before yesterday are ready at every hour of today.
BILL_TIME = datetime.now(timezone(timedelta(hours=8))) - timedelta(days=2)
BILL_DATE = BILL_TIME.strftime("%Y-%m-%d")
SUB_APPID = "wx" + secrets.token_hex(8)
OPENID = "o" + secrets.token_hex(13)


class CheckFailed(Exception):
    """A check did not hold."""


def check(name: str, holds: bool, seen: object = "") -> None:
    """Prints the check; a failed one ends the run."""
    if not holds:
        raise CheckFailed(f"{name}: {seen}")
    print(f"ok   {name}", flush=True)


def call(method: str, url: str, body: dict | None = None) -> dict:
    """Calls the control API."""
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(url, data=data, method=method)
    request.add_header("Content-Type", "application/json")
    with urllib.request.urlopen(request, timeout=60) as answer:
        return json.load(answer)


class Receiver:
    """Keeps the notifications that come in, and acknowledges each."""

    def __init__(self) -> None:
        self.notices: queue.Queue = queue.Queue()
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                receiver.notices.put((dict(self.headers.items()), body))
                self.send_response(204)
                self.end_headers()

            def log_message(self, *_: object) -> None:
                """Says nothing: the checks speak."""

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def url(self, path: str) -> str:
        return f"http://127.0.0.1:{self.server.server_port}{path}"

    def next(self) -> tuple[dict, bytes]:
        """The next notification; header names as the SDK looks for them."""
        headers, body = self.notices.get(timeout=NOTIFICATION_LIMIT_S)
        return {name.title(): value for name, value in headers.items()}, body


def sdk(sim: str, keys: dict, receiver: Receiver) -> WeChatPay:
    """The SDK as its README builds it; only the gateway's address is ours."""
    first_request = Core._init_certificates

    def at_the_simulator(core: Core) -> None:
        # In certificate mode the constructor downloads at once, so the address is set just before.
        core._gate_way = sim
        first_request(core)

    public_key = {}
    if keys["key_mode"] == "public_key":
        public_key = {
            "public_key": keys["wechatpay_public_key_pem"],
            "public_key_id": keys["wechatpay_public_key_id"],
        }
    Core._init_certificates = at_the_simulator
    try:
        wxpay = WeChatPay(
            wechatpay_type=WeChatPayType.MINIPROG,
            mchid=keys["sp_mchid"],
            private_key=keys["merchant_private_key_pem"],
            cert_serial_no=keys["merchant_serial"],
            apiv3_key=keys["api_v3_key"],
            appid=keys["sp_appid"],
            notify_url=receiver.url("/pay"),
            partner_mode=True,
            timeout=(5, 30),
            **public_key,
        )
    finally:
        Core._init_certificates = first_request
    wxpay._core._gate_way = sim
    return wxpay


class Run:
    """One provider in one key mode, with one sub-merchant."""

    def __init__(self, sim: str, key_mode: str) -> None:
        self.sim, self.mode = sim, key_mode
        self.keys = call("POST", f"{sim}/_sim/providers", {"key_mode": key_mode})
        self.sub_mchid = call(
            "POST",
            f"{sim}/_sim/sub-merchants",
            {
                "sp_mchid": self.keys["sp_mchid"],
                "name": "SDK 小店",
                "sub_appids": [{"appid": SUB_APPID}],
                "openids": [{"appid": SUB_APPID, "openid": OPENID}],
            },
        )["sub_mchid"]
        self.receiver = Receiver()
        self.wxpay = sdk(sim, self.keys, self.receiver)

    def check(self, name: str, holds: bool, seen: object = "") -> None:
        check(f"{self.mode}: {name}", holds, seen)

    def place(self, out_trade_no: str, total: int = 100) -> tuple[int, dict]:
        code, message = self.wxpay.pay(
            description="Image形象店-深圳腾大-QQ公仔",
            out_trade_no=out_trade_no,
            amount={"total": total, "currency": "CNY"},
            payer={"sub_openid": OPENID},
            attach="from the SDK",
            sub_appid=SUB_APPID,
            sub_mchid=self.sub_mchid,
        )
        return code, json.loads(message)

    def query(self, **number: str) -> tuple[int, dict]:
        code, message = self.wxpay.query(sub_mchid=self.sub_mchid, **number)
        return code, json.loads(message)

    def notified(self, event_type: str) -> dict:
        """The next notification, verified and decrypted by the SDK."""
        headers, body = self.receiver.next()
        result = self.wxpay.callback(headers, body)
        self.check(f"{event_type} is verified and decrypted", bool(result), headers)
        self.check(f"{event_type} is the event", result["event_type"] == event_type, result)
        altered = self.wxpay.callback(headers, body.replace(b'"id":"', b'"id":"0', 1))
        self.check(f"{event_type} altered is refused", not altered, altered)
        return result["resource"]

    def pay_at_cashier(self, prepay_id: str) -> str:
        """Signs with the SDK what a mini-program needs, and pays as a person would."""
        timestamp, nonce = str(int(time.time())), secrets.token_hex(16)
        package = f"prepay_id={prepay_id}"
        signature = self.wxpay.sign([SUB_APPID, timestamp, nonce, package])
        form = urllib.parse.urlencode(
            {
                "appId": SUB_APPID,
                "timeStamp": timestamp,
                "nonceStr": nonce,
                "package": package,
                "signType": "RSA",
                "paySign": signature,
            }
        )
        url = f"{self.sim}/cashier/{prepay_id}"
        with urllib.request.urlopen(f"{url}?{form}", timeout=10) as page:
            self.check("the cashier accepts the SDK's paySign", "立即支付" in page.read().decode())
        with urllib.request.urlopen(f"{url}/pay", data=form.encode(), timeout=10) as page:
            return page.read().decode()

    def payment(self) -> None:
        number = "P" + secrets.token_hex(12)
        code, prepay = self.place(number)
        self.check("an order is placed", code == 200 and "prepay_id" in prepay, prepay)
        code, again = self.place(number)
        fresh = again.get("prepay_id") not in (None, prepay["prepay_id"])
        self.check("the same order gives a fresh prepay_id", code == 200 and fresh, again)
        code, other = self.place(number, total=101)
        refused = code == 400 and other["code"] == "INVALID_REQUEST"
        self.check("other parameters are refused", refused, other)
        code, order = self.query(out_trade_no=number)
        self.check("the order is unpaid", order.get("trade_state") == "NOTPAY", order)
        self.check("paying succeeds", "支付成功" in self.pay_at_cashier(again["prepay_id"]))
        notice = self.notified("TRANSACTION.SUCCESS")
        self.check("the notice names the order", notice["out_trade_no"] == number, notice)
        self.check("the notice names the amount", notice["amount"]["total"] == 100, notice)
        code, order = self.query(transaction_id=notice["transaction_id"])
        self.check("the query agrees with the notice", order["trade_state"] == "SUCCESS", order)
        self.refund(number, notice["transaction_id"])

    def refund(self, number: str, transaction_id: str) -> None:
        refund_number = "R" + secrets.token_hex(12)
        code, message = self.wxpay.refund(
            out_refund_no=refund_number,
            amount={"refund": 40, "total": 100, "currency": "CNY"},
            transaction_id=transaction_id,
            reason="商品已售完",
            notify_url=self.receiver.url("/refund"),
            sub_mchid=self.sub_mchid,
        )
        refund = json.loads(message)
        self.check("a refund is accepted", code == 200 and refund["status"] == "PROCESSING", refund)
        result = {"result": "SUCCESS", "sp_mchid": self.keys["sp_mchid"]}
        call("POST", f"{self.sim}/_sim/refunds/{refund_number}/result", result)
        notice = self.notified("REFUND.SUCCESS")
        self.check("the refund's notice names it", notice["out_refund_no"] == refund_number, notice)
        code, message = self.wxpay.query_refund(refund_number, sub_mchid=self.sub_mchid)
        refund = json.loads(message)
        self.check("the refund is found", code == 200 and refund["status"] == "SUCCESS", refund)
        code, order = self.query(out_trade_no=number)
        self.check("the order tells of a refund", order["trade_state"] == "REFUND", order)

    def abnormal_refund(self) -> None:
        number, refund_number = "A" + secrets.token_hex(12), "R" + secrets.token_hex(12)
        self.place(number)
        owner = {"sp_mchid": self.keys["sp_mchid"]}
        call("POST", f"{self.sim}/_sim/orders/{number}/pay", owner)
        self.notified("TRANSACTION.SUCCESS")
        code, message = self.wxpay.refund(
            out_refund_no=refund_number,
            amount={"refund": 100, "total": 100, "currency": "CNY"},
            out_trade_no=number,
            notify_url=self.receiver.url("/refund"),
            sub_mchid=self.sub_mchid,
        )
        refund_id = json.loads(message)["refund_id"]
        settle = f"{self.sim}/_sim/refunds/{refund_number}/result"
        call("POST", settle, {"result": "ABNORMAL", **owner})
        notice = self.notified("REFUND.ABNORMAL")
        self.check("the refund is abnormal", notice["refund_status"] == "ABNORMAL", notice)
        code, message = self.wxpay.abnormal_refund(
            refund_id=refund_id,
            out_refund_no=refund_number,
            type="USER_BANK_CARD",
            bank_type="ICBC_DEBIT",
            bank_account="6222020200012345678",
            real_name="张三",
            sub_mchid=self.sub_mchid,
        )
        refund = json.loads(message)
        sent = code == 200 and refund["status"] == "PROCESSING"
        self.check("the abnormal refund is sent to a card", sent, refund)
        shown = refund["user_received_account"].endswith("5678")
        self.check("the card's number was decrypted", shown, refund)
        call("POST", settle, {"result": "SUCCESS", **owner})
        notice = self.notified("REFUND.SUCCESS")
        self.check("the abnormal refund succeeds", notice["out_refund_no"] == refund_number, notice)

    def download(self, applied: dict) -> bytes:
        """The file of a bill as the SDK downloads it."""
        code, file = self.wxpay.download_bill(applied["download_url"])
        self.check("the bill is downloaded", code == 200, (code, file))
        return file

    def file_of(self, name: str, answer: tuple[int, str], packed: bool) -> list[str]:
        """Downloads a bill, holds it against its hash, and answers its lines."""
        code, message = answer
        applied = json.loads(message)
        self.check(f"the {name} is applied for", code == 200, applied)
        file = self.download(applied)
        text = gzip.decompress(file) if packed else file
        digest = hashlib.sha1(text).hexdigest()
        self.check(f"the {name} matches its hash", digest == applied["hash_value"].lower(), digest)
        return text.decode().splitlines()

    def bills(self) -> None:
        number = "B" + secrets.token_hex(12)
        self.place(number)
        past = {"sp_mchid": self.keys["sp_mchid"], "success_time": BILL_TIME.isoformat("T", "seconds")}
        call("POST", f"{self.sim}/_sim/orders/{number}/pay", past)
        self.notified("TRANSACTION.SUCCESS")
        top_up = {"sp_mchid": self.keys["sp_mchid"], "amount": 10_000, "time": past["success_time"]}
        call("POST", f"{self.sim}/_sim/fund-flows", top_up)
        for packed in (False, True):
            lines = self.trade_bill(packed)
            self.check("the trade bill has one row", len(lines) == 4, lines)
            row = dict(zip(lines[0].split(","), lines[1][1:].split(",`")))
            named = row["商户订单号"] == number and row["特约商户号"] == self.sub_mchid
            self.check("the row names the order", named, row)
            self.check("the row names the amount", row["订单金额"] == "1.00", row)
        answer = self.wxpay.fundflow_bill(BILL_DATE)
        lines = self.file_of("fund-flow bill", answer, packed=True)
        self.check("the fund-flow bill has the top-up", "`收入,`100.00,`100.00," in lines[1], lines)
        self.sub_merchant_bill(number)
        today = datetime.now(timezone(timedelta(hours=8))).strftime("%Y-%m-%d")
        code, message = self.wxpay.trade_bill(today)
        self.check("today's bill is refused", code == 400, message)

    def trade_bill(self, packed: bool) -> list[str]:
        if packed:
            return self.file_of("packed trade bill", self.wxpay.trade_bill(BILL_DATE), packed)
        # The SDK always asks for a packed one; its core asks for anything.
        path = f"/v3/bill/tradebill?bill_date={BILL_DATE}&sub_mchid={self.sub_mchid}"
        return self.file_of("trade bill", self.wxpay._core.request(path), packed)

    def sub_merchant_bill(self, number: str) -> None:
        """The SDK downloads; it does not decrypt bills, so `cryptography` does."""
        code, message = self.wxpay.submch_fundflow_bill(self.sub_mchid, BILL_DATE, "BASIC")
        applied = json.loads(message)
        one = code == 200 and applied["download_bill_count"] == 1
        self.check("the sub-merchant's fund flow is applied for", one, applied)
        part = applied["download_bill_list"][0]
        private_key = serialization.load_pem_private_key(
            self.keys["merchant_private_key_pem"].encode(), None
        )
        oaep = padding.OAEP(padding.MGF1(hashes.SHA1()), hashes.SHA1(), None)
        key = private_key.decrypt(base64.b64decode(part["encrypt_key"]), oaep)
        text = AESGCM(key).decrypt(part["nonce"].encode(), self.download(part), None)
        digest = hashlib.sha1(text).hexdigest()
        self.check("the sub-merchant's fund flow matches its hash", digest == part["hash_value"])
        self.check("the sub-merchant's fund flow has the payment", number in text.decode(), text)

    def refuses(self, headers: dict, body: bytes) -> bool:
        """Whether the SDK finds that a notification is not WeChat's; it may say so by an exception."""
        try:
            return not self.wxpay.callback(headers, body)
        except Exception:  # The SDK raises bare exceptions of several libraries.
            return True

    def impostors(self) -> None:
        for kind in ("notification_forged", "notification_probe", "notification_wrong_signature"):
            number = "I" + secrets.token_hex(12)
            self.place(number)
            fault = {"kind": kind, "count": 1, "out_trade_no": number}
            call("POST", f"{self.sim}/_sim/faults", fault)
            owner = {"sp_mchid": self.keys["sp_mchid"]}
            call("POST", f"{self.sim}/_sim/orders/{number}/pay", owner)
            self.check(f"{kind} is refused", self.refuses(*self.receiver.next()))
            if kind != "notification_wrong_signature":
                notice = self.notified("TRANSACTION.SUCCESS")
                self.check("the genuine one follows", notice["out_trade_no"] == number, notice)

    def closing(self) -> None:
        number = "C" + secrets.token_hex(12)
        self.place(number)
        code, message = self.wxpay.close(number, sub_mchid=self.sub_mchid)
        self.check("an order is closed", code == 204, message)
        code, order = self.query(out_trade_no=number)
        self.check("the order is closed", order.get("trade_state") == "CLOSED", order)
        code, closed = self.place(number)
        self.check("a closed number is used up", closed.get("code") == "ORDER_CLOSED", closed)
        code, missing = self.query(out_trade_no="N" + secrets.token_hex(12))
        absent = code == 404 and missing["code"] == "ORDER_NOT_EXIST"
        self.check("an unknown number is not found", absent, missing)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sim", required=True, help="the simulator's URL")
    sim = parser.parse_args().sim.rstrip("/")
    try:
        for key_mode in ("certificate", "public_key"):
            run = Run(sim, key_mode)
            run.payment()
            run.abnormal_refund()
            run.bills()
            run.impostors()
            run.closing()
    except (CheckFailed, urllib.error.URLError, queue.Empty) as problem:
        print(f"FAIL {problem!r}", flush=True)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
