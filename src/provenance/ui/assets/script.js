"use strict";
// Pictures move and zoom, lines can be copied, and pages load again when something new is stored.
// Everything works without this script, too.

function moveable(box) {
  const svg = box.querySelector("svg");
  const full = svg.getAttribute("viewBox").split(" ").map(Number);
  let view = full.slice(), held = null, moved = false;
  box.classList.add("moves");
  const show = () => svg.setAttribute("viewBox", view.join(" "));
  const unit = () => Math.max(view[2] / svg.clientWidth, view[3] / svg.clientHeight);
  function zoom(by, x, y) {
    const u = unit();
    const cx = view[0] + view[2] / 2 + (x - svg.clientWidth / 2) * u;
    const cy = view[1] + view[3] / 2 + (y - svg.clientHeight / 2) * u;
    view = [cx - (cx - view[0]) * by, cy - (cy - view[1]) * by, view[2] * by, view[3] * by];
    show();
  }
  function begin() {
    // The result is at one end; a large picture begins there, in a size that can be read.
    const whole = Math.max(full[2] / svg.clientWidth, full[3] / svg.clientHeight);
    const u = Math.max(1, Math.min(whole, 1.6));
    const wide = svg.clientWidth * u, high = svg.clientHeight * u;
    const root = svg.querySelector(".root"), at = root.getBBox();
    const x = whole > 1.6 ? at.x + at.width / 2 : full[2] / 2;
    // What uses an artifact is below it.
    const end = at.y + at.height / 2 < full[3] / 2 ? Math.min(0, full[3] - high) : full[3] - high;
    view = [x - wide / 2, end + Math.max(0, high - full[3]) / 2, wide, high];
    show();
  }
  svg.removeAttribute("width");
  svg.removeAttribute("height");
  const most = box.classList.contains("tall") ? 0.72 * window.innerHeight : 480;
  svg.style.height = `${Math.min(full[3] + 8, most)}px`;
  box.addEventListener("wheel", event => {
    if (!event.ctrlKey && document.activeElement !== box) return;
    event.preventDefault();
    const frame = svg.getBoundingClientRect();
    zoom(Math.exp(event.deltaY / 500), event.clientX - frame.left, event.clientY - frame.top);
  }, {passive: false});
  box.addEventListener("pointerdown", event => { held = [event.clientX, event.clientY]; moved = false; });
  window.addEventListener("pointerup", () => { held = null; });
  window.addEventListener("pointermove", event => {
    if (held === null) return;
    const dx = event.clientX - held[0], dy = event.clientY - held[1], u = unit();
    if (Math.abs(dx) + Math.abs(dy) > 3) moved = true;
    if (!moved) return;
    view[0] -= dx * u; view[1] -= dy * u; held = [event.clientX, event.clientY];
    show();
  });
  box.addEventListener("click", event => { if (moved) event.preventDefault(); }, true);
  box.addEventListener("dragstart", event => event.preventDefault());
  const steps = {ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1]};
  box.addEventListener("keydown", event => {
    const middle = [svg.clientWidth / 2, svg.clientHeight / 2], step = steps[event.key];
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.key === "+") zoom(0.8, ...middle);
    else if (event.key === "-") zoom(1.25, ...middle);
    else if (event.key === "0") { view = full.slice(); show(); }
    else if (event.key === "1") begin();
    else if (step) { view[0] += step[0] * view[2] / 8; view[1] += step[1] * view[3] / 8; show(); }
    else return;
    event.preventDefault();
  });
  begin();
}

function copyable(button) {
  button.hidden = false;
  button.addEventListener("click", async () => {
    await navigator.clipboard.writeText(button.dataset.copy);
    button.textContent = "Copied";
    setTimeout(() => { button.textContent = "Copy"; }, 1500);
  });
}

function prepare(part) {
  part.querySelectorAll(".graph").forEach(moveable);
  if (navigator.clipboard) part.querySelectorAll("[data-copy]").forEach(copyable);
}

async function watch(address) {
  const note = document.getElementById("live");
  const ask = async () => (await (await fetch(address)).json()).newest;
  let newest = await ask();
  note.textContent = "live";
  setInterval(async () => {
    if (document.hidden) return;
    const active = document.activeElement;
    if (active && active.closest("main form")) return;
    try {
      const now = await ask();
      note.textContent = "live";
      if (now === newest) return;
      newest = now;
      const text = await (await fetch(location.href)).text();
      const fresh = new DOMParser().parseFromString(text, "text/html").querySelector("main");
      const open = Array.from(document.querySelectorAll("details")).map(one => one.open);
      document.querySelector("main").replaceChildren(...fresh.childNodes);
      document.querySelectorAll("details").forEach((one, i) => { one.open = Boolean(open[i]); });
      prepare(document.querySelector("main"));
    } catch (error) {
      note.textContent = "the server does not answer";
    }
  }, 2000);
}

prepare(document);
if (document.body.dataset.live && !location.search.includes("refresh")) watch(document.body.dataset.live);
