"""S3 as moto plays it, in a thread of this process: quick, and near enough for most."""

import logging

from servers.running import address_of, at_end

BUCKET = "tests"
OPTIONS = {"key": "testing", "secret": "testing-secret"}


def storage_options() -> dict[str, object]:
    """How to reach it; the server runs, and the bucket is there."""
    endpoint = address_of("MOTO", _start)
    return {**OPTIONS, "endpoint_url": endpoint, "client_kwargs": {"region_name": "us-east-1"}}


def _start() -> str:
    from moto.server import ThreadedMotoServer

    logging.getLogger("werkzeug").setLevel(logging.ERROR)  # it tells of each request
    server = ThreadedMotoServer("127.0.0.1", 0, verbose=False)
    server.start()
    at_end(server.stop)
    host, port = server.get_host_and_port()
    endpoint = f"http://{host}:{port}"
    make_bucket(endpoint, BUCKET, OPTIONS)
    return endpoint


def make_bucket(endpoint: str, bucket: str, options: dict[str, str]) -> None:
    """Make a bucket, with botocore alone."""
    from botocore.session import get_session

    client = get_session().create_client(
        "s3",
        endpoint_url=endpoint,
        region_name="us-east-1",
        aws_access_key_id=options["key"],
        aws_secret_access_key=options["secret"],
    )
    client.create_bucket(Bucket=bucket)
    client.close()
