"""Walks through the pages as buyers do, in Chromium.

Every page that is met must have no finding of axe-core, say nothing on the console, ask no other host,
and fit a phone of 360 pixels.
"""

import contextlib
import datetime
import io
import os
import re
import time

import zxingcpp
from axe_playwright_python.sync_playwright import Axe
from PIL import Image
from playwright.sync_api import expect, sync_playwright

PHONE = {"width": 360, "height": 740}
# What the first page of a buyer may take on the wire.
FIRST_PAGE_BYTES_MAX = 30_000
COUNT_SHIFTS = """window.shifted = 0;
new PerformanceObserver((list) => { for (const one of list.getEntries()) window.shifted += one.value; }).observe({type: "layout-shift", buffered: true});"""


def check(service, screenshots):
    expect.set_options(timeout=20_000)
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=os.environ["CHROMIUM"], args=["--no-sandbox", "--disable-dev-shm-usage"])
        walk = Walk(service, chromium, screenshots)
        for story in (purchase, purchase_without_scripts, last_tickets, opening, refused_forms, expiry, waiting_room, lapsed_place, languages, appearance):
            started = time.monotonic()
            story(walk)
            print(f"--- {story.__name__}: {time.monotonic() - started:.1f} s", flush=True)
        chromium.close()
    assert not walk.complaints, "\n".join(walk.complaints)
    print(f"--- {walk.audited} pages: nothing found by axe-core, silent consoles, no other host, no sideways scrolling")


class Walk:
    def __init__(self, service, chromium, screenshots):
        self.service, self.url, self._chromium, self._screenshots = service, service.url, chromium, screenshots
        self.complaints, self.audited = [], 0

    @contextlib.contextmanager
    def browser(self, **options):
        """A page of a new browser, whose complaints are collected."""
        context = self._chromium.new_context(**({"viewport": PHONE, "locale": "en-GB"} | options))
        context.set_default_timeout(20_000)
        page = context.new_page()
        page.on("console", lambda message: self._complain(page, f"console: {message.text}"))
        page.on("pageerror", lambda error: self._complain(page, f"error: {error}"))
        page.on("request", lambda request: self._check_host(page, request.url))
        yield page
        context.close()

    def _complain(self, page, what):
        # A form that was refused is an answer with an error, which the browser reports.
        if "Failed to load resource: the server responded with a status of 4" not in what:
            self.complaints.append(f"{page.url}: {what}")

    def _check_host(self, page, url):
        if not url.startswith((self.url + "/", "data:")):
            self._complain(page, f"asks another host: {url}")

    def audit(self, page):
        """What axe-core finds, and what does not fit a phone."""
        found = Axe().run(page).response["violations"]
        self.complaints += [f"{page.url}: {one['id']}: {one['help']}: {[node['target'] for node in one['nodes']]}" for one in found]
        page.set_viewport_size(PHONE)
        width = page.evaluate("document.scrollingElement.scrollWidth")
        if width > PHONE["width"]:
            self.complaints.append(f"{page.url}: {width} pixels wide on a phone")
        self.audited += 1

    def picture(self, page, name):
        if self._screenshots:
            page.screenshot(path=f"{self._screenshots}/{name}.png", full_page=True)


def eur(cents):
    return {"amount_minor": cents, "currency": "EUR"}


def read_code(page):
    """The text of the first QR code on the page, as a camera sees it."""
    image = Image.open(io.BytesIO(page.locator(".code").first.screenshot()))
    return zxingcpp.read_barcodes(image, formats=zxingcpp.BarcodeFormat.QRCode)[0].text


