"""What users of `provenance.vis` are told by their type checker."""

from pathlib import Path
from typing import assert_type

import provenance as p
from provenance import vis

drawing = vis.visualize_lineage("88311853")
assert_type(drawing, vis.Drawing)
assert_type(p.vis.visualize_lineage(p.lineage(drawing)), vis.Drawing)
assert_type(drawing.svg, str)
assert_type(drawing.png, bytes)
assert_type(drawing.save("where.html"), Path)

p.nothing_like_this  # type: ignore[attr-defined]  # pyright: ignore[reportAttributeAccessIssue, reportUnknownMemberType]
