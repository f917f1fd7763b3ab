"""A command leaves nothing out that a service tells page by page."""

import json
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from threading import Thread

import pytest

from deploy.asking import ask_all

PAGES = {"/skips": ([3, 2], "/skips?before=2"), "/skips?before=2": ([1], None)}


class Service(BaseHTTPRequestHandler):
    """Three skips on two pages."""

    def do_GET(self) -> None:
        ids, more = PAGES[self.path]
        self.send_response(200)
        if more is not None:
            self.send_header("Link", f'<{more}>; rel="next"')
        self.end_headers()
        self.wfile.write(json.dumps([{"skip_id": number} for number in ids]).encode())

    def log_message(self, *_: object) -> None:
        """Nothing of it is said."""


@pytest.fixture
def address() -> Iterator[str]:
    server = HTTPServer(("127.0.0.1", 0), Service)
    thread = Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()


def test_the_skips_of_all_pages_are_shown(address: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each page says where the next one begins; the last one says nothing."""
    monkeypatch.setenv("VCC_API_OUTREACH", address)
    monkeypatch.setenv("VCC_TOKEN", "a-token")
    assert [skip["skip_id"] for skip in ask_all("outreach", "/skips")] == [3, 2, 1]
