"""Take the pictures of the documentation: `make screenshots`. The page shows the store of the demo."""

import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

from playwright.sync_api import sync_playwright

from architecture.source import ROOT
from ui.test_browser import CHROMIUM, OPTIONS

IMAGES = ROOT / "docs" / "images"


def take(address):
    """Open the pages, and write their pictures."""
    origin = address.partition("/?")[0]
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=OPTIONS)

        def shoot(name, scheme, width, height, path):
            context = browser.new_context(
                color_scheme=scheme, viewport={"width": width, "height": height}
            )
            tab = context.new_page()
            tab.goto(address)
            items = tab.evaluate("fetch('/api/v1/artifacts').then(answer => answer.json())")[
                "items"
            ]
            ids = {}
            for item in items:
                ids.setdefault(item["name"].rpartition(".")[2], []).append(item["id"])
            tab.goto(origin + path(ids))
            tab.screenshot(path=IMAGES / f"{name}.png")
            context.close()

        shoot("page-overview", "light", 1000, 640, lambda _: "/")
        shoot("page-lineage", "dark", 1000, 640, lambda ids: f"/a/{ids['pick_best'][0]}/lineage")
        shoot("page-table", "light", 1000, 640, lambda ids: f"/a/{ids['clean'][0]}")
        shoot(
            "page-compare",
            "light",
            420,
            640,
            lambda ids: f"/compare?a={ids['forest'][0]}&b={ids['forest'][1]}",
        )
        browser.close()


def main():
    """Run the demo, serve its store, and take the pictures."""
    with TemporaryDirectory() as folder:
        store = Path(folder) / "store"
        demo = [sys.executable, ROOT / "examples" / "run_demo.py", "--store", store]
        subprocess.run(demo, check=True, stdout=subprocess.DEVNULL)
        command = [sys.executable, "-m", "provenance.cli", "ui", "--no-browser", "--repo", store]
        server = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        try:
            take(server.stdout.readline().strip())
        finally:
            server.terminate()
            server.wait()


if __name__ == "__main__":
    main()
