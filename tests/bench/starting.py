"""Starting and resting: time from start to ready, and memory at rest, with nothing and with many reservations."""

import json
import time
import urllib.error
import urllib.request

from processes import DIRECT, Process

STOCK = 1_000_000_000
BATCH = 500
SETTLE_S = 20


def measure(bin_dir, data, rows, cost):
    """`cost` loads processes with reservations, alternately, and tells how many each did in a second and what CPU time they took."""
    env = {"DATA_DIR": f"{data}/start", "INITIAL_STOCK": str(STOCK), "MAX_CAPACITY": str(STOCK)}
    kinds = {"vacancy": ([bin_dir / "vacancy"], env), "monolith": ([bin_dir / "ticket"], env | {"DEPLOYMENT_MODE": "monolith"})}
    results = []
    for name, (command, variables) in kinds.items():
        variables = variables | {"DATA_DIR": f"{data}/start-{name}"}
        results.append({"what": f"{name}, new", "rows": 0} | start(name, command, variables))
        results.append({"what": f"{name}, empty", "rows": 0} | start(name, command, variables))
    with Process("vacancy", *kinds["vacancy"]) as process:
        fill(process, rows)
        loaded = process.rss_mb()
    # Both read the same data.
    for name, (command, variables) in kinds.items():
        results.append({"what": f"{name}, {rows:,} reservations with keys", "rows": rows} | start(name, command, variables))
    few = env | {"DATA_DIR": f"{data}/start-few"}
    with Process("vacancy", [bin_dir / "vacancy"], few) as with_few, Process("vacancy", *kinds["vacancy"]) as with_all:
        # What was filled at full speed may still be being sorted.
        time.sleep(SETTLE_S)
        costs = cost({"few": with_few, "all": with_all})
    results[-2] |= {"rss_loaded_mb": loaded, "reserve": {"rows": rows} | costs["all"], "reserve_with_few": {"rows": 0} | costs["few"]}
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
    """Sells one by one, each with a key of its own."""
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
    costs = []
    for result in results:
        loaded = f"{result['rss_loaded_mb']:.0f}" if "rss_loaded_mb" in result else ""
        lines.append(f"| {result['what']} | {result['ready_s']:.3f} | {result['rss_idle_mb']:.0f} | {loaded} |")
        if "reserve" in result:
            few, many = result["reserve_with_few"], result["reserve"]
            for cost, factor in ((few, 1), (many, many["cpu_us_per_request"] / few["cpu_us_per_request"])):
                costs.append(f"| {cost['rows']:,} | {cost['rate_per_s']:,.0f} | {cost['cpu_us_per_request']:.1f} | {factor:.2f} |")
    head = ["", "| reservations there were before | POST reserve with keys/s | CPU µs each | of the first |", "|--:|--:|--:|--:|"]
    return "\n".join(lines + head + costs)
