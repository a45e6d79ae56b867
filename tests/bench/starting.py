"""Starting and resting: time from start to ready, and memory at rest, with nothing and with many reservations."""

import json
import time
import urllib.error
import urllib.request

from processes import DIRECT, Process

STOCK = 1_000_000_000
BATCH = 500


def measure(bin_dir, data, rows):
    env = {"DATA_DIR": str(data / "start"), "INITIAL_STOCK": str(STOCK), "MAX_CAPACITY": str(STOCK)}
    kinds = {"vacancy": ([bin_dir / "vacancy"], env), "monolith": ([bin_dir / "ticket"], env | {"DEPLOYMENT_MODE": "monolith"})}
    results = []
    for name, (command, variables) in kinds.items():
        variables = variables | {"DATA_DIR": f"{data}/start-{name}"}
        results.append({"what": f"{name}, new", "rows": 0} | start(name, command, variables))
        results.append({"what": f"{name}, empty", "rows": 0} | start(name, command, variables))
        with Process(name, command, variables) as process:
            fill(process, rows)
            loaded = process.rss_mb()
        results.append({"what": f"{name}, {rows:,} reservations", "rows": rows, "rss_loaded_mb": loaded} | start(name, command, variables))
    with Process("vacancy", *kinds["vacancy"]) as vacancy:
        results.append({"what": "ticket", "rows": 0} | start("ticket", [bin_dir / "ticket"], {"VACANCY_URL": vacancy.url}))
    return results


def start(name, command, env):
    """Seconds until /ready says 200, and the memory two seconds later."""
    began = time.monotonic()
    with Process(name, command, env) as process:
        while not is_ready(process):
            time.sleep(0.002)
        ready_s = time.monotonic() - began
        time.sleep(2)
        return {"ready_s": ready_s, "rss_idle_mb": process.rss_mb()}


def is_ready(process):
    try:
        with DIRECT.open(f"{process.url}/ready", timeout=5) as answer:
            return answer.status == 200
    except urllib.error.HTTPError:
        return False


def fill(process, rows):
    for first in range(0, rows, BATCH):
        items = [{"qty": 1, "key": f"start-{number}"} for number in range(first, min(first + BATCH, rows))]
        request = urllib.request.Request(
            f"{process.url}/api/v1/reserve/batch", json.dumps(items).encode(), {"content-type": "application/json"}
        )
        with DIRECT.open(request, timeout=30) as answer:
            slots = json.load(answer)
        if not all(slot.get("success") for slot in slots):
            raise RuntimeError(f"not all of a batch were sold: {slots[:3]}")


def table(results):
    lines = ["", "| what | start to ready s | RSS MB, at rest | after filling |", "|---|--:|--:|--:|"]
    for result in results:
        loaded = f"{result['rss_loaded_mb']:.0f}" if "rss_loaded_mb" in result else ""
        lines.append(f"| {result['what']} | {result['ready_s']:.3f} | {result['rss_idle_mb']:.0f} | {loaded} |")
    return "\n".join(lines)
