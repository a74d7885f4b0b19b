"""Another issuer of access tokens, such as an OpenID Connect provider: its keys, its tokens, and the place of its key set."""
import contextlib
import http.server
import json
import socket
import ssl
import threading

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa, utils
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from tokens import base64url, claims_of, encoded

ISSUER = "https://issuer.example.com/"
AUDIENCE = "https://api.example.com"


def number(value, size=None):
    return base64url(value.to_bytes(size or (value.bit_length() + 7) // 8, "big"))


class Key:
    """A key pair: .alg, .public() as a JWK, .sign(bytes)."""

    def __init__(self, alg, kid, bits=2048):
        self.alg, self.kid = alg, kid
        self.private = {"RS256": lambda: rsa.generate_private_key(65537, bits),
                        "ES256": lambda: ec.generate_private_key(ec.SECP256R1()),
                        "EdDSA": ed25519.Ed25519PrivateKey.generate}[alg]()

    def public(self, **more):
        if self.alg == "RS256":
            numbers = self.private.public_key().public_numbers()
            jwk = {"kty": "RSA", "n": number(numbers.n), "e": number(numbers.e)}
        elif self.alg == "ES256":
            numbers = self.private.public_key().public_numbers()
            jwk = {"kty": "EC", "crv": "P-256", "x": number(numbers.x, 32), "y": number(numbers.y, 32)}
        else:
            jwk = {"kty": "OKP", "crv": "Ed25519", "x": base64url(self.private.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw))}
        jwk = {**jwk, "kid": self.kid, "use": "sig", "alg": self.alg, **more}
        return {name: value for name, value in jwk.items() if value is not None}

    def sign(self, data):
        if self.alg == "RS256":
            return self.private.sign(data, padding.PKCS1v15(), hashes.SHA256())
        if self.alg == "ES256":
            r, s = utils.decode_dss_signature(self.private.sign(data, ec.ECDSA(hashes.SHA256())))
            return r.to_bytes(32, "big") + s.to_bytes(32, "big")
        return self.private.sign(data)

    def token(self, user, header=None, **changed):
        header = {"alg": self.alg, "kid": self.kid, "typ": "JWT", **(header or {})}
        header = {name: value for name, value in header.items() if value is not None}
        claims = claims_of(user, **{"iss": ISSUER, "aud": AUDIENCE, "sid": None, **changed})
        text = f"{encoded(header)}.{encoded(claims)}"
        return f"{text}.{base64url(self.sign(text.encode()))}"


def key_set(*keys):
    return json.dumps({"keys": [key.public() if isinstance(key, Key) else key for key in keys]})


class Place:
    """An HTTP server with the key set. .answer is (status, text); .gate is open; .asked counts."""

    def __init__(self, text, certificate=None, host="127.0.0.1"):
        self.answer, self.asked, self.gate = (200, text), 0, threading.Event()
        self.gate.set()
        place = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self):
                place.asked += 1
                place.gate.wait(20)
                status, text = place.answer
                with contextlib.suppress(OSError):
                    self.send_response(status)
                    self.send_header("Content-Length", str(len(text.encode())))
                    if 300 <= status < 400:
                        self.send_header("Location", f"http://127.0.0.1:{place.port}/elsewhere")
                    self.end_headers()
                    self.wfile.write(text.encode())

            def log_message(self, *_):
                pass

        class Server(http.server.ThreadingHTTPServer):
            address_family = socket.AF_INET6 if ":" in host else socket.AF_INET

        self.server = Server((host, 0), Handler)
        self.server.daemon_threads = True
        self.port = self.server.server_address[1]
        self.url = f"http://{f'[{host}]' if ':' in host else host}:{self.port}/keys"
        if certificate:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(*certificate)
            self.server.socket = context.wrap_socket(self.server.socket, server_side=True)
            self.url = f"https://localhost:{self.port}/keys"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def close(self):
        self.gate.set()
        self.server.shutdown()
        self.server.server_close()
