"""Buys tickets, and reads them as a gate of somebody else would.

`cwt` verifies each ticket with the published keys alone, and `zxing-cpp` reads its SVG and its PNG as
printed on 2 cm x 2 cm at 300 dpi. Tickets with any other text are refused.
"""

import base64
import hashlib
import io

import base45
import cwt
import resvg_py
import zxingcpp
from PIL import Image

# 2 cm at 300 dpi.
PRINT_PIXELS = round(2 / 2.54 * 300)
# The longest names, which stand for themselves no more, and short ones.
EVENTS = {"gala": ("general", "vip"), "a" * 64: ("b" * 64, "c" * 13)}
# COSE: key type, curve and x of an OKP key, its id, algorithm, operation `verify`.
KTY, KID, ALG, KEY_OPS, CRV, X = 1, 2, 3, 4, -1, -2
OKP, ED25519, EDDSA, VERIFY = 1, 6, -8, 2
AUDIENCE = 3
MUTATIONS = 2_000
ALPHABET = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ $%*+-./:"


def decoded(text):
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def cose_keys(service):
    """The published keys as COSE keys, by their id in tickets."""
    published = service.read("/.well-known/ticket-keys.json")["keys"]
    keys = [
        {KTY: OKP, CRV: ED25519, ALG: EDDSA, KEY_OPS: [VERIFY], KID: decoded(key["ticket_kid"]), X: decoded(key["x"])}
        for key in published
    ]
    return [cwt.COSEKey.new(key) for key in keys]


def short(name):
    """The name in a ticket."""
    if len(name) <= 13:
        return name
    return "~" + base64.urlsafe_b64encode(hashlib.sha256(name.encode()).digest()[:9]).decode()


def verified(text, keys):
    """The claims of a ticket. Raises when it is none."""
    prefix, body = text[:5], text[5:]
    if prefix != "TKT1:":
        raise ValueError("not a ticket")
    return cwt.decode(base45.b45decode(body), keys)


def printed(image):
    """The image as it comes from a print of 2 cm x 2 cm, read by a camera of no better resolution."""
    return image.convert("L").resize((PRINT_PIXELS, PRINT_PIXELS), Image.Resampling.BILINEAR)


def read(image):
    found = zxingcpp.read_barcodes(image, formats=zxingcpp.BarcodeFormat.QRCode)
    assert len(found) == 1, f"{len(found)} codes"
    return found[0]


def check_reservation(service, event, reservation, bought, keys):
    """Checks every ticket; returns their texts."""
    listed = service.read(f"/api/v1/reservations/{reservation}/tickets")
    expected = [(stock, n) for stock, qty in sorted(bought.items()) for n in range(1, qty + 1)]
    assert [(ticket["stock"], ticket["n"]) for ticket in listed] == expected, listed
    for ticket in listed:
        claims = verified(ticket["ticket"], keys)
        wanted = {AUDIENCE: short(event), "n": ticket["n"], "r": bytes.fromhex(reservation.replace("-", "")), "s": short(ticket["stock"])}
        assert claims == wanted, (claims, wanted)
        svg = service.call("GET", ticket["qr"]).decode()
        png = service.call("GET", ticket["qr"].replace(".svg?", ".png?"))
        drawn = Image.open(io.BytesIO(bytes(resvg_py.svg_to_bytes(svg_string=svg, width=4 * PRINT_PIXELS))))
        for image in (drawn, Image.open(io.BytesIO(png))):
            code = read(printed(image))
            assert code.text == ticket["ticket"], code.text
            assert code.ec_level == "M", code.ec_level
    return [ticket["ticket"] for ticket in listed]


def check_mutations(texts, keys, generator):
    """No other text is a ticket."""
    for _ in range(MUTATIONS):
        text = list(generator.choice(texts))
        text[generator.randrange(5, len(text))] = generator.choice(ALPHABET)
        text = "".join(text)
        if text in texts:
            continue
        try:
            claims = verified(text, keys)
        except Exception:
            continue
        raise AssertionError(f"accepted: {text} {claims}")


def check(service, generator):
    """Checks tickets of short and long names, and that no other text is a ticket."""
    keys, texts = None, []
    for event, stocks in EVENTS.items():
        service.put_event(event, {"stocks": {stock: 100 for stock in stocks}})
        for qty in (1, 12):
            bought = {stock: qty for stock in stocks}
            hold = service.hold(event, bought)
            service.call("POST", f"/api/v1/holds/{hold}/confirm", {})
            keys = keys or cose_keys(service)
            texts += check_reservation(service, event, hold, bought, keys)
    assert len(set(texts)) == len(texts), "a text is that of two tickets"
    check_mutations(texts, keys, generator)
    longest = max(len(text) for text in texts)
    print(f"--- {len(texts)} tickets verified and read from {PRINT_PIXELS} x {PRINT_PIXELS} pixels; the longest has {longest} characters; {MUTATIONS} changed ones refused")
