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

/* A function that cannot be started for a moment must leave no error page in the preview. What a sandboxed
   frame shows cannot be seen from here, only the status of its answer (0: there was none), in browsers that tell it. */
const TRIES = 4;
performance.setResourceTimingBufferSize(5000);
const tries = new Map();
const answered = (frame) => performance.getEntriesByName(frame.src).at(-1)?.responseStatus;

function mend(frame) {
  const status = answered(frame);
  if (status > 0 && status < 429) tries.delete(frame);
  if (status !== 0 && !(status >= 429)) return;
  const count = tries.get(frame) ?? 0;
  tries.set(frame, count + 1);
  if (count < TRIES) setTimeout(load, 1000 * 2 ** count, frame);
}

for (const frame of frames) {
  frame.addEventListener("load", () => mend(frame));
  mend(frame);  // It may have been loaded before this script was.
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
