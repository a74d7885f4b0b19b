"""FastCGI records as bytes, for requests that no web server would send."""
import socket
import struct
import time

from canaries import assert_none_in

BEGIN, ABORT, END, PARAMS, STDIN, STDOUT = 1, 2, 3, 4, 5, 6
GET_VALUES, GET_VALUES_RESULT, UNKNOWN_TYPE = 9, 10, 11
RESPONDER, AUTHORIZER, FILTER = 1, 2, 3


def record(kind, content=b"", version=1, request_id=1, padding=0, length=None):
    size = len(content) if length is None else length
    return struct.pack("!BBHHBx", version, kind, request_id, size, padding) + content + b"\0" * padding


def size(count):
    return bytes([count]) if count < 128 else struct.pack("!I", count | 0x80000000)


def pair(name, value):
    name, value = (text if isinstance(text, bytes) else text.encode() for text in (name, value))
    return size(len(name)) + size(len(value)) + name + value


def begin(role=RESPONDER, keep=0, request_id=1):
    return record(BEGIN, struct.pack("!HB5x", role, keep), request_id=request_id)


def stream(kind, content, piece=65528, **more):
    """The records of a stream, and the empty one that ends it."""
    pieces = [content[start:start + piece] for start in range(0, len(content), piece)]
    return b"".join(record(kind, part, **more) for part in [*pieces, b""])


def params(**pairs):
    return stream(PARAMS, b"".join(pair(name, value) for name, value in pairs.items()))


def request(method, uri, body=b"", **more):
    pairs = {"REQUEST_METHOD": method, "REQUEST_URI": uri, "REQUEST_ID": "raw-1", **more}
    if body:
        pairs.setdefault("CONTENT_LENGTH", str(len(body)))
        pairs.setdefault("CONTENT_TYPE", "application/json")
    return begin() + params(**pairs) + stream(STDIN, body)


def connect(path, timeout=10):
    link = socket.socket(socket.AF_UNIX)
    link.settimeout(timeout)
    link.connect(str(path))
    return link


def read_records(link):
    """(kind, content) of all records until the program closes the connection, or resets it with input unread."""
    data, found = b"", []
    try:
        while piece := link.recv(65536):
            data += piece
    except ConnectionResetError:
        pass
    assert_none_in(data, "records")
    while len(data) >= 8:
        _, kind, _, count, padding = struct.unpack("!BBHHB", data[:7])
        found.append((kind, data[8:8 + count]))
        data = data[8 + count + padding:]
    return found


def read_all(link):
    """(standard output until the program closes, whether END_REQUEST came)"""
    found = read_records(link)
    return b"".join(content for kind, content in found if kind == STDOUT), END in dict(found)


def send(link, data, pause_s=0):
    """Sends all data, with pause_s byte by byte. The program may close the connection meanwhile."""
    try:
        if not pause_s:
            link.sendall(data)
        for byte in data if pause_s else b"":
            link.sendall(bytes([byte]))
            time.sleep(pause_s)
    except (BrokenPipeError, ConnectionResetError):
        pass


def ask(path, data, timeout=10, pause_s=0):
    with connect(path, timeout) as link:
        send(link, data, pause_s)
        return read_all(link)
