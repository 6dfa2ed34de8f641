"""The page in a real browser: Debian's chromium, by itself, without a network."""

import shutil
import subprocess
import sys
import time

import pytest
from playwright.sync_api import sync_playwright

import provenance as p
from processes import SOURCES

CHROMIUM = shutil.which("chromium") or "/usr/bin/chromium"
OPTIONS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--host-resolver-rules=MAP rebound.test 127.0.0.1",
]
SCRIPT = """
import sys
import provenance as p
from ui.conftest import fill
from pathlib import Path

@p.provenance(name="wide.leaf")
def leaf(number):
    return number

@p.provenance(name="wide.join")
def join(*parts):
    return len(parts)

with p.using_repo(p.SqliteRepo(db=sys.argv[1])):
    fill(Path(sys.argv[1]).parent)
    leaves = [leaf(i) for i in range(570)]
    rows = [join(*leaves[i : i + 20]) for i in range(0, 570, 20)]
    print(p.artifact_of(join(*rows)).id)
"""


@pytest.fixture(scope="module")
def served(tmp_path_factory):
    """The address of a page with the token, in a process of its own, and the id of a wide artifact."""
    folder = tmp_path_factory.mktemp("page")
    file = folder / "provenance.db"
    variables = {"PYTHONPATH": f"{SOURCES}:{p.__path__[0]}/../../tests", "PATH": "/usr/bin:/bin"}
    made = subprocess.run(
        [sys.executable, "-c", SCRIPT, str(file)],
        env=variables,
        capture_output=True,
        text=True,
        check=True,
    )
    command = [sys.executable, "-m", "provenance.cli", "ui", "--no-browser", "--repo", str(file)]
    server = subprocess.Popen(
        command, env=variables, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    try:
        yield server.stdout.readline().strip(), made.stdout.strip(), file
    finally:
        server.terminate()
        server.communicate()


@pytest.fixture(scope="module")
def browser():
    """A browser without a window."""
    with sync_playwright() as playwright:
        launched = playwright.chromium.launch(executable_path=CHROMIUM, args=OPTIONS)
        yield launched
        launched.close()


class Visit:
    """A tab, and what went wrong in it."""

    def __init__(self, browser, address, **options):
        self.context = browser.new_context(**options)
        self.tab = self.context.new_page()
        self.problems, self.requests = [], []
        self.tab.on("console", lambda message: self.problems.append(message.text))
        self.tab.on("pageerror", lambda error: self.problems.append(str(error)))
        self.tab.on("request", lambda request: self.requests.append(request.url))
        self.tab.goto(address)
        self.origin = address.partition("/?")[0]

    def open(self, path):
        """Open a page of the server."""
        self.tab.goto(f"{self.origin}{path}")

    def json(self, path):
        """Ask the server for a document."""
        return self.tab.evaluate("path => fetch(path).then(answer => answer.json())", path)

    def check(self):
        """Nothing was reported, and nothing was asked from elsewhere."""
        assert [] == self.problems
        assert {self.origin} == {"/".join(url.split("/")[:3]) for url in self.requests} - {"data:"}
        self.context.close()


def paths_of(visit):
    """A path of each kind of page."""
    items = visit.json("/api/v1/artifacts?name=*churn*")["items"]
    items += visit.json("/api/v1/artifacts?name=*bad*")["items"]
    ids = [item["id"] for item in items]
    yield from (
        "/",
        "/artifacts",
        "/runs",
        "/sets",
        "/storage",
        "/search?q=train",
        "/f/churn.train",
    )
    yield from (f"/a/{one}" for one in ids)
    yield f"/a/{ids[0]}/lineage"
    yield f"/a/{ids[-1]}/uses"
    yield f"/why/{ids[0]}"
    yield f"/compare?a={ids[0]}&b={ids[1]}"
    yield f"/r/{items[0]['run_id']}"
    yield f"/s/{visit.json('/api/v1/sets')['items'][0]['id']}"


@pytest.mark.parametrize(("scheme", "width"), [("light", 1280), ("dark", 390)])
def test_all_pages(browser, served, scheme, width):
    """No page reports an error, asks another machine, or is broader than the window."""
    visit = Visit(browser, served[0], color_scheme=scheme, viewport={"width": width, "height": 800})
    paths = list(paths_of(visit))
    assert len(paths) > 15
    for path in paths if scheme == "light" else paths[::3]:
        visit.open(path)
        assert 1 == visit.tab.locator("h1").count()
        assert not visit.tab.evaluate("document.documentElement.scrollWidth > innerWidth"), path
        assert "\u202e" not in visit.tab.inner_text("body")
    dark = visit.tab.evaluate("getComputedStyle(document.documentElement).backgroundColor")
    assert ("rgb(22, 27, 34)" if scheme == "dark" else "rgb(255, 255, 255)") == dark
    visit.check()


def test_a_picture_of_600_nodes(browser, served):
    """It is there within two seconds, moves by keys, zooms, and its nodes are links."""
    address, wide, _ = served
    visit = Visit(browser, address, viewport={"width": 1280, "height": 900})
    began = time.perf_counter()
    visit.open(f"/a/{wide}/lineage")
    assert 600 == visit.tab.locator(".graph .step").count()
    # Generous: other tests may run beside this one. `make bench` has the figure.
    assert time.perf_counter() - began < 8
    view = "document.querySelector('.graph svg').getAttribute('viewBox')"
    before = visit.tab.evaluate(view)
    visit.tab.locator(".graph").focus()
    visit.tab.keyboard.press("ArrowLeft")
    moved = visit.tab.evaluate(view)
    visit.tab.keyboard.press("+")
    zoomed = visit.tab.evaluate(view)
    assert 3 == len({before, moved, zoomed})
    visit.tab.keyboard.press("0")
    assert f"0 0 {visit.tab.evaluate(view).split(' ', 2)[2]}" == visit.tab.evaluate(view)
    visit.tab.locator(".graph a").last.focus()
    visit.tab.keyboard.press("Enter")
    visit.tab.wait_for_url("**/a/*")
    visit.check()


def test_the_page_follows_a_pipeline(browser, served):
    """What is stored meanwhile appears without loading the page."""
    address, _, file = served
    visit = Visit(browser, address)
    # Not by a function: the page forbids evaluating text, which is what playwright does for the second look.
    visit.tab.locator("#live:text-is('live')").wait_for(state="attached")

    @p.provenance(name="meanwhile.stored")
    def meanwhile(number):
        return number

    with p.using_repo(p.SqliteRepo(db=file)):
        meanwhile(1)
    visit.tab.get_by_text("meanwhile.stored").first.wait_for()
    visit.check()


def test_without_javascript(browser, served):
    """Forms, links and pictures work without the script, too."""
    visit = Visit(browser, served[0], java_script_enabled=False)
    visit.open("/artifacts")
    visit.tab.get_by_label("Function").fill("churn.train")
    visit.tab.get_by_role("button", name="Filter").click()
    visit.tab.locator("tbody a.id").first.click()
    assert visit.tab.locator(".graph svg").bounding_box()["height"] > 50
    assert not visit.tab.get_by_role("button", name="Copy").count()
    visit.check()


def test_by_keyboard(browser, served):
    """The first key leads to the content, and what has the focus can be seen."""
    visit = Visit(browser, served[0])
    visit.tab.keyboard.press("Tab")
    assert "Skip to the content" == visit.tab.evaluate("document.activeElement.textContent")
    assert "2px" == visit.tab.evaluate("getComputedStyle(document.activeElement).outlineWidth")
    visit.tab.keyboard.press("Enter")
    assert visit.tab.url.endswith("#main")
    visit.check()


def test_a_rebound_name_is_refused(browser, served):
    """A name of another site that leads to this machine shows nothing."""
    context = browser.new_context()
    tab = context.new_page()
    port = served[0].split(":")[2].partition("/")[0]
    answer = tab.goto(f"http://rebound.test:{port}/?{served[0].partition('?')[2]}")
    assert 421 == answer.status
    assert "churn" not in tab.content()
    context.close()
