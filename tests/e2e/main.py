"""Runs the scenarios in order and tells what each measured. Exit code 1 when one failed."""

import importlib
import signal
import sys
import time
import traceback

from e2e import kube, report
from e2e.shop import Shop

# Each leaves what the next one needs: one system lives through most of them, as it would in real life.
SCENARIOS = [
    "install",
    "sell_out",
    "scaling",
    "rollout",
    "configuration",
    "crash",
    "eviction",
    "mode_switch",
    "operator_upgrade",
    "postgres",
    "uninstall",
    "helm",
]


def main() -> int:
    wanted = sys.argv[1:] or SCENARIOS
    unknown = [name for name in wanted if name not in SCENARIOS]
    if unknown:
        print(f"no such scenario: {' '.join(unknown)}; there are {' '.join(SCENARIOS)}", file=sys.stderr)
        return 2
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    shop = Shop("e2e", "fair")
    results = []
    for name in wanted:
        scenario = importlib.import_module(f"scenarios.{name}")
        report.begin(name, (scenario.__doc__ or "").strip().splitlines()[0])
        started = time.monotonic()
        error = None
        try:
            scenario.run(shop)
        except Exception as failure:  # a failed scenario is told, whatever it failed by
            error = f"{type(failure).__name__}: {failure}"
            traceback.print_exc()
            shop.explain()
        results.append((name, time.monotonic() - started, error))
        print(f"  {'FAILED: ' + error if error else 'passed'} after {results[-1][1]:.0f} s", flush=True)
        if error:
            break
    report.summary(results, len(wanted))
    failed = any(error for _, _, error in results)
    # A part of them is for looking into something, so what they made is left to look at.
    if not failed and wanted == SCENARIOS:
        kube.delete_namespaces("e2e", "e2e-helm")
    return int(failed)


if __name__ == "__main__":
    sys.exit(main())
