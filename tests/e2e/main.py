"""Runs the scenarios in order and prints their measurements. Exit code 1 if one failed."""

import importlib
import signal
import sys
import time
import traceback

from e2e import kube, report
from e2e.shop import Shop

# Each scenario leaves what the next one needs: one system runs through most of them.
SCENARIOS = [
    "install",
    "sell_out",
    "scaling",
    "rollout",
    "waiting_room",
    "configuration",
    "crash",
    "eviction",
    "mode_switch",
    "door",
    "operator_upgrade",
    "postgres",
    "uninstall",
    "helm",
]


def main() -> int:
    wanted = sys.argv[1:] or SCENARIOS
    unknown = [name for name in wanted if name not in SCENARIOS]
    if unknown:
        print(f"unknown scenario: {' '.join(unknown)}; known: {' '.join(SCENARIOS)}", file=sys.stderr)
        return 2
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    shop = Shop("e2e", "fair")
    results = []
    for name in wanted:
        scenario = importlib.import_module(f"scenarios.{name}")
        report.begin(name, (scenario.__doc__ or "").strip().splitlines()[0])
        started = time.monotonic()
        error, outcome = None, "passed"
        try:
            scenario.run(shop)
        except report.NotRun as reason:
            outcome = f"NOT RUN: {reason}"
        except Exception as failure:  # report every kind of failure
            error = f"{type(failure).__name__}: {failure}"
            traceback.print_exc()
            shop.explain()
            outcome = "FAILED"
        seconds = time.monotonic() - started
        results.append((name, seconds, outcome))
        print(f"  {f'FAILED: {error}' if error else outcome} after {seconds:.0f} s", flush=True)
        if error:
            break
    report.summary(results, len(wanted))
    failed = any(outcome == "FAILED" for _, _, outcome in results)
    # A partial run is for debugging, so keep its objects.
    if not failed and wanted == SCENARIOS:
        kube.delete_namespaces("e2e", "e2e-helm")
    return int(failed)


if __name__ == "__main__":
    sys.exit(main())
