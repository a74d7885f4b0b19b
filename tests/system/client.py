"""A small HTTP client: it returns each response as it is, follows no redirect, and can send malformed requests."""
import http.client
import json
import socket

import tokens
from canaries import assert_none_in


class Answer:
    def __init__(self, status, headers, body):
        self.status = status
        self.headers = {name.lower(): value for name, value in headers}
        self.header_list = [(name.lower(), value) for name, value in headers]
        self.body = body
        assert_none_in(repr(self.header_list), "an answer's headers")
        assert_none_in(body, "an answer's body")

    def json(self):
        return json.loads(self.body)

    def problem(self):
        """The body, which must be a problem document that agrees with the status line."""
        assert self.headers["content-type"] == "application/problem+json", self
        document = self.json()
        assert document["status"] == self.status, self
        assert document["type"] == "about:blank" and document["title"], self
        assert document["request_id"] == self.headers["x-request-id"], self
        return document

    def __repr__(self):
        return f"{self.status} {self.headers} {self.body[:500]!r}"


class Client:
    def __init__(self, port, source=None, key=None, token=None, begin_session=None):
        self.port = port
        self.source = source  # the address that it connects from
        self.key = key  # signs tokens
        self.token = token
        self.begin_session = begin_session

    def of(self, user):
        """A client that is signed in as user: an id, or a row with one."""
        user = user if isinstance(user, str) else user["id"]
        return Client(self.port, self.source, self.key, tokens.token(self.key, user, sid=self.begin_session(user)))

    def ask(self, method, target, body=None, headers=None, timeout=30):
        source = (self.source, 0) if self.source else None
        headers = {**({"Authorization": f"Bearer {self.token}"} if self.token else {}), **(headers or {})}
        link = http.client.HTTPConnection("127.0.0.1", self.port, timeout=timeout, source_address=source)
        try:
            link.request(method, target, body, headers)
            response = link.getresponse()
            return Answer(response.status, response.getheaders(), response.read())
        finally:
            link.close()

    def get(self, target, **more):
        return self.ask("GET", target, **more)

    def send(self, method, target, document, **more):
        headers = {"Content-Type": "application/json", **more.pop("headers", {})}
        body = document if isinstance(document, (bytes, str)) else json.dumps(document)
        return self.ask(method, target, body, headers, **more)

    def post(self, target, document=None, **more):
        if document is None:
            return self.ask("POST", target, **more)
        return self.send("POST", target, document, **more)

    def raw(self, text, timeout=10):
        """Sends bytes unchanged. Returns all bytes until the server closes, so the request must ask for that."""
        with socket.create_connection(("127.0.0.1", self.port), timeout=timeout) as link:
            link.sendall(text)
            got = b""
            while piece := link.recv(65536):
                got += piece
        assert_none_in(got, "an answer")
        return got
