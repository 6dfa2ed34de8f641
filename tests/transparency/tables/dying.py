"""Cases for the tests of the player: one of them kills the process that plays it with a result."""

from transparency.case import Case

SETUP = """
import os
import provenance as p
"""

CASES = [
    Case("int", "x + 1, os.abort() if p.is_proxy(x) else x, x + 2"),
    Case("int", "'a' if p.is_proxy(x) else 'b'"),
    Case("int", "x.real if p.is_proxy(x) else x.missing"),
    Case("int", "x.missing if p.is_proxy(x) else x.real"),
    Case("none", "type(x) is int"),
]
