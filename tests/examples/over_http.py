"""What a shop does, in plain httpx, with nothing read but the API page: python over_http.py URL CUSTOMER (token in env)."""

import os
import sys
import time
from datetime import datetime, timedelta

import httpx

url, customer = sys.argv[1:3]
api = httpx.Client(base_url=f"{url}/api/v1", headers={"Authorization": f"Bearer {os.environ['SMSBOT_TOKEN']}"})


def post(path: str, body: object, key: str = "") -> dict[str, object]:
    answer = api.post(path, json=body, headers={"Idempotency-Key": key} if key else {})
    assert answer.is_success, answer.text
    found: dict[str, object] = answer.json()
    return found


def get(path: str, **query: str) -> dict[str, object]:
    answer = api.get(path, params=query or None)
    assert answer.is_success, answer.text
    found: dict[str, object] = answer.json()
    return found


def arrived(message: object) -> None:
    while get(f"/messages/{message}")["arrived"] is None:
        time.sleep(0.05)


# 1. "Order shipped", with our own order number; the same request sent again sends nothing twice.
order = {"to": customer, "text": "Your order 1001 is on its way.", "reference": "order-1001"}
first = post("/messages", order, key="order-1001-shipped")
assert post("/messages", order, key="order-1001-shipped") == first
message = first["messages"][0]["id"]  # type: ignore[index]

# 2. Its delivery status, by our id or by the order number.
arrived(message)
verdict = post("/find", {"reference": "order-1001"})
print("verdict:", verdict["verdict"], "-", verdict["say"])

# 4. A flow, an event with checked data: whether it began; how it ended; cancel it.
print("event:", post("/events", {"event": "shipped", "to": customer, "data": {"order": "1001"}})["status"])
refused = api.post("/events", json={"event": "shipped", "to": customer, "data": {"parcels": "many"}}).json()
print("refused:", "; ".join(f"{e['field']} {e['reason']}" for e in refused["errors"]))
begun = post("/conversations", {"flow": "feedback", "to": customer})
print("flow:", begun["status"])
place = f"/conversations/{begun['line']}/{customer}"
print("open:", get(place)["open"])
arrived(get("/messages", number=customer, limit="1")["messages"][0]["id"])  # type: ignore[index]  # its question
post(f"{place}/end", {})
while get(place)["open"]:
    time.sleep(0.05)
print("ended:", get(place)["runs"][0]["end"])  # type: ignore[index]

# 5. A one-time code, and what the customer typed; the code itself is told to nobody.
asked = post("/otp", {"to": customer, "text": "Your code is {code}", "purpose": "sign-in"})
arrived(asked["message"])
print("typed wrong:", post("/otp/check", {"to": customer, "code": "12", "purpose": "sign-in"})["result"])
typed = input()
print("typed:", post("/otp/check", {"to": customer, "code": typed, "purpose": "sign-in"})["result"])
print("again:", post("/otp/check", {"to": customer, "code": typed, "purpose": "sign-in"})["result"])

# 6. A text tomorrow at 9:00 of the customer's own time zone; listed, and cancelled.
api.patch(f"/contacts/{customer}", json={"timezone": "America/New_York"})
nine = (datetime.now() + timedelta(days=1)).strftime("%Y-%m-%dT09:00")
later = post("/messages", {"to": customer, "text": "Good morning!", "send_at": nine})
listed = get(f"/messages?request={later['id']}")["messages"][0]  # type: ignore[index]
print("scheduled:", listed["status"])
print("cancelled:", post(f"/messages/{listed['id']}/cancel", {})["status"])

# 7. Five hundred customers, a thousand a second here, 10 there: progress; stopped half way; a code overtakes it.
many = [f"+4850020{n:04d}" for n in range(500)]
sale = post("/messages", {"to": many, "text": "Sale!", "kind": "bulk", "rate": 10})
time.sleep(0.5)
code = post("/messages", {"to": customer, "text": "Your code is 482913", "kind": "code"})
arrived(code["messages"][0]["id"])  # type: ignore[index]
waiting = get(f"/requests/{sale['id']}")["counts"]["scheduled"]  # type: ignore[index]
stopped = post(f"/requests/{sale['id']}/cancel", {})["cancelled"]
print("the code overtook:", waiting > 400, "stopped:", stopped > 400)  # type: ignore[operator]
