"""S3 by SeaweedFS, a real server that knows who may do what."""

import json
import shutil
import sys
import time
from pathlib import Path

from servers.moto_s3 import make_bucket
from servers.running import address_of, folder_of, free_ports, run_server

BUCKET = "tests"
OPTIONS = {"key": "weed-key", "secret": "weed-secret-0815"}
_PORTS = ("master", "volume", "filer", "admin", "webdav")


def storage_options() -> dict[str, object]:
    """How to reach it; the server runs, and the bucket is there."""
    endpoint = address_of("SEAWEED", _start)
    return {**OPTIONS, "endpoint_url": endpoint, "client_kwargs": {"region_name": "us-east-1"}}


def _start() -> str:
    program = shutil.which("weed", path=str(Path(sys.executable).parent)) or "weed"
    folder = folder_of("seaweed")
    credentials = {"accessKey": OPTIONS["key"], "secretKey": OPTIONS["secret"]}
    identity = {
        "name": "tests",
        "credentials": [credentials],
        "actions": ["Admin", "Read", "Write", "List"],
    }
    (folder / "s3.json").write_text(json.dumps({"identities": [identity]}))
    names = [
        f"{name}.port{kind}"
        for name in _PORTS
        for kind in ("", ".grpc")
        if name + kind != "webdav.grpc"
    ]
    names += ["s3.port.grpc", "s3.port.iceberg", "s3.port.lance"]
    port, *others = free_ports(1 + len(names))
    ports = [f"-{name}={each}" for name, each in zip(names, others, strict=True)]
    local = [
        "-ip=127.0.0.1",
        "-ip.bind=127.0.0.1",
        "-webdav=false",
        "-admin.ui=false",
        "-s3.autoCreateBucket=false",
    ]
    files = [f"-dir={folder}", f"-s3.config={folder / 's3.json'}", f"-s3.port={port}"]
    run_server([program, "mini", *local, *files, *ports], port, folder)
    endpoint = f"http://127.0.0.1:{port}"
    _until_ready(endpoint)
    return endpoint


def _until_ready(endpoint: str) -> None:
    """Make the bucket, as soon as the parts of the server have found each other."""
    from botocore.exceptions import BotoCoreError, ClientError

    for _ in range(600):
        try:
            make_bucket(endpoint, BUCKET, OPTIONS)
        except (BotoCoreError, ClientError):
            time.sleep(0.1)
        else:
            return
    raise RuntimeError("SeaweedFS did not make a bucket")
