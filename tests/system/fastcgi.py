"""FastCGI as bytes (the specification's records), to send what no web server would."""
import socket
import struct

from canaries import assert_none_in

BEGIN, ABORT, END, PARAMS, STDIN, STDOUT = 1, 2, 3, 4, 5, 6
RESPONDER = 1


def record(kind, content=b"", version=1, request_id=1, padding=0, length=None):
    size = len(content) if length is None else length
    return struct.pack("!BBHHBx", version, kind, request_id, size, padding) + content + b"\0" * padding


def pair(name, value):
    name, value = name.encode(), value.encode()

    def size(text):
        return bytes([len(text)]) if len(text) < 128 else struct.pack("!I", len(text) | 0x80000000)
    return size(name) + size(value) + name + value


def begin(role=RESPONDER, keep=0):
    return record(BEGIN, struct.pack("!HB5x", role, keep))


def params(**pairs):
    content = b"".join(pair(name, value) for name, value in pairs.items())
    return record(PARAMS, content) + record(PARAMS)


def request(method, uri, body=b"", **more):
    pairs = {"REQUEST_METHOD": method, "REQUEST_URI": uri, "REQUEST_ID": "raw-1", **more}
    if body:
        pairs.setdefault("CONTENT_LENGTH", str(len(body)))
        pairs.setdefault("CONTENT_TYPE", "application/json")
    return begin() + params(**pairs) + (record(STDIN, body) if body else b"") + record(STDIN)


def connect(path, timeout=10):
    link = socket.socket(socket.AF_UNIX)
    link.settimeout(timeout)
    link.connect(str(path))
    return link


def read_all(link):
    """All of standard output, until the program closes; and whether END_REQUEST came."""
    data, out, ended = b"", b"", False
    while piece := link.recv(65536):
        data += piece
    assert_none_in(data, "records")
    while len(data) >= 8:
        _, kind, _, size, padding = struct.unpack("!BBHHB", data[:7])
        if kind == STDOUT:
            out += data[8:8 + size]
        ended = ended or kind == END
        data = data[8 + size + padding:]
    return out, ended


def ask(path, data, timeout=10):
    with connect(path, timeout) as link:
        link.sendall(data)
        return read_all(link)
