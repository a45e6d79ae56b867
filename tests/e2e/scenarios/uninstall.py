"""A deleted system keeps its data, and a new one of the same name adopts it, until DATA=delete."""

import time

from e2e import kube
from e2e.report import check, figure
from e2e.shop import ROLES, Shop


def run(shop: Shop) -> None:
    spec = shop.status()["spec"]
    sales, tokens = shop.sold(), _tokens(shop)
    kept = [f"pvc/{shop.name}-data", *(f"secret/{shop.name}-{role}-token" for role in ROLES)]

    started = time.monotonic()
    shop.kubectl("delete", "ticketsystem", shop.name, "--wait")
    _wait_gone(shop)
    figure("system deleted, s", f"{time.monotonic() - started:.1f}")
    _check_left(shop, *kept)
    shop.create(spec)
    figure("recreated: until Ready, s", f"{shop.wait_ready():.1f}")
    check(shop.sold() == sales and _tokens(shop) == tokens, "the stock, every sale and the tokens are the same")

    others = [f"{s['metadata']['namespace']}/{s['metadata']['name']}" for s in kube.get("ticketsystems", "-A")["items"] if s["metadata"]["namespace"] != shop.namespace]
    check(not others, f"no other system needs the operator and the TicketSystem definition: {others}")
    kube.kubectl("delete", "-k", "k8s/", "--wait", timeout_s=180)
    _wait_gone(shop)
    _check_left(shop, *kept)
    kube.run("scripts/deploy")
    shop.create(spec)
    figure("operator and definition reinstalled: until Ready, s", f"{shop.wait_ready():.1f}")
    check(shop.sold() == sales and _tokens(shop) == tokens, "the stock, every sale and the tokens are the same")
    figure("sales preserved", len(sales))

    print(kube.run("scripts/clean", env={**shop.env(), "DATA": "delete"}).rstrip())
    check(not shop.kubectl("get", *kept, "--ignore-not-found", "-o", "name").strip(), "with DATA=delete, the data is deleted")
    check(not kube.exists("namespace", kube.OPERATOR_NAMESPACE) and not kube.exists("crd", "ticketsystems.ticket-system.io"), "nothing is left")


def _tokens(shop: Shop) -> list[str]:
    return [shop.token(role) for role in ROLES]


def _wait_gone(shop: Shop) -> None:
    of = ("-l", f"app.kubernetes.io/instance={shop.name}")
    kube.wait_until("its children are gone", lambda: not shop.kubectl("get", "deployments,pods,services,hpa,ingress", *of, "-o", "name").strip(), 90)


def _check_left(shop: Shop, *names: str) -> None:
    left = shop.kubectl("get", *names, "-o", "name").split()
    check(len(left) == len(names), f"the data is kept: {left}")
