"""The settings of the documentation's site; `make docs` builds it, without a network."""

import re
from importlib.metadata import version as _version
from pathlib import Path
from typing import Final

from sphinx.application import Sphinx

project: Final = "provenance"
author: Final = "The provenance developers"
project_copyright: Final = author
release: Final = _version("provenance")
version: Final = release

extensions: Final = [
    "myst_parser",
    "sphinx.ext.autodoc",
    "sphinx.ext.autosummary",
    "sphinx.ext.napoleon",
    "sphinx_copybutton",
    "sphinx_llms_txt",
]
exclude_patterns: Final = ["_build", "images/README.md"]
default_role: Final = "code"
suppress_warnings: Final = ["ref.python"]  # fields of records share names, such as `bytes`

myst_enable_extensions: Final = ["colon_fence", "deflist", "fieldlist"]
myst_heading_anchors: Final = 4

autodoc_typehints: Final = "signature"
autodoc_typehints_format: Final = "short"
autodoc_member_order: Final = "bysource"
autodoc_type_aliases: Final = {
    name: name
    for name in [
        *("AllEffects", "BlobEffects", "RecordEffects", "Damage"),
        *("Event", "Explanation", "Gap", "Json", "Problem"),
    ]
}
autodoc_default_options: Final = {"members": True, "show-inheritance": True}
autosummary_generate: Final = False
napoleon_numpy_docstring: Final = False
python_use_unqualified_type_names: Final = True
add_module_names: Final = False

html_theme: Final = "furo"
html_title: Final = "provenance"
html_show_sphinx: Final = False
html_use_index: Final = False  # the theme does not lead to it; the search finds names
html_domain_indices: Final = False
html_static_path: Final = ["static"]
html_css_files: Final = ["site.css"]
copybutton_exclude: Final = ".linenos, .gp, .go"

llms_txt_uri_template: Final = "_sources/{docname}{suffix}{sourcelink_suffix}"


def setup(app: Sphinx) -> None:
    """Keep the site under 5 MB, and signatures short."""
    app.connect("build-finished", _delete_copies, priority=900)
    app.connect("autodoc-process-signature", _name_aliases)


def _delete_copies(app: Sphinx, _error: Exception | None) -> None:
    """Delete the source maps of the theme, and `llms-full.txt`: `llms.txt` leads to the source of each page."""
    for path in [*Path(app.outdir).glob("_static/**/*.map"), Path(app.outdir) / "llms-full.txt"]:
        path.unlink(missing_ok=True)


def _name_aliases(*event: object) -> tuple[str | None, ...]:
    """Write aliases of types by their names, which Sphinx shows as calls of a class of its own."""
    shown = (text if isinstance(text, str) else None for text in event[-2:])
    return tuple(text and re.sub(r"TypeAliasForwardRef\('(\w+)'\)", r"\1", text) for text in shown)
