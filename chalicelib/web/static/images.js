/* Shows at once which part of a picture the sliders mean; the server computes the same box (domain/asset.py, cut).
   Without this file the button "Show" asks the server. */
const view = document.querySelector("[data-cut-view]");
const sliders = Object.fromEntries([...document.querySelectorAll("[data-cut]")].map((input) => [input.dataset.cut, input]));

function show() {
  const width = Number(view.dataset.width), height = Number(view.dataset.height), ratio = Number(view.dataset.ratio);
  const wide = Math.min(width, height * ratio) * 100 / Number(sliders.zoom.value);
  const box = [Math.max(1, Math.min(width, Math.round(wide))), Math.max(1, Math.min(height, Math.round(wide / ratio)))];
  const left = Math.round((width - box[0]) * Number(sliders.x.value) / 100);
  const top = Math.round((height - box[1]) * Number(sliders.y.value) / 100);
  view.setAttribute("viewBox", [left, top, ...box].join(" "));
}

if (view && sliders.x && sliders.y && sliders.zoom) {
  for (const input of Object.values(sliders)) input.addEventListener("input", show);
  // Dragging in the picture moves the part, as one would expect of a picture.
  view.addEventListener("pointerdown", (down) => {
    view.setPointerCapture(down.pointerId);
    const start = { x: Number(sliders.x.value), y: Number(sliders.y.value) };
    const move = (event) => {
      const size = view.getBoundingClientRect(), [, , width, height] = view.getAttribute("viewBox").split(" ").map(Number);
      const rest = { x: Number(view.dataset.width) - width, y: Number(view.dataset.height) - height };
      if (rest.x) sliders.x.value = start.x - (event.clientX - down.clientX) / size.width * width / rest.x * 100;
      if (rest.y) sliders.y.value = start.y - (event.clientY - down.clientY) / size.height * height / rest.y * 100;
      show();
    };
    view.addEventListener("pointermove", move);
    view.addEventListener("pointerup", () => view.removeEventListener("pointermove", move), { once: true });
    view.addEventListener("pointercancel", () => view.removeEventListener("pointermove", move), { once: true });
  });
  const button = document.querySelector("[data-cut-show]");
  if (button) button.hidden = true;
  show();
}
