"""Bodies of multipart/form-data, byte by byte."""
import secrets


def field(name, value):
    return f'Content-Disposition: form-data; name="{name}"\r\n\r\n'.encode() + (value if isinstance(value, bytes) else value.encode())


def file_part(name, file_name, media_type, content):
    quoted = file_name.replace('"', "%22")  # as browsers do
    head = f'Content-Disposition: form-data; name="{name}"; filename="{quoted}"\r\n'
    return (head + (f"Content-Type: {media_type}\r\n" if media_type else "") + "\r\n").encode() + content


class Multipart:
    """.bytes and .media_type of these parts."""

    def __init__(self, *parts, boundary=None):
        boundary = boundary or secrets.token_hex(8)
        self.media_type = f"multipart/form-data; boundary={boundary}"
        self.bytes = b"".join(f"--{boundary}\r\n".encode() + part + b"\r\n" for part in parts) + f"--{boundary}--\r\n".encode()
