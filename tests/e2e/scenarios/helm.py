"""Helm: install, test, an upgrade that restarts no pod, uninstall and reinstall with the data."""

import time

from e2e import kube
from e2e.report import check, figure
from e2e.shop import Shop

CHART, RELEASE = "charts/ticket-system", "fair"
STOCK = 500


def run(_: Shop) -> None:
    check(not kube.exists("-n", kube.OPERATOR_NAMESPACE, "deployment", "ticket-system-operator"), "the operator installed by kustomize is gone; otherwise two operators would manage one system")
    shop = Shop("e2e-helm", RELEASE)
    kube.create_namespace(shop.namespace)

    started = time.monotonic()
    _helm(shop, "install", kube.TAG)
    shop.wait_ready()
    figure("from helm install to Ready, s", f"{time.monotonic() - started:.1f}")
    shop.open_doors()
    kube.run("helm", "-n", shop.namespace, "test", RELEASE, "--timeout", "120s", timeout_s=180)
    check(shop.available() == STOCK - 1, "helm test bought one ticket")
    figure("helm test", "bought one ticket")

    before = shop.uids("ticket") | shop.uids("vacancy")
    _helm(shop, "upgrade", kube.TAG, "--set", f"images.operator.tag={kube.NEXT_TAG}")
    time.sleep(5)
    check(shop.uids("ticket") | shop.uids("vacancy") == before, "an upgrade of the operator restarts no pod of the system")
    figure("operator upgraded, pods of the system restarted", 0)

    sales, token = shop.sold(), shop.token()
    kube.run("helm", "-n", shop.namespace, "uninstall", RELEASE, "--wait", "--timeout", "120s", timeout_s=180)
    kube.wait_until("its pods are gone", lambda: not shop.pods(), 90)
    check(kube.exists("-n", shop.namespace, "pvc", f"{RELEASE}-data") and kube.exists("crd", "ticketsystems.ticket-system.io"), "volume and definition stay")
    _helm(shop, "install", kube.TAG)
    shop.wait_ready()
    check(shop.sold() == sales and shop.token() == token, "the stock, every sale and the token are the same")
    figure("after uninstall and install: sales preserved", len(sales))
    kube.run("helm", "-n", shop.namespace, "uninstall", RELEASE, "--wait", "--timeout", "120s", timeout_s=180)
    kube.wait_until("its pods are gone", lambda: not shop.pods(), 90)
    kube.kubectl("delete", "crd", "ticketsystems.ticket-system.io", "--ignore-not-found")


def _helm(shop: Shop, verb: str, tag: str, *more: str) -> None:
    images = [arg for name in ("ticket", "vacancy", "operator") for arg in ("--set", f"images.{name}.repository={kube.PREFIX}/{name}", "--set", f"images.{name}.tag={tag}")]
    system = ["--set", "ticketSystem.enabled=true", "--set", f"ticketSystem.spec.stock.initial={STOCK}", "--set", f"operator.watchNamespaces={{{shop.namespace}}}"]
    kube.run("helm", "-n", shop.namespace, verb, RELEASE, CHART, "--wait", "--timeout", "180s", *images, *system, *more, timeout_s=240)