def purchase(walk):
    """From the list of events to tickets on a phone, while somebody else watches the counts move."""
    stocks = {"general": {"capacity": 5, "price": eur(4550)}, "vip": {"capacity": 2, "price": eur(12000)}}
    walk.service.put_event("opera", {"stocks": stocks})
    with walk.browser() as page, walk.browser() as other:
        other.goto(f"{walk.url}/e/opera")
        expect(other.locator('[data-stock="general"]')).to_have_text("5 tickets left")
        page.goto(f"{walk.url}/e/")
        walk.audit(page)
        page.get_by_role("link", name="opera").click()
        walk.audit(page)
        walk.picture(page, "event-phone")
        page.get_by_label("Number general").fill("3")
        page.get_by_label("Number vip").fill("1")
        page.get_by_role("button", name="Hold these tickets").click()
        expect(page).to_have_url(re.compile(r"/r/[0-9a-f-]{36}$"))
        expect(page.get_by_text("256.50 EUR")).to_be_visible()
        expect(page.locator(".countdown span")).to_have_text(re.compile(r"^\d+:\d\d$"))
        walk.audit(page)
        walk.picture(page, "hold-phone")
        expect(other.locator('[data-stock="general"]')).to_have_text("2 tickets left")
        page.get_by_role("button", name="Buy now").click()
        expect(page.get_by_role("heading", name="Your tickets")).to_be_visible()
        walk.audit(page)
        walk.picture(page, "tickets-phone")
        expect(page.locator(".ticket")).to_have_count(4)
        reservation = page.url.rsplit("/", 1)[-1]
        listed = walk.service.read(f"/api/v1/reservations/{reservation}/tickets")
        assert read_code(page) == listed[0]["ticket"]
        # What was bought stays bought: a reload and the way back change nothing.
        page.reload()
        expect(page.locator(".ticket")).to_have_count(4)
        refund = {"items": [{"stock": "general", "qty": 2}]}
        walk.service.call("POST", f"/api/v1/admin/reservations/{reservation}/refunds", refund)
        page.reload()
        expect(page.locator(".ticket")).to_have_count(2)
        walk.service.call("POST", f"/api/v1/admin/reservations/{reservation}/refunds", {})
        page.reload()
        expect(page.get_by_text("All tickets of this reservation were refunded.")).to_be_visible()
        walk.audit(page)


def purchase_without_scripts(walk):
    walk.service.put_event("plain", {"stocks": {"general": 4}})
    with walk.browser(java_script_enabled=False) as page:
        for decision, shown in (("Give these tickets back", "You gave these tickets back."), ("Buy now", "Your tickets")):
            page.goto(f"{walk.url}/e/plain")
            page.get_by_label("Number general").fill("2")
            page.get_by_role("button", name="Hold these tickets").click()
            expect(page.get_by_text("These tickets are held for you until")).to_be_visible()
            page.get_by_role("button", name=decision).click()
            expect(page.get_by_text(shown, exact=True)).to_be_visible()
        page.get_by_role("link", name="Back to the event").click()
        expect(page.locator("p.left").first).to_have_text("2 tickets left")


def last_tickets(walk):
    """Somebody else takes the last ones first."""
    walk.service.put_event("few", {"stocks": {"general": 2}})
    with walk.browser() as page:
        page.goto(f"{walk.url}/e/few")
        page.get_by_label("Number general").fill("2")
        # The limit of the field follows the count; the form of a browser that has missed it is refused.
        page.evaluate("document.querySelector('form').noValidate = true")
        held = walk.service.hold("few", {"general": 1})
        page.get_by_role("button", name="Hold these tickets").click()
        expect(page.get_by_role("alert")).to_have_text("There are not enough tickets left.")
        expect(page.locator('[data-stock="general"]')).to_have_text("1 ticket left")
        expect(page.get_by_label("Number general")).to_have_value("2")
        walk.audit(page)
        other = walk.service.hold("few", {"general": 1})
        expect(page.locator('[data-stock="general"]')).to_have_text("Sold out")
        page.reload()
        expect(page.get_by_text("2 more are in baskets and may return.")).to_be_visible()
        expect(page.get_by_role("button")).to_have_count(0)
        walk.audit(page)
        # What returns is on sale again, on the page that is open.
        walk.service.call("DELETE", f"/api/v1/holds/{other}")
        expect(page.get_by_role("button", name="Hold these tickets")).to_be_visible()
        walk.service.hold("few", {"general": 1})
        expect(page.get_by_role("button")).to_have_count(0)
        # A sale that is confirmed elsewhere shows when the buyer decides.
        page.goto(f"{walk.url}/r/{held}")
        walk.service.call("POST", f"/api/v1/holds/{held}/confirm", {"payment_ref": "at-the-shop"})
        page.get_by_role("button", name="Give these tickets back").click()
        expect(page.get_by_role("alert")).to_have_text("These tickets are sold already.")
        expect(page.locator(".ticket")).to_have_count(1)
        # The address of the form leads back to the tickets.
        page.goto(page.url)
        expect(page).to_have_url(f"{walk.url}/r/{held}")
        expect(page.locator(".ticket")).to_have_count(1)


