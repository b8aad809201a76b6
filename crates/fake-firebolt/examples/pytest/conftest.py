"""A fake Firebolt for pytest, with nothing but the standard library.

``fake`` starts one server for the whole session and resets it before each test. The program is
found by FAKE_FIREBOLT, on the PATH, or in the target folder of this repository.
"""

import json
import os
import shutil
import subprocess
import urllib.error
import urllib.parse
import urllib.request
from pathlib import Path

import pytest

SETUP = "CREATE TABLE orders (id INTEGER NOT NULL, state TEXT NULL);"


def program():
    """Where `fake-firebolt` is."""
    given = os.environ.get("FAKE_FIREBOLT") or shutil.which("fake-firebolt")
    if given:
        return given
    target = Path(__file__).resolve().parents[4] / "target"
    for profile in ("release", "debug"):
        built = target / profile / "fake-firebolt"
        if built.exists():
            return str(built)
    pytest.fail(
        "there is no fake-firebolt: cargo build -p fake-firebolt --features serve, "
        "or say where it is in FAKE_FIREBOLT"
    )


class Refused(Exception):
    """A reply that is an error: its status and its text."""

    def __init__(self, status, text):
        super().__init__(f"{status}: {text}")
        self.status = status


class Session:
    """A client: it repeats what the server asks to repeat, and knows nothing of faults."""

    def __init__(self, url):
        self.url = url
        self.parameters = {"output_format": "JSON_Compact"}

    def sql(self, text, label=None):
        """One statement; the rows of its reply."""
        parameters = dict(self.parameters, **({"query_label": label} if label else {}))
        url = f"{self.url}?{urllib.parse.urlencode(parameters)}"
        request = urllib.request.Request(url, data=text.encode(), method="POST")
        try:
            with urllib.request.urlopen(request, timeout=30) as reply:
                body = reply.read()
                for pair in reply.headers.get_all("Firebolt-Update-Parameters") or []:
                    name, _, value = pair.partition("=")
                    self.parameters[name.strip()] = value.strip()
                for name in reply.headers.get_all("Firebolt-Remove-Parameters") or []:
                    self.parameters.pop(name.strip(), None)
        except urllib.error.HTTPError as error:
            raise Refused(error.code, error.read().decode()) from None
        return json.loads(body)["data"]


class Fake:
    """The server and its control port."""

    def __init__(self, url, control):
        self.url = url
        self.control = control

    def session(self):
        return Session(self.url)

    def admin(self, line, body=None):
        """A request to the control port, such as `POST /admin/reset`."""
        method, path = line.split(" ", 1)
        data = body.encode() if isinstance(body, str) else body and json.dumps(body).encode()
        request = urllib.request.Request(self.control + path, data=data, method=method)
        try:
            with urllib.request.urlopen(request, timeout=60) as reply:
                return json.load(reply)
        except urllib.error.HTTPError as error:
            text = json.load(error)["error"]
            raise AssertionError(f"{line}: {error.code}: {text}") from None

    def fault(self, name, **rule):
        """Adds a rule (docs/faults.md)."""
        self.admin("POST /admin/faults", {"name": name, **rule})

    def fired(self, name):
        """How often a rule has struck."""
        return self.admin(f"GET /admin/faults/{urllib.parse.quote(name)}")["fired"]

    def rows(self, sql):
        """What is true, whatever a client was told; no rule strikes here."""
        return self.admin("POST /admin/sql", sql)["rows"]


@pytest.fixture(scope="session")
def server(tmp_path_factory):
    """One server for all tests; they steer it over its control port."""
    setup = tmp_path_factory.mktemp("fake") / "setup.sql"
    setup.write_text(SETUP)
    command = [program(), "serve", "--listen", "127.0.0.1:0", "--admin", "127.0.0.1:0"]
    command += ["--setup", str(setup)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        url = control = None
        for line in process.stdout:
            words = line.split()
            if "listens on" in line:
                url = words[-1]
            if "control at" in line:
                control = words[-1].removesuffix("/admin")
                break
        assert url and control, "the server did not start; its complaint is on stderr"
        try:
            yield Fake(url, control)
        finally:
            process.terminate()


@pytest.fixture
def fake(server):
    """The server as it was at its start: tables, rules, counters, log."""
    server.admin("POST /admin/reset")
    return server
