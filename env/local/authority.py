"""A certificate authority for the servers of the local stack."""
import tempfile
from datetime import datetime, timedelta, timezone
from pathlib import Path

from env.local.process import HOST, run_command

# Complete, so that the machine's openssl.cnf has no effect.
OPENSSL_CONFIG = """\
[req]
distinguished_name = none
[none]
[authority]
basicConstraints = critical,CA:TRUE
keyUsage = critical,keyCertSign,cRLSign
subjectKeyIdentifier = hash
[ca]
default_ca = here
[here]
database = index
new_certs_dir = .
rand_serial = yes
default_md = sha256
policy = name
x509_extensions = server
[name]
commonName = supplied
[server]
basicConstraints = critical,CA:FALSE
keyUsage = critical,digitalSignature
extendedKeyUsage = serverAuth
subjectKeyIdentifier = hash
authorityKeyIdentifier = keyid
subjectAltName = {sans}
"""
# With ECDSA the server signs 0.6 ms faster than with RSA-2048, at every connection.
NEW_KEY = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"]
LOCAL_SANS = ("DNS:localhost", f"IP:{HOST}")
TEN_YEARS = 3650


class Authority:
    """A private certificate authority. Its folder, root (ca.crt) and key are made on first use."""

    def __init__(self, home, name="nullpool local CA"):
        self.home = Path(home).absolute()
        self.name = name

    @property
    def root(self):
        """The certificate that clients trust (sslrootcert)."""
        root = self.home / "ca.crt"
        if not root.exists():
            self._make("ca", self.name, lambda folder: self._openssl(
                folder, "req", "-x509", *NEW_KEY, "-keyout", "ca.key", "-out", "ca.crt", "-subj", f"/CN={self.name}",
                "-extensions", "authority", "-days", str(TEN_YEARS)))
        return root

    def certificate(self, name="localhost", sans=LOCAL_SANS, days=TEN_YEARS, begins=-1):
        """(certificate, key) for a server, made once for each name. days=-1: expired yesterday; begins=1: valid from
        tomorrow."""
        root, certificate = self.root, self.home / f"{name}.crt"
        if not certificate.exists():
            self._make(name, ",".join(sans), lambda folder: self._issue(folder, name, root, days, begins))
        return certificate, certificate.with_suffix(".key")

    def _issue(self, folder, name, root, days, begins):
        now = datetime.now(timezone.utc)
        ends = now + timedelta(days=days)
        begins = min(now, ends) + timedelta(days=begins)
        (folder / "index").touch()
        self._openssl(folder, "req", "-new", *NEW_KEY, "-keyout", f"{name}.key", "-out", "request", "-subj",
                      f"/CN={name}")
        # On OpenSSL 3.0 only ca can set both dates; x509 cannot.
        self._openssl(folder, "ca", "-batch", "-notext", "-in", "request", "-out", f"{name}.crt", "-cert", root,
                      "-keyfile", root.with_suffix(".key"), "-startdate", f"{begins:%Y%m%d%H%M%SZ}",
                      "-enddate", f"{ends:%Y%m%d%H%M%SZ}")

    def _make(self, name, sans, make):
        """Moves the certificate last: if it exists, its key exists too."""
        self.home.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=self.home) as folder:
            folder = Path(folder)
            (folder / "openssl.cnf").write_text(OPENSSL_CONFIG.format(sans=sans if ":" in sans else "DNS:localhost"))
            make(folder)
            for suffix in (".key", ".crt"):
                (folder / name).with_suffix(suffix).rename(self.home / (name + suffix))

    @staticmethod
    def _openssl(folder, command, *arguments):
        run_command(f"openssl {command}", ["openssl", command, "-config", "openssl.cnf", *arguments], cwd=folder)
