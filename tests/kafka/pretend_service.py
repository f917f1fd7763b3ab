"""A service as the supervisor sees one: migrates, serves `/ready`, ends on SIGTERM. Misbehaves when PRETEND says so."""

import os
import signal
import sys
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from threading import Thread

SETTING = next(name for name in os.environ if name.startswith("VCC_") and name.endswith("_HTTP_PORT"))
NAME = SETTING.removeprefix("VCC_").removesuffix("_HTTP_PORT").lower()
TROUBLE = os.environ.get("PRETEND", "")


class Handler(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        body = "\n".join(f"{name}={value}" for name, value in os.environ.items()) if self.path == "/told" else "fine"
        self.send_response(200)
        self.end_headers()
        self.wfile.write(body.encode())

    def log_message(self, *_: object) -> None: ...


def main() -> None:
    if f"{NAME} {' '.join(sys.argv[1:])}".strip() == TROUBLE:
        sys.exit(f"{NAME} tripped over the cat")
    if sys.argv[1:] == ["migrate"]:
        print("migrated", Path(os.environ[f"VCC_{NAME.upper()}_DSN_FILE"]).exists())
        return
    server = HTTPServer(("127.0.0.1", int(os.environ[SETTING])), Handler)
    signal.signal(signal.SIGTERM, lambda *_: Thread(target=server.shutdown).start())
    server.serve_forever()


if __name__ == "__main__":
    main()
