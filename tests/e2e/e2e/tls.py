"""Certificates of a throw-away authority."""

import pathlib
import tempfile

from . import kube


def certificates(host: str) -> dict[str, str]:
    """A certificate for `host`, its key, and the certificate of its authority."""
    key = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"]
    with tempfile.TemporaryDirectory(prefix="e2e-") as folder:
        at = {name: str(pathlib.Path(folder) / name) for name in ("ca.crt", "ca.key", "tls.crt", "tls.key", "csr", "extensions")}
        pathlib.Path(at["extensions"]).write_text(f"subjectAltName=DNS:{host}\n")
        kube.run("openssl", "req", "-x509", *key, "-keyout", at["ca.key"], "-out", at["ca.crt"], "-days", "2", "-subj", "/CN=e2e authority")
        kube.run("openssl", "req", *key, "-keyout", at["tls.key"], "-out", at["csr"], "-subj", f"/CN={host}")
        signing = ["-CA", at["ca.crt"], "-CAkey", at["ca.key"], "-CAcreateserial", "-extfile", at["extensions"]]
        kube.run("openssl", "x509", "-req", "-in", at["csr"], "-out", at["tls.crt"], "-days", "2", *signing)
        return {name: pathlib.Path(at[name]).read_text() for name in ("ca.crt", "tls.crt", "tls.key")}
