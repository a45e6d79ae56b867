"""Three vacancy pods share a PostgreSQL over TLS: they sell out exactly; one may crash."""

import os
import time

from e2e import kube, node
from e2e.load import Buyers, check_books, report_outage
from e2e.report import check, figure
from e2e.shop import Shop
from e2e.tls import certificates
from scenarios import sell_out

STOCK = 3000
IMAGE = os.environ.get("POSTGRES_IMAGE", "postgres:17")
PASSWORD = "e2e-only"


def run(first: Shop) -> None:
    shop = Shop(first.namespace, "shared")
    if not kube.exists("namespace", shop.namespace):
        kube.create_namespace(shop.namespace)
    _database(shop)
    started = time.monotonic()
    fixed = {"enabled": False}
    shop.create(
        {
            "stock": {"initial": STOCK},
            "storage": {"postgres": {"secretRef": {"name": "database"}, "caSecretRef": {"name": "database"}}},
            "ticket": {"replicas": 2, "autoscaling": fixed},
            "vacancy": {"replicas": 3, "autoscaling": fixed, "resources": {"requests": {"cpu": "50m", "memory": "64Mi"}}},
        }
    )
    shop.wait_ready()
    figure("from kubectl apply to Ready, three vacancy pods, s", f"{time.monotonic() - started:.1f}")
    check(len(shop.pods("vacancy")) == 3, "three vacancy pods")
    shop.open_doors()
    sell_out.run(shop)

    before = shop.sequence()
    with Buyers(shop.door("ticket"), rate=50) as buyers:
        time.sleep(3)
        node.kill_9(shop.pods("vacancy")[0])
        time.sleep(5)
        shop.wait_ready()
        time.sleep(2)
    report_outage("kill -9 of one of three", buyers.answers)
    check_books(shop, before, buyers.answers, shop.door("ticket"))

    before = shop.sequence()
    with Buyers(shop.door("ticket"), rate=50) as buyers:
        time.sleep(2)
        shop.kubectl("rollout", "restart", f"deployment/{shop.name}-vacancy")
        shop.kubectl("rollout", "status", f"deployment/{shop.name}-vacancy", "--timeout=120s")
        time.sleep(8)
    answers = buyers.answers
    figure("rolling restart of vacancy: purchases / failed", f"{len(answers.all)} / {len(answers.failed)}")
    figure("rolling restart of vacancy: longest time without a sale, ms", answers.gap_ms())
    check(not answers.failed, f"failures: {answers.statuses()} {answers.failed[:3]}")
    check_books(shop, before, answers, shop.door("ticket"))

    shop.kubectl("delete", "ticketsystem", shop.name, "--wait")
    shop.kubectl("delete", "deployment,service,secret", "-l", "app=database")
    shop.kubectl("delete", "secret", f"{shop.name}-admin-token", "--ignore-not-found")
    first.open_doors()


def _database(shop: Shop) -> None:
    labels = {"app": "database"}
    metadata = {"name": "database", "namespace": shop.namespace, "labels": labels}
    container = {
        "name": "postgres",
        "image": IMAGE,
        "imagePullPolicy": "IfNotPresent",
        "env": [
            {"name": "POSTGRES_USER", "value": "ticket"},
            {"name": "POSTGRES_PASSWORD", "value": PASSWORD},
            {"name": "POSTGRES_DB", "value": "ticket"},
            {"name": "PGDATA", "value": "/var/lib/postgresql/data/pgdata"},
        ],
        "args": ["-c", "ssl=on", "-c", "ssl_cert_file=/tls/tls.crt", "-c", "ssl_key_file=/tls/tls.key"],
        "ports": [{"containerPort": 5432}],
        "volumeMounts": [
            {"name": "data", "mountPath": "/var/lib/postgresql/data"},
            {"name": "run", "mountPath": "/var/run/postgresql"},
            {"name": "run", "mountPath": "/tmp"},
            {"name": "tls", "mountPath": "/tls", "readOnly": True},
        ],
        "readinessProbe": {"tcpSocket": {"port": 5432}, "periodSeconds": 1},
        "resources": {"requests": {"cpu": "50m", "memory": "128Mi"}},
        "securityContext": {"allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]}},
    }
    pod = {
        "securityContext": {"runAsNonRoot": True, "runAsUser": 999, "runAsGroup": 999, "fsGroup": 999, "seccompProfile": {"type": "RuntimeDefault"}},
        "enableServiceLinks": False,
        "containers": [container],
        "volumes": [
            {"name": "data", "emptyDir": {}},
            {"name": "run", "emptyDir": {}},
            {"name": "tls", "secret": {"secretName": "database", "defaultMode": 0o640, "items": [{"key": key, "path": key} for key in ("tls.crt", "tls.key")]}},
        ],
    }
    kube.apply(
        {"apiVersion": "v1", "kind": "Secret", "metadata": metadata, "stringData": {"uri": f"postgres://ticket:{PASSWORD}@database:5432/ticket?sslmode=verify-full", **certificates("database")}},
        {"apiVersion": "v1", "kind": "Service", "metadata": metadata, "spec": {"selector": labels, "ports": [{"port": 5432}]}},
        {
            "apiVersion": "apps/v1",
            "kind": "Deployment",
            "metadata": metadata,
            "spec": {"replicas": 1, "selector": {"matchLabels": labels}, "template": {"metadata": {"labels": labels}, "spec": pod}},
        },
    )
    shop.kubectl("rollout", "status", "deployment/database", "--timeout=120s")
