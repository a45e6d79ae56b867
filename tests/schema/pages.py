"""Opens the documentation pages in a real browser, as somebody who reads them does."""

import re
import subprocess

# Of the page's own clock: scripts are run and answers awaited until it has passed.
PATIENCE_MS = 10_000
TIMEOUT_S = 90


def check(chromium, title, base, paths, folder):
    """What is wrong with /docs and /redoc, as lines: one of `paths` that they do not show, a complaint of the browser's."""
    wrong = []
    for page in ("/docs", "/redoc"):
        shown, complaints = _open(chromium, base + page, folder)
        # Long paths have places where they may be broken. Each path stands alone in its element.
        text = re.sub(r"<[^>]*>", "\n", re.sub(r"<wbr[^>]*>|\u200b", "", shown)).split("\n")
        wrong += [f"{title}: {page} does not show {path}" for path in sorted(paths - {line.strip() for line in text})]
        wrong += [f"{title}: {page}: {complaint}" for complaint in complaints]
    print(f"--- {title}: {len(paths)} paths on /docs and /redoc in a browser, {len(wrong)} faults", flush=True)
    return wrong


def _open(chromium, url, folder):
    """The page as it is when its scripts have run, and what its console says."""
    command = [chromium, "--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", f"--user-data-dir={folder}/browser"]
    # Nothing may be loaded from anywhere else, so there is nowhere else.
    command += ["--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1", "--no-proxy-server", "--enable-logging=stderr"]
    command += ["--window-size=1280,20000", f"--virtual-time-budget={PATIENCE_MS}", "--dump-dom", url]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=TIMEOUT_S, cwd=folder)
    except subprocess.TimeoutExpired:
        return "", [f"the browser did not end within {TIMEOUT_S} s"]
    complaints = [line.split("] ", 1)[-1] for line in done.stderr.splitlines() if ":CONSOLE" in line]
    if done.returncode:
        complaints.append(f"the browser ended with {done.returncode}: {done.stderr[-500:]}")
    return done.stdout, complaints
