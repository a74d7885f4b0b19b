"""A FastCGI program and the socket on which it is reached."""
import os
import re
import socket
from pathlib import Path

from env.local.process import Fault, Process, path_digest

SOCKET_PATH_MAX = 107  # sun_path without its NUL
SOCKET_NAME_MAX = 32


def run_dir_for(path):
    """A folder for sockets: `path`, or a folder under /tmp if sockets in `path` could not be named.

    A socket's path has at most 107 bytes, and some characters are special in nginx's `unix:PATH`.
    """
    path = Path(path).absolute()
    if len(os.fsencode(path)) > SOCKET_PATH_MAX - SOCKET_NAME_MAX or not re.fullmatch(r"[\w/.+-]+", str(path), re.ASCII):
        path = Path("/tmp") / f"nullpool-{os.geteuid()}-{path_digest(path)}"
    path.mkdir(mode=0o700, parents=True, exist_ok=True)
    if path.is_symlink() or path.stat().st_uid != os.geteuid():
        raise Fault(f"{path} belongs to another user: remove it")
    return path


class Endpoint(Process):
    """A FastCGI program behind a socket that this process holds: during a restart, requests wait in the backlog."""

    def __init__(self, name, program, run_dir, environment, log=None):
        super().__init__(name, log)
        self.program = Path(program).absolute()
        self.environment = environment
        self.path = Path(run_dir) / f"{name}.sock"
        self.listener = None

    def start(self):
        self._listen()
        self.launch([self.program], environment=self.environment, stdin=self.listener)

    def restart(self):
        self.stop()
        self.start()

    def close(self):
        """Stops the program and removes its socket, the socket first so that no request arrives. Returns as stop()."""
        if self.listener:
            self.path.unlink(missing_ok=True)
        late = self.stop()
        if self.listener:
            self.listener.close()
            self.listener = None
        return late

    def _listen(self):
        if self.listener:
            return
        if len(os.fsencode(self.path)) > SOCKET_PATH_MAX:
            raise Fault(f"{self.path} is too long for a socket")
        self.path.unlink(missing_ok=True)
        self.listener = socket.socket(socket.AF_UNIX)
        # A client can abort the program with a crafted length: the socket is never writable for others, also not
        # for the moment before a chmod.
        mask = os.umask(0o117)
        try:
            self.listener.bind(str(self.path))
        finally:
            os.umask(mask)
        self.listener.listen(511)
