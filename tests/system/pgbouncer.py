"""PgBouncer in transaction mode, with TLS on both sides, in front of a Postgres."""
import os
import shutil

from env.local.process import HOST, Process, free_port, port_accepts

CONF = """\
[databases]
app = host={host} port={upstream} dbname=app
[pgbouncer]
listen_addr = {host}
listen_port = {port}
unix_socket_dir =
pool_mode = transaction
default_pool_size = {size}
auth_type = scram-sha-256
auth_file = {home}/users
client_tls_sslmode = require
client_tls_cert_file = {home}/server.crt
client_tls_key_file = {home}/server.key
server_tls_sslmode = require
"""


class PgBouncer(Process):
    """Like Postgres it refuses to run as root, and then runs as the same user."""

    def __init__(self, home, postgres, authority, users, size=3):
        super().__init__("PgBouncer", home / "pgbouncer.log")
        self.home, self.user, self.port = home, postgres.user, free_port()
        certificate, key = authority.certificate()
        shutil.copy(certificate, home / "server.crt")
        shutil.copy(key, home / "server.key")
        (home / "users").write_text("".join(f'"{name}" "{password}"\n' for name, password in users.items()))
        (home / "conf").write_text(CONF.format(host=HOST, upstream=postgres.port, port=self.port, home=home,
                                               size=size))
        for path in [home, *home.iterdir()]:
            path.chmod(0o700 if path.is_dir() else 0o600)
            if self.user and os.geteuid() == 0:
                shutil.chown(path, self.user, self.user)

    def start(self):
        self.launch(["pgbouncer", self.home / "conf"])
        self.wait_until("accepting connections", lambda: port_accepts(self.port), 10)
