"""The command that opens the local web page."""

from __future__ import annotations

import webbrowser

import click

import provenance as p
from provenance.cli.reports import Report
from provenance.cli.session import Session, command


@command(
    click.option(
        "--port", type=click.IntRange(0, 65_535), default=0, help="By default any that is free."
    ),
    click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen at."),
    click.option("--token", help="The secret of the address, by default a random one."),
    click.option("--browser/--no-browser", default=True, help="Open a browser (the default)."),
)
def ui_command(
    session: Session, port: int, host: str, token: str | None, browser: bool
) -> Report | None:
    """Show what is stored as a web page on this machine, until Ctrl-C.

    The page only reads. A browser needs the token in the printed address.
    """
    from provenance.ui.app import is_loopback, serve

    if not is_loopback(host):
        if token is None:
            problem = "others on the network can reach this address"
            raise click.UsageError(f"--host {host}: {problem}; set a secret with --token")
        warning = f"warning: {host} can be reached from other machines, and is not encrypted"
        click.echo(warning, err=True)

    def announce(address: str) -> None:
        click.echo(address)
        click.echo("press Ctrl-C to stop", err=True)
        if browser:
            webbrowser.open(address)

    repo = session.repository()
    if not serve(repo, announce, host=host, port=port, token=token):
        raise p.StoreUnavailableError(
            f"{host}:{port}", "nothing can listen there", "choose another --port, or leave it out"
        )
    return None
