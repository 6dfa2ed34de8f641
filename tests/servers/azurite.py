"""Azure as Azurite plays it: a program for Node, and so only where `PROVENANCE_TEST_AZURITE` names its `azurite-blob`."""

import base64
import os

from servers.running import address_of, folder_of, free_port, run_server

CONTAINER = "tests"
ACCOUNT = "provenance"
KEY = base64.b64encode(b"azurite-secret-key-of-the-tests!").decode()


def is_wanted() -> bool:
    """Whether the variable is set."""
    return bool(os.environ.get("PROVENANCE_TEST_AZURITE"))


def storage_options() -> dict[str, object]:
    """How to reach it; the server runs, and the container is there."""
    endpoint = address_of("AZURITE_ADDRESS", _start)
    parts = [
        "DefaultEndpointsProtocol=http",
        f"AccountName={ACCOUNT}",
        f"AccountKey={KEY}",
        f"BlobEndpoint={endpoint}",
    ]
    return {"connection_string": ";".join(parts)}


def _start() -> str:
    from azure.storage.blob import BlobServiceClient

    folder, port = folder_of("azurite"), free_port()
    command = [os.environ["PROVENANCE_TEST_AZURITE"], "--blobHost", "127.0.0.1", "--blobPort", port]
    more = ["--location", folder, "--skipApiVersionCheck", "--silent"]
    run_server(
        [*command, *more], port, folder, env={**os.environ, "AZURITE_ACCOUNTS": f"{ACCOUNT}:{KEY}"}
    )
    endpoint = f"http://127.0.0.1:{port}/{ACCOUNT}"
    with BlobServiceClient(
        endpoint, credential={"account_name": ACCOUNT, "account_key": KEY}
    ) as client:
        client.create_container(CONTAINER)
    return endpoint
