"""Opens the documentation pages in a real browser."""

import re
import subprocess

# Virtual time of the page, in which scripts run and responses arrive.
VIRTUAL_TIME_MS = 10_000
TIMEOUT_S = 90


def check(chromium, title, base, paths, folder):
    """Returns the faults of /docs and /redoc: missing `paths`, and console messages."""
    wrong = []
    for page in ("/docs", "/redoc"):
        shown, complaints = _open(chromium, base + page, folder)
        # Remove the line-break opportunities in long paths. Each path is alone in its element.
        text = re.sub(r"<[^>]*>", "\n", re.sub(r"<wbr[^>]*>|\u200b", "", shown)).split("\n")
        wrong += [f"{title}: {page} does not show {path}" for path in sorted(paths - {line.strip() for line in text})]
        wrong += [f"{title}: {page}: {complaint}" for complaint in complaints]
    print(f"--- {title}: {len(paths)} paths on /docs and /redoc in a browser, {len(wrong)} faults", flush=True)
    return wrong


def _open(chromium, url, folder):
    """Returns the page after its scripts have run, and the messages of its console."""
    command = [chromium, "--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", f"--user-data-dir={folder}/browser"]
    # No other host can be resolved, because the pages must not load anything from elsewhere.
    command += ["--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1", "--no-proxy-server", "--enable-logging=stderr"]
    command += ["--window-size=1280,20000", f"--virtual-time-budget={VIRTUAL_TIME_MS}", "--dump-dom", url]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=TIMEOUT_S, cwd=folder)
    except subprocess.TimeoutExpired:
        return "", [f"the browser did not exit within {TIMEOUT_S} s"]
    complaints = [line.split("] ", 1)[-1] for line in done.stderr.splitlines() if ":CONSOLE" in line]
    if done.returncode:
        complaints.append(f"the browser exited with {done.returncode}: {done.stderr[-500:]}")
    return done.stdout, complaints