def at(seconds):
    """The time that many seconds from now."""
    moment = datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(seconds=seconds)
    return moment.strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def opening(walk):
    """A page that is open before the sale shows the form by itself. A double click holds once."""
    walk.service.put_event("soon", {"stocks": {"general": 5}, "opens_at": at(6)})
    with walk.browser() as page:
        page.goto(f"{walk.url}/e/soon")
        expect(page.get_by_text("On sale from")).to_be_visible()
        expect(page.get_by_role("button", name="Hold these tickets")).to_be_visible()
        page.get_by_label("Number general").fill("2")
        page.get_by_role("button", name="Hold these tickets").dblclick()
        expect(page.get_by_role("button", name="Buy now")).to_be_visible()
        assert walk.service.read("/api/v1/events/soon")["stocks"]["general"]["held"] == 2
        # The way back leads to a new form.
        page.go_back()
        page.get_by_label("Number general").fill("1")
        page.get_by_role("button", name="Hold these tickets").click()
        expect(page.get_by_role("button", name="Buy now")).to_be_visible()
        assert walk.service.read("/api/v1/events/soon")["stocks"]["general"]["held"] == 3


def refused_forms(walk):
    walk.service.put_event("later", {"stocks": {"general": 5}, "opens_at": at(400 * 86_400)})
    walk.service.put_event("past", {"stocks": {"general": 5}, "closes_at": "2020-01-01T00:00:00Z"})
    walk.service.put_event("limited", {"stocks": {"general": 5}, "limit_per_customer": 2})
    walk.service.put_event("shop", {"stocks": {"general": 5}, "sell_by": "seller"})
    script = '"><script>document.title = "taken"</script>'
    with walk.browser() as page:
        page.goto(f"{walk.url}/e/later")
        expect(page.get_by_text("On sale from")).to_be_visible()
        expect(page.get_by_role("button")).to_have_count(0)
        walk.audit(page)
        page.goto(f"{walk.url}/e/past")
        expect(page.get_by_text("The sale has ended.")).to_be_visible()
        page.goto(f"{walk.url}/e/limited")
        page.get_by_role("button", name="Hold these tickets").click()
        # The browser asks for the customer first.
        assert page.url.endswith("/e/limited")
        walk.audit(page)
        page.get_by_label("Your customer number").fill(script)
        page.get_by_role("button", name="Hold these tickets").click()
        expect(page.get_by_role("alert")).to_have_text("Please choose how many tickets you want.")
        page.get_by_label("Your customer number").fill(script)
        page.get_by_label("Number general").fill("3")
        page.get_by_role("button", name="Hold these tickets").click()
        expect(page.get_by_role("alert")).to_have_text("You have reached the limit of tickets per customer.")
        page.get_by_label("Your customer number").fill(script)
        page.get_by_label("Number general").fill("2")
        page.get_by_role("button", name="Hold these tickets").click()
        expect(page.get_by_role("button", name="Buy now")).to_be_visible()
        assert page.title() == "limited", page.title()
        page.goto(f"{walk.url}/e/shop")
        page.get_by_label("Number general").fill("1")
        page.get_by_role("button", name="Hold these tickets").click()
        expect(page.get_by_text("Pay in the shop to confirm these tickets.")).to_be_visible()
        expect(page.get_by_role("button", name="Buy now")).to_have_count(0)
        walk.audit(page)
        for path in ("/e/unheard-of", "/e/Not%20A%20Name", "/r/no-id", "/r/00000000-0000-0000-0000-000000000000"):
            answer = page.goto(walk.url + path)
            assert answer.status == 404, path
            expect(page.get_by_role("heading", name="Not found")).to_be_visible()
        walk.audit(page)
        answer = page.goto(f"{walk.url}/e/?after={script}")
        assert answer.status == 422 and page.title() != "taken"


def expiry(walk):
    walk.service.put_event("short", {"stocks": {"general": 1}, "hold_ttl_s": 3})
    with walk.browser() as page:
        page.goto(f"{walk.url}/e/short")
        page.get_by_label("Number general").fill("1")
        page.get_by_role("button", name="Hold these tickets").click()
        expect(page.locator(".countdown")).to_be_visible()
        # The page says so by itself.
        expect(page.get_by_text("The time to decide has run out")).to_be_visible()
        walk.audit(page)
        page.get_by_role("link", name="Back to the event").click()
        expect(page.locator('[data-stock="general"]')).to_have_text("1 ticket left")


def put_room(walk, event, opens_at, **queue):
    settings = {"draw": False, "active_max": 1, "claim_ttl_s": 60, "opens_at": at(opens_at)} | queue
    walk.service.put_event(event, {"stocks": {"general": 5}, "opens_at": at(opens_at + 1), "queue": settings})


