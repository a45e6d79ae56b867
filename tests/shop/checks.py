"""What must hold in the end, whatever went wrong: each function returns the violations that it found."""

import collections


def money(ledger, intents):
    """For each payment: captured - returned = sold - refunded, and nothing is captured that bought nothing."""
    wrong = []
    bought, due = ledger.bought(), ledger.due()
    for payment in sorted(set(intents) | set(bought) | set(due), key=str):
        intent = intents.get(payment)
        if intent is None:
            wrong.append(f"{payment} is in the ledger, and the provider does not know it")
            continue
        holds = [ledger.holds[id] for id in bought[payment]]
        sold = sum(hold.total - hold.total * hold.refunded_qty // hold.qty for hold in holds)
        if intent.captured - intent.returned != sold:
            wrong.append(f"{payment}: captured {intent.captured}, returned {intent.returned}, sold - refunded {sold}")
        if len(holds) > 1:
            wrong.append(f"{payment} bought {len(holds)} holds")
        if holds and not intent.captured:
            wrong.append(f"{payment} bought a hold and was not captured ({intent.status})")
        # A payment with two steps is never captured before its ticket is sold.
        if intent.manual and intent.captured and not holds:
            wrong.append(f"{payment} was captured and bought nothing")
        if intent.manual and intent.captured and any(intent.captured_ms < hold.confirmed_ms for hold in holds):
            wrong.append(f"{payment} was captured before its hold was sold")
        if due[payment] > 1:
            wrong.append(f"{payment} has {due[payment]} records refund_due")
        if due[payment] and holds:
            wrong.append(f"{payment} came too late and bought a hold later")
    return wrong


def holds(ledger, capacity, event):
    """No more sold than there is, each hold sold to one payment, each order held once."""
    wrong = list(ledger.problems)
    if ledger.sold_max > capacity:
        wrong.append(f"{ledger.sold_max} sold of {capacity}")
    stock = event["stocks"]["general"]
    if stock["sold"] != ledger.sold or stock["available"] + stock["held"] + stock["sold"] != capacity:
        wrong.append(f"the counts are {stock}, the ledger has {ledger.sold} sold")
    for id, hold in ledger.holds.items():
        if len(hold.confirmed_by) > 1:
            wrong.append(f"hold {id} was confirmed by {hold.confirmed_by}")
    return wrong


def shop(ledger, intents, state, acknowledged, planned):
    """The shop knows all orders that it acknowledged, has finished all, and agrees with ledger and provider."""
    orders = {order["id"]: order for order in state["orders"]}
    wrong = [f"{id} was acknowledged and is lost" for id in sorted(acknowledged - orders.keys())]
    if len(acknowledged) != planned:
        wrong.append(f"{len(acknowledged)} of {planned} orders were acknowledged")
    per_customer = collections.Counter(order["customer"] for order in orders.values())
    for customer, count in collections.Counter(hold.customer for hold in ledger.holds.values()).items():
        if count > per_customer[customer]:
            wrong.append(f"{customer} has {per_customer[customer]} orders and {count} holds")
    for payment, count in collections.Counter(intent.payment for intent in intents.values()).items():
        if count > 1:
            wrong.append(f"payment {payment} of the shop has {count} intents")
    for order in orders.values():
        if order["state"] not in ("held", "refused"):
            wrong.append(f"{order['id']} is {order['state']}: {order['reason']}")
    bought, due = ledger.bought(), ledger.due()
    for payment in state["payments"]:
        wrong += _payment(payment, orders[payment["order_id"]], ledger, bought, due)
    return wrong


def _payment(payment, order, ledger, bought, due):
    intent, state = payment["intent"], payment["state"]
    name = f"payment {payment['id']} ({intent}, {state}, {payment['reason']})"
    if state not in ("captured", "voided", "refunded"):
        return [f"{name} is not finished"]
    wrong = []
    has = bought.get(intent) == [order["hold"]]
    if has != (state == "captured" or payment["reason"] == "returned"):
        wrong.append(f"{name}: it bought {bought.get(intent)}")
    if (payment["reason"] == "refund_due") != (due[intent] == 1):
        wrong.append(f"{name}: {due[intent]} records refund_due")
    if payment["reason"] == "returned" and ledger.holds[order["hold"]].refunded_qty != order["qty"]:
        wrong.append(f"{name}: the tickets were not returned")
    return wrong
