"""A changed setting rolls only the pods that read it, and only once."""

from e2e import kube
from e2e.report import check, figure
from e2e.shop import Shop


def run(shop: Shop) -> None:
    ticket, vacancy = shop.uids("ticket"), shop.uids("vacancy")
    shop.change({"ticket": {"vacancyTimeoutMs": 1500}})
    figure("changed ticket setting: until Ready, s", f"{shop.wait_ready():.1f}")
    value = shop.settings("ticket")["VACANCY_TIMEOUT"]
    check(value == "1.500", f"the ConfigMap has {value}")
    check(not ticket & shop.uids("ticket") and vacancy == shop.uids("vacancy"), "ticket's pods are new, vacancy's is not")
    replica_sets = shop.get("replicasets", "-l", f"app.kubernetes.io/instance={shop.name},app.kubernetes.io/component=ticket")["items"]
    revisions = len(replica_sets)

    before = shop.uids()
    shop.change({"ingress": {"host": "fair.127.0.0.1.nip.io"}})
    kube.wait_until("the Ingress has the new host", lambda: shop.get("ingress", shop.name)["spec"]["rules"][0]["host"] == "fair.127.0.0.1.nip.io", 30)
    check(before == shop.uids(), "a new host rolls nothing")

    # Reverting the setting causes one more rollout, not several.
    shop.change({"ticket": {"vacancyTimeoutMs": 2000}})
    shop.wait_ready()
    after = len(shop.get("replicasets", "-l", f"app.kubernetes.io/instance={shop.name},app.kubernetes.io/component=ticket")["items"])
    figure("ReplicaSets per change", after - revisions)
    check(after - revisions <= 1, "a change rolls once")