def join(page):
    page.get_by_role("button", name="Join the waiting room").click()
    expect(page.get_by_text("Your place is safe if you close this page.")).to_be_visible()


def waiting_room(walk):
    """Two wait; the second closes the page meanwhile, and has its place when it comes back."""
    put_room(walk, "room-later", 3600)
    put_room(walk, "room", 0)
    with walk.browser() as first, walk.browser() as second:
        first.goto(f"{walk.url}/e/room-later")
        expect(first.get_by_text("The waiting room opens:")).to_be_visible()
        expect(first.get_by_role("button")).to_have_count(0)
        walk.audit(first)
        first.goto(f"{walk.url}/e/room")
        join(first)
        first.get_by_role("button", name="Choose tickets").click()
        expect(first.get_by_label("Number general")).to_be_visible()
        second.goto(f"{walk.url}/e/room")
        join(second)
        expect(second.get_by_text("It is your turn next.")).to_be_visible()
        walk.audit(second)
        walk.picture(second, "waiting-room-phone")
        again = second.context.new_page()
        second.close()
        again.goto(f"{walk.url}/e/room")
        expect(again.get_by_text("It is your turn next.")).to_be_visible()
        first.get_by_label("Number general").fill("1")
        first.get_by_role("button", name="Hold these tickets").click()
        first.get_by_role("button", name="Buy now").click()
        expect(first.locator(".ticket")).to_have_count(1)
        again.get_by_role("button", name="Choose tickets").click()
        # A refusal leaves the pass as it is.
        again.get_by_label("Number general").fill("0")
        again.get_by_role("button", name="Hold these tickets").click()
        expect(again.get_by_role("alert")).to_have_text("Please choose how many tickets you want.")
        again.get_by_label("Number general").fill("2")
        walk.audit(again)
        again.get_by_role("button", name="Hold these tickets").click()
        expect(again.get_by_role("button", name="Buy now")).to_be_visible()
        # A pass is for one hold. With another place, there is another one.
        again.goto(f"{walk.url}/e/room")
        expect(again.get_by_text("Your place was used. You can join again.")).to_be_visible()
        join(again)
    with walk.browser(java_script_enabled=False) as page:
        page.goto(f"{walk.url}/e/room")
        expect(page.get_by_text("The waiting room needs JavaScript.")).to_be_visible()


def lapsed_place(walk):
    """A place whose turn has passed can still come in while there is room."""
    put_room(walk, "absent", 0, claim_ttl_s=2)
    with walk.browser() as page:
        page.goto(f"{walk.url}/e/absent")
        join(page)
        expect(page.get_by_text("It was your turn, and nobody was here.")).to_be_visible()
        walk.audit(page)
        page.get_by_role("button", name="Choose tickets").click()
        page.get_by_label("Number general").fill("1")
        page.get_by_role("button", name="Hold these tickets").click()
        expect(page.get_by_role("button", name="Buy now")).to_be_visible()


def languages(walk):
    for locale, left in (("de-AT", "Noch 7 Tickets"), ("pt-BR", "Restam 7 bilhetes"), ("es-MX", "Quedan 7 entradas"), ("fr-FR", "7 tickets left")):
        with walk.browser(locale=locale) as page:
            page.goto(f"{walk.url}/e/")
            walk.audit(page)
            page.goto(f"{walk.url}/e/opera")
            expect(page.locator("p.left").first).to_have_text(left)
            walk.audit(page)


def appearance(walk):
    """Both colour schemes, and what the first page costs."""
    for scheme in ("light", "dark"):
        with walk.browser(color_scheme=scheme, viewport={"width": 1280, "height": 900}) as page:
            taken = []
            page.add_init_script(COUNT_SHIFTS)
            page.on("requestfinished", lambda request: taken.append(request.sizes()["responseBodySize"] + request.sizes()["responseHeadersSize"]))
            page.goto(f"{walk.url}/e/opera", wait_until="load")
            paint = None
            while paint is None:
                paint = page.evaluate("performance.getEntriesByName('first-contentful-paint')[0]?.startTime ?? null")
            shift = page.evaluate("window.shifted")
            print(f"--- {scheme}: {len(taken)} requests, {sum(taken)} bytes on the wire, first paint after {paint:.0f} ms, layout shift {shift:.3f}")
            assert shift < 0.1, shift
            assert sum(taken) <= FIRST_PAGE_BYTES_MAX, taken
            walk.picture(page, f"event-{scheme}")
            walk.audit(page)
