"""Opens accounts and offerings in a server that runs, so that made-up requests find something: market.py ADDRESS KEY."""

import json
import sys
import urllib.request

address, key = sys.argv[1:]


def send(path, account, body):
    headers = {
        "Authorization": f"Bearer {key}",
        "Idempotency-Key": f"market {path} {account} {json.dumps(body)}"[:120],
        "Content-Type": "application/json",
    }
    if account:
        headers["On-Behalf-Of"] = account
    request = urllib.request.Request(address + path, json.dumps(body).encode(), headers)
    with urllib.request.urlopen(request) as response:
        return json.load(response)


for account in ("mall", "ann", "ben", "eve"):
    send("/v1/accounts", "", {"account": account, "currency": "USD", "deposit": "1000000.00"})
for offering, terms in (("teapot", {"funded": "3.00", "attached": "1.00"}), ("vase", None)):
    offer = {
        "payee": "mall",
        "price": "10.00",
        "currency": "USD",
        "items": 10_000,
        "reservable_ms": 60_000,
        "information": {"product_name": offering, "settlement": "at purchase"},
    }
    send("/v1/offerings", "mall", {"offering": offering, "offer": offer})
    if terms:
        send(f"/v1/offerings/{offering}/commission", "mall", {"terms": terms, "currency": "USD"})
    send(f"/v1/offerings/{offering}/publish", "mall", {})
send("/v1/merchants/mall/register", "", {"payee": "mall"})
