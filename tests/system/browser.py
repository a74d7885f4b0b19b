"""Debian's Chromium without a window, driven over WebDriver (https://www.w3.org/TR/webdriver2/) by its chromedriver."""
import contextlib
import http.client
import json
import os
import shutil

from env.local.process import SERVER_ENVIRONMENT, Process, free_port, port_accepts, wait_until

ELEMENT = "element-6066-11e4-a52e-4f735466cecf"


def missing():
    """Why browser tests cannot run here; None if they can."""
    return next((f"there is no {name}" for name in ("chromium", "chromedriver") if not shutil.which(name)), None)


class Browser:
    def __init__(self, port):
        self.port = port
        self.session = None

    def _call(self, method, path, body=None):
        link = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        try:
            link.request(method, path, json.dumps(body) if body is not None else None, {"Content-Type": "application/json"})
            value = json.loads(link.getresponse().read())["value"]
        finally:
            link.close()
        if isinstance(value, dict) and "error" in value:
            raise AssertionError(f"{method} {path}: {value['error']}: {value['message']}")
        return value

    def _of_session(self, method, path, body=None):
        return self._call(method, f"/session/{self.session}/{path}", body)

    def open(self, profile):
        arguments = ["--headless=new", "--disable-dev-shm-usage", "--disable-gpu", "--window-size=1400,2000",
                     f"--user-data-dir={profile}", "--no-proxy-server"]
        if os.geteuid() == 0:
            arguments.append("--no-sandbox")  # Chromium's sandbox does not run as root
        self.session = self._call("POST", "/session", {"capabilities": {"alwaysMatch": {
            "goog:chromeOptions": {"args": arguments}, "goog:loggingPrefs": {"browser": "ALL"}}}})["sessionId"]

    def close(self):
        with contextlib.suppress(OSError, AssertionError):
            self._call("DELETE", f"/session/{self.session}")

    def go(self, url):
        self._of_session("POST", "url", {"url": url})

    def run(self, script, *arguments):
        """Runs a function body in the page and returns its result; waits for a promise."""
        return self._of_session("POST", "execute/sync", {"script": script, "args": list(arguments)})

    def wait(self, what, script, *arguments, timeout=20):
        return wait_until(what, lambda: self.run(script, *arguments), timeout)

    def complaints(self):
        """The errors and warnings on the console since the last call."""
        return [line["message"] for line in self._of_session("POST", "se/log", {"type": "browser"})
                if line["level"] in ("SEVERE", "WARNING")]


@contextlib.contextmanager
def browser(folder):
    port = free_port()
    driver = Process("chromedriver", folder / "chromedriver.log")
    # Chromium writes files to its home.
    driver.launch([shutil.which("chromedriver"), f"--port={port}"], environment={**SERVER_ENVIRONMENT, "HOME": str(folder)})
    try:
        driver.wait_until("listening", lambda: port_accepts(port))
        made = Browser(port)
        made.open(folder / "profile")
        try:
            yield made
        finally:
            made.close()
    finally:
        driver.stop()
