/* The preview beside the form: after a save the frame that is shown is loaded again, the hidden ones
   when they are shown. Without JavaScript the frames stand and have a link that loads them. */
const frames = [...document.querySelectorAll(".preview iframe")];
const stale = new Set();
const shown = (frame) => frame.getClientRects().length > 0;

function load(frame) {
  const url = new URL(frame.getAttribute("src"), location.href);
  url.searchParams.set("at", String(Date.now()));
  stale.delete(frame);
  frame.src = url.href;
}

document.addEventListener("saved", () => {
  for (const frame of frames) {
    if (shown(frame)) load(frame);
    else stale.add(frame);
  }
});

for (const tab of document.querySelectorAll("input[name=preview-view]")) {
  tab.addEventListener("change", () => { for (const frame of stale) if (shown(frame)) load(frame); });
}

/* Undo and redo are buttons of the form; after a save by itself there is something to undo. */
document.addEventListener("saved", (event) => {
  for (const button of document.querySelectorAll("[data-turn]")) button.disabled = !event.detail[button.dataset.turn];
});
