"""nginx in a folder of its own, with the project's nginx/ folder as its configuration."""
import functools
import os
import re
import resource
import signal
from pathlib import Path

from env.local.process import HOST, SERVER_ENVIRONMENT, Fault, Process, port_accepts, port_is_free, run_command

NGINX_CONF = """\
# Rewritten at every start. Relative paths begin in this folder.
{user}
worker_processes 1;
worker_rlimit_nofile {files};
daemon off;
pid nginx.pid;
error_log error.log warn;
events {{
	worker_connections {connections};
}}
http {{
	client_body_temp_path temp/body;
	fastcgi_temp_path temp/fastcgi;
	proxy_temp_path temp/proxy;
	scgi_temp_path temp/scgi;
	uwsgi_temp_path temp/uwsgi;
	include nullpool/http.conf;
	include nullpool/server.conf;
}}
"""

NGINX_SITE = """\
listen {host}:{port};
server_name localhost;
access_log access.log nullpool;
error_log error.log crit;
set $nullpool_run_dir {run_dir};
set $nullpool_docs_dir docs;
"""


NGINX_SPARE = 512  # connections for immediate 503s, slow headers and keep-alive

# nginx allocates and frees 1.2 MB for each `map` that it reads. By default malloc() gives that back to the kernel each time,
# and the page faults make a start six times as long.
NGINX_ENVIRONMENT = {**SERVER_ENVIRONMENT,
                     "GLIBC_TUNABLES": "glibc.malloc.mmap_threshold=16777216:glibc.malloc.trim_threshold=16777216"}


def nginx_settings(program, environment):
    return run_command("nginx-conf", [program], environment=environment)


@functools.lru_cache
def _bodies(environment, programs):
    return "".join(run_command(program.name, [program, "--nginx"], environment=dict(environment)) for program in programs)


def nginx_bodies(environment, *programs):
    """The locations of paths with larger bodies."""
    return _bodies(tuple(sorted(environment.items())), programs)


class Nginx(Process):
    """nginx with the project's nginx/ folder unchanged; only ports and paths are added."""

    def __init__(self, home, port, run_dir, conf_dir, settings=None, docs_dir="none"):
        """settings: the output of build/nginx-conf, by default the shipped example; docs_dir: the folder of the API's
        pages."""
        self.home = Path(home).absolute()
        # nginx writes to standard error until it has read error_log: errors at its start are in this file.
        super().__init__("nginx", self.home / "start.log")
        self.port = port
        self.run_dir = Path(run_dir).absolute()
        self.conf_dir = Path(conf_dir).absolute()
        self.endpoints = 8  # the most that run at once
        self.settings = settings or (self.conf_dir / "nullpool-settings.conf.example").read_text()
        self.docs_dir = Path(docs_dir).absolute()
        self.bodies = ""  # what the programs print for --nginx
        self.more = ""  # appended to nullpool-site.conf by start()
        self.environment = NGINX_ENVIRONMENT  # used by start()

    def start(self):
        if not port_is_free(self.port):
            raise Fault(f"port {self.port} for nginx is taken by another program")
        self._configure()
        self.launch(["nginx", "-p", f"{self.home}/", "-c", "nginx.conf", "-e", "error.log"], environment=self.environment)
        self.wait_until(f"listening on {HOST}:{self.port}", lambda: port_accepts(self.port))

    def stop(self, timeout=5):
        self.send(signal.SIGQUIT)  # waits for running responses; a slow client delays it by timeout at most
        self._ended(timeout)
        return super().stop(signal.SIGTERM, timeout)

    def where_to_look(self):
        return f"see {self.home / 'error.log'}"

    def _connections(self):
        """With fewer, nginx resets connections instead of answering 503."""
        of_one = re.match(r"# connections of an endpoint: (\d+)$", self.settings, re.MULTILINE)
        return self.endpoints * int(of_one[1]) + NGINX_SPARE if of_one else 1024

    def _configure(self):
        (self.home / "temp").mkdir(parents=True, exist_ok=True)
        # Links, since characters of a path may be special to nginx.
        for name, target in (("nullpool", self.conf_dir), ("docs", self.docs_dir)):
            link = self.home / name
            link.unlink(missing_ok=True)
            link.symlink_to(target)
        # The sockets are 0660: nginx's workers need the same user as the programs.
        user = "user root;" if os.geteuid() == 0 else ""
        # A body or response that is buffered in a file takes one more descriptor.
        connections = self._connections()
        files = min(2 * connections, resource.getrlimit(resource.RLIMIT_NOFILE)[1])
        (self.home / "nginx.conf").write_text(NGINX_CONF.format(user=user, connections=connections, files=files))
        (self.home / "nullpool-site.conf").write_text(
            NGINX_SITE.format(host=HOST, port=self.port, run_dir=self.run_dir) + self.more)
        (self.home / "nullpool-settings.conf").write_text(self.settings)
        (self.home / "nullpool-bodies.conf").write_text(self.bodies)
