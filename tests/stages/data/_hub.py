"""A stand-in for the Hugging Face hub: the addresses that its file system asks for."""

from __future__ import annotations

import json
import threading
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import unquote

COMMIT = "89abcdef89abcdef89abcdef89abcdef89abcdef"
REPOSITORY = "stanfordnlp/toy"


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    root: Path
    asked: list[str]

    def log_message(self, *args):
        pass

    def _answer(self, status, body, **headers):
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def _json(self, value):
        self._answer(200, json.dumps(value).encode(), Content_Type="application/json")

    def _missing(self, code):
        self._answer(404, b"{}", X_Error_Code=code, X_Error_Message=code)

    def _entry(self, path):
        name = path.relative_to(self.root).as_posix()
        if path.is_dir():
            return {"type": "directory", "path": name, "oid": "0" * 40, "size": 0}
        return {"type": "file", "path": name, "oid": "0" * 40, "size": path.stat().st_size}

    def do_GET(self):
        path = unquote(self.path.partition("?")[0])
        self.asked.append(path)
        api = f"/api/datasets/{REPOSITORY}"
        if path in (api, f"{api}/revision/main", f"{api}/revision/v1", f"{api}/revision/{COMMIT}"):
            self._json({"id": REPOSITORY, "sha": COMMIT, "tags": []})
        elif path.startswith(f"{api}/revision/"):
            self._missing("RevisionNotFound")
        elif path.startswith(f"{api}/tree/{COMMIT}"):
            folder = self.root / path.removeprefix(f"{api}/tree/{COMMIT}").strip("/")
            if folder.is_dir():
                self._json([self._entry(inside) for inside in sorted(folder.iterdir())])
            else:
                self._missing("EntryNotFound")
        elif path.startswith(f"/datasets/{REPOSITORY}/resolve/{COMMIT}/"):
            self._file(self.root / path.removeprefix(f"/datasets/{REPOSITORY}/resolve/{COMMIT}/"))
        else:
            self._missing("RepoNotFound")

    do_HEAD = do_GET  # noqa: N815

    def _file(self, path):
        data = path.read_bytes()
        asked = self.headers.get("Range", f"bytes=0-{len(data) - 1}").removeprefix("bytes=")
        start, _, end = asked.partition("-")
        part = data[int(start) : int(end or len(data) - 1) + 1]
        self._answer(206, part, ETag='"0"', X_Repo_Commit=COMMIT)

    def do_POST(self):
        self.asked.append(self.path)
        length = int(self.headers["Content-Length"])
        body = self.rfile.read(length).decode()
        paths = json.loads(body)["paths"] if body.startswith("{") else []
        there = [self.root / path for path in paths]
        self._json([self._entry(path) for path in there if path.exists()])


@contextmanager
def hub(root: Path):
    """A hub with one repository; gives its address and the list of what is asked of it."""
    asked: list[str] = []
    handler = type("Handler", (_Handler,), {"root": root, "asked": asked})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}", asked
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
