"""Pictures of lineage.

from provenance import vis

vis.visualize_lineage(result)                     # in a notebook: the picture
vis.visualize_lineage(result).save("where.html")  # or .svg, .png, .dot, .mmd
"""

from provenance.vis.drawing import Drawing, visualize_lineage

__all__ = ["Drawing", "visualize_lineage"]
