"""A picture as a self-contained HTML page for a browser, which works offline.

The wheel zooms, dragging pans, and a click on a step shows its facts and highlights its ancestors
and descendants. The script avoids `<` and `&`, so that the page is both XML and HTML; it reads facts
from the titles of the SVG and inserts them as text, never as markup.
"""

from __future__ import annotations

from typing import Final
from xml.sax.saxutils import escape

from provenance.vis.svg import DARK, FIXED, FONTS, LIGHT, NAME

_LOCK: Final = "default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'"
"""Content security policy: the page loads nothing, whatever markup a name or value contains."""

_STYLE: Final = f"""
html,body{{margin:0;height:100%;overflow:hidden;background:{LIGHT.sheet};color:{LIGHT.text};font:13px {FONTS}}}
svg.{NAME}{{width:100vw;height:100vh;cursor:grab;touch-action:none}}
svg.{NAME} .step{{cursor:pointer}}
.picked .step,.picked .use{{opacity:.2}}
.picked .step.near,.picked .use.near{{opacity:1}}
#facts{{position:fixed;right:12px;top:12px;max-width:42vw;max-height:80vh;overflow:auto;margin:0;padding:10px 14px;
border:1px solid {LIGHT.function.line};border-radius:8px;background:{LIGHT.function.fill};font:12px {FIXED};
white-space:pre-wrap;overflow-wrap:anywhere}}
#facts:empty{{display:none}}
#keys{{position:fixed;left:12px;bottom:8px;margin:0;color:{LIGHT.quiet}}}
@media (prefers-color-scheme:dark){{
html,body{{background:{DARK.sheet};color:{DARK.text}}}
#facts{{background:{DARK.function.fill};border-color:{DARK.function.line}}}
#keys{{color:{DARK.quiet}}}
}}
"""

_SCRIPT: Final = """
const svg = document.querySelector("svg"), facts = document.getElementById("facts");
const full = svg.getAttribute("viewBox").split(" ").map(Number);
let view = full.slice(), held = null, moved = false;
const show = () => svg.setAttribute("viewBox", view.join(" "));
const unit = () => Math.max(view[2] / svg.clientWidth, view[3] / svg.clientHeight);
function zoom(by, x, y) {
  const u = unit(), cx = view[0] + view[2] / 2 + (x - svg.clientWidth / 2) * u;
  const cy = view[1] + view[3] / 2 + (y - svg.clientHeight / 2) * u;
  view = [cx - (cx - view[0]) * by, cy - (cy - view[1]) * by, view[2] * by, view[3] * by];
  show();
}
function begin() {
  const whole = Math.max(1, full[2] / svg.clientWidth, full[3] / svg.clientHeight), u = whole > 1.8 ? 1.2 : whole;
  const wide = svg.clientWidth * u, high = svg.clientHeight * u, root = svg.querySelector(".root").getBBox();
  const x = whole > 1.8 ? root.x + root.width / 2 : full[2] / 2;
  const end = full[3] / 2 > root.y + root.height / 2 ? Math.min(0, full[3] - high) : full[3] - high;
  view = [x - wide / 2, end + Math.max(0, high - full[3]) / 2, wide, high];
  show();
}
svg.addEventListener("wheel", e => { e.preventDefault(); zoom(Math.exp(e.deltaY / 500), e.clientX, e.clientY); },
  {passive: false});
svg.addEventListener("pointerdown", e => { held = [e.clientX, e.clientY]; moved = false; });
window.addEventListener("pointerup", () => { held = null; });
window.addEventListener("pointermove", e => {
  if (held === null) return;
  const dx = e.clientX - held[0], dy = e.clientY - held[1], u = unit();
  if (Math.abs(dx) + Math.abs(dy) > 3) moved = true;
  if (!moved) return;
  view[0] -= dx * u; view[1] -= dy * u; held = [e.clientX, e.clientY];
  show();
});
const steps = Array.from(svg.querySelectorAll(".step")), uses = Array.from(svg.querySelectorAll(".use"));
const ends = uses.filter(w => w.dataset.to !== undefined).map(w => [w.dataset.from, w.dataset.to]);
const below = new Map(), above = new Map();
function link(from, to, at) { if (!at.has(from)) at.set(from, []); at.get(from).push(to); }
for (const [from, to] of ends) { link(from, to, below); link(to, from, above); }
function reached(start, at) {
  const met = new Set([start]), waiting = [start];
  while (waiting.length > 0) {
    for (const each of at.get(waiting.pop()) || []) if (!met.has(each)) { met.add(each); waiting.push(each); }
  }
  return met;
}
function pick(step) {
  svg.classList.toggle("picked", step !== null);
  facts.textContent = "";
  if (step === null) return;
  const id = step.dataset.step, up = reached(id, above), down = reached(id, below);
  const within = (set, w) => set.has(w.dataset.from) ? w.dataset.to === undefined || set.has(w.dataset.to) : false;
  for (const each of steps) each.classList.toggle("near", up.has(each.dataset.step) || down.has(each.dataset.step));
  for (const each of uses) each.classList.toggle("near", within(up, each) || within(down, each));
  facts.textContent = Array.from(step.querySelectorAll("title")).map(t => t.textContent).join("\\n\\n");
}
svg.addEventListener("click", e => { if (!moved) pick(e.target.closest(".step")); });
window.addEventListener("keydown", e => {
  const x = svg.clientWidth / 2, y = svg.clientHeight / 2;
  if (e.key === "+") zoom(0.8, x, y);
  if (e.key === "-") zoom(1.25, x, y);
  if (e.key === "0") { view = full.slice(); show(); }
  if (e.key === "1") begin();
  if (e.key === "Escape") pick(null);
});
begin();
"""


def page(svg: str, title: str) -> str:
    """Return the page that shows *svg*."""
    return (
        '<!DOCTYPE html>\n<html xmlns="http://www.w3.org/1999/xhtml" lang="en"><head>'
        '<meta charset="utf-8"/>'
        f'<meta http-equiv="Content-Security-Policy" content="{_LOCK}"/>'
        '<meta name="viewport" content="width=device-width, initial-scale=1"/>'
        f"<title>{escape(title)}</title><style>{_STYLE}</style></head><body>\n{svg}\n"
        '<pre id="facts"></pre><p id="keys">'
        "drag: move · wheel, + -: zoom · 0: all · 1: the result · click: what is known</p>"
        f"<script>{_SCRIPT}</script></body></html>\n"
    )


def embed(svg: str) -> str:
    """Return *svg* for a notebook cell, no taller than the window and without a script."""
    return f'<div style="overflow:auto;max-height:85vh">{svg}</div>'
