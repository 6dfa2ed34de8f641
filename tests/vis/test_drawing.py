"""The face: what can be drawn, how it is shown and saved, and that no value is read for it."""

import struct
import sys

import pytest
from attrs import evolve
from attrs.exceptions import FrozenInstanceError

import provenance as p
from provenance import vis
from provenance.effect import with_layer
from provenance.environment import using_repo
from provenance.ports.blobs import ReadBlob
from provenance.ports.records import FindInputs, FindRecord
from provenance.vis.drawing import LONGEST, MAX_DOTS, scale
from vis.samples import combine, diamonds, follow, id_of, source

PNG = b"\x89PNG\r\n\x1a\n"


@pytest.mark.parametrize(
    "door",
    [lambda x: x, p.artifact_of, id_of, lambda x: id_of(x)[:8], p.lineage],
    ids=["proxy", "artifact", "id", "prefix", "lineage"],
)
def test_whatever_has_a_lineage_can_be_drawn(door):
    """A proxy, an artifact, an id, its first digits and a lineage give one picture."""
    made = follow(source())
    assert vis.visualize_lineage(made).scene == vis.visualize_lineage(door(made)).scene


def test_what_has_no_lineage_cannot():
    """Errors are those of `lineage`."""
    with pytest.raises(TypeError, match="expected an artifact"):
        vis.visualize_lineage(3)
    with pytest.raises(p.ArtifactNotFoundError):
        vis.visualize_lineage("0" * 40)


def test_only_short_builtin_values_are_read(repo):
    """Whatever is drawn, shown or saved: records and inputs are asked for, and no value that is not shown."""
    made = combine(follow(source("x" * 10_000)), {"k": follow(source(), by=2)})
    values = {each.value_blob for each in p.dependencies(made) if each.size_bytes > 256}
    assert 1 == len(values)
    asked = []

    def watch(effect, inner):
        asked.append(effect)
        return inner(effect)

    with using_repo(evolve(repo, interpreter=with_layer(repo.interpreter, watch))) as watched:
        drawing = vis.visualize_lineage(watched.get_by_id(id_of(made)))
        drawing._repr_mimebundle_()
        for suffix in ("svg", "html", "png", "dot", "mmd"):
            drawing.save(f"made.{suffix}")
    assert set() == {type(each) for each in asked} - {FindRecord, FindInputs, ReadBlob}
    assert set() == {each.blob for each in asked if isinstance(each, ReadBlob)} & values


@pytest.mark.parametrize(
    ("start", "name"),
    [
        (b"<svg ", "x.svg"),
        (b"<svg ", "X.SVG"),
        (b"<!DOCTYPE html>", "x.html"),
        (PNG, "x.png"),
        (b"digraph ", "x.dot"),
        (b"digraph ", "x.gv"),
        (b"flowchart TD", "x.mmd"),
    ],
)
def test_the_suffix_chooses_the_format(start, name, tmp_path):
    """The file is written where it was asked for, and its path is the answer."""
    saved = vis.visualize_lineage(follow(source("größe"))).save(str(tmp_path / name))
    assert (tmp_path / name, True) == (saved, saved.read_bytes().startswith(start))


@pytest.mark.parametrize("name", ["x.jpeg", "x", ".svg"])
def test_other_suffixes_are_refused(name, tmp_path):
    """The error lists what there is, and nothing is written."""
    with pytest.raises(p.ConfigError, match=r"\.svg, \.html, \.png") as refused:
        vis.visualize_lineage(source()).save(tmp_path / name)
    assert isinstance(refused.value, ValueError)
    assert [] == list(tmp_path.iterdir())


def size_of(png):
    """Width and height in dots."""
    return struct.unpack(">II", png[16:24])


def test_png_is_twice_as_fine_as_the_drawing():
    """Small pictures are sharp on fine screens."""
    drawing = vis.visualize_lineage(follow(source()))
    root = drawing.svg.split('width="', 1)[1]
    assert 2 * int(root.split('"')[0]) == pytest.approx(size_of(drawing.png)[0], abs=2)


@pytest.mark.parametrize(("width", "height"), [(1e6, 400), (400, 1e6), (3e4, 3e4), (1, 1)])
def test_png_does_not_get_too_large(width, height):
    """However large the drawing, the picture has bounds."""
    zoom = scale(width, height)
    assert max(width, height) * zoom <= LONGEST + 1
    assert width * height * zoom**2 <= MAX_DOTS + 1


def test_a_large_picture_is_drawn_coarsely():
    """What is too large to be drawn finely is drawn all the same."""
    assert vis.visualize_lineage(diamonds(80)).png.startswith(PNG)


def test_without_the_extra_only_png_is_missing(monkeypatch):
    """The error names what to install; the other formats do not miss it."""
    monkeypatch.setitem(sys.modules, "resvg_py", None)
    drawing = vis.visualize_lineage(source())
    with pytest.raises(p.ConfigError, match="PNG needs resvg-py; pip install resvg-py"):
        _ = drawing.png
    assert all([drawing.svg, drawing.html, drawing.dot, drawing.mermaid])


def test_notebooks_are_shown_the_picture():
    """As SVG and as HTML that scrolls; the bundle has what was asked for."""
    drawing = vis.visualize_lineage(source())
    assert drawing.svg == drawing._repr_svg_()
    assert drawing.svg in drawing._repr_html_()
    assert "<script" not in drawing._repr_html_()
    assert {"text/plain", "text/html", "image/svg+xml"} == drawing._repr_mimebundle_().keys()
    assert {"image/svg+xml"} == drawing._repr_mimebundle_(include={"image/svg+xml"}).keys()
    assert {"text/plain", "text/html"} == drawing._repr_mimebundle_(
        exclude={"image/svg+xml"}
    ).keys()


def test_a_drawing_is_frozen_and_says_what_it_is():
    """It cannot be changed; its `repr` is a line."""
    made = source()
    drawing = vis.visualize_lineage(made)
    with pytest.raises(FrozenInstanceError):
        drawing.scene = None
    assert f"<provenance.vis.Drawing: Lineage of source {id_of(made)[:8]}: 1 artifact>" == repr(
        drawing
    )


def test_it_is_found_under_the_package():
    """`provenance.vis` is the module, and a name that is not there is an error as ever."""
    assert p.vis is vis
    with pytest.raises(AttributeError, match="nothing_like_this"):
        _ = p.nothing_like_this
