/* Small helpers for pages that work without them. Each looks for its attribute and does nothing else.

   data-counter="60"        on an input or textarea: shows "12 of 60" below it, counted in graphemes as the
                            server counts (Intl.Segmenter), and says by how much a text is too long.
   data-autosave="/url"     on a form: posts the whole form as urlencoded to that URL 1.2 s after the last
                            change and when the page is left. The answer is JSON: {"saved": "14:02", "version": 7}
                            (version goes into the field named "version"), with status 409
                            {"conflict": "sentence"} or with status 422 {"problems": ["sentence", ...]}. A save that
                            got no answer, or an error, is tried again after 1, 2, 4 ... at most 60 seconds.
                            Somebody who is signed out is told; after a sign-in in another tab the form goes on.
                            An element with data-save-state inside the form tells the state as text and in its
                            attribute: saving, saved, failed, conflict.
                            Dispatches "saved" (bubbles) on the form after each save.
   data-preview             on an iframe: is loaded again after each "saved", its place kept by the browser.
                            data-preview="/url" loads that URL; without a value its src.
   data-show="name=value"   on any element: is shown only while the form field has that value.
   data-file-into="id"      on <input type=file>: puts the chosen text file into the textarea of that id, so that a
                            form without multipart can carry it. data-max="5000000" refuses larger files.
   data-upload              on a form that posts a file to the bucket (presigned POST): shows what is hidden in an
                            element with data-upload-progress, with words in data-upload-text, until the bucket answers.
   data-focus               on an element: gets the focus when the page loads (error summary).
   data-menu                closes an open <details class="person-menu"> by Escape or a click outside (automatic).
*/
const segmenter = "Segmenter" in Intl ? new Intl.Segmenter(undefined, { granularity: "grapheme" }) : null;
const count = (text) => (segmenter ? [...segmenter.segment(text)].length : [...text].length);
// The page hands over the words that are written here, in its language (texts/scripts.py).
const words = JSON.parse(document.body.dataset.words || "{}");
const say = (name, values = {}) => (words[name] || "").replace(/\{(\w+)\}/g, (_, key) => values[key]);

function counters(root) {
  for (const field of root.querySelectorAll("[data-counter]")) {
    const max = Number(field.dataset.counter);
    const line = document.createElement("output");
    line.className = "counter";
    line.setAttribute("for", field.id);
    field.after(line);
    const show = () => {
      const n = count(field.value.replaceAll("\r\n", "\n"));
      line.textContent = say(n > max ? "over" : "count", { n, max, more: n - max });
      line.classList.toggle("counter-over", n > max);
    };
    field.addEventListener("input", show);
    show();
  }
}

function autosave(form) {
  const state = form.querySelector("[data-save-state]");
  let timer = 0, failures = 0, insisted = false, dirty = false, stopped = false, waiting = 0, unanswered = "", last = Promise.resolve();
  const tell = (kind, text) => { if (state) { state.dataset.saveState = kind; state.textContent = text; } };
  // One after the other: each save names the version that the one before it made.
  const save = () => { waiting += 1; last = last.then(once).finally(() => { waiting -= 1; }); };
  const again = () => {
    dirty = true;
    tell("failed", say("failed"));
    timer = setTimeout(save, Math.min(60, 2 ** failures) * 1000);
    failures += 1;
  };
  // Who signed in again in another tab has a new token, which the page as it is served now tells.
  const renewed = async () => {
    const page = new DOMParser().parseFromString(await (await fetch(location.href)).text(), "text/html");
    const token = page.querySelector("form[data-autosave] [name=csrf]")?.value;
    if (!token || token === form.elements.csrf.value) return false;
    for (const field of document.querySelectorAll("[name=csrf]")) field.value = token;
    return true;
  };
  const once = async () => {
    if (!dirty || stopped) return;
    dirty = false;
    clearTimeout(timer);
    tell("saving", say("saving"));
    const now = String(new URLSearchParams(new FormData(form)));
    // What may have arrived is sent again as it was: more text with the old version would look like a conflict.
    const body = unanswered || now;
    unanswered = body;
    try {
      // A request that outlives its page may carry no more than 64 KiB (Fetch standard, keepalive).
      const keepalive = body.length < 60_000;
      const headers = { Accept: "application/json", "Content-Type": "application/x-www-form-urlencoded;charset=UTF-8" };
      const answer = await fetch(form.dataset.autosave, { method: "POST", body, headers, keepalive });
      if (answer.redirected || answer.status === 403) {
        dirty = true;
        unanswered = "";
        if (await renewed()) return once();
        tell("failed", say("signedOut"));
        return;
      }
      const told = await answer.json();
      if (answer.status === 409) { stopped = true; tell("conflict", told.conflict); return; }
      if (answer.ok || told.problems) unanswered = "";
      if (!unanswered && body !== now) { dirty = true; save(); }
      // What the server will not keep is not better the second time: the next change is the next try.
      if (told.problems) { tell("failed", told.problems.join(" ")); return; }
      if (!answer.ok) throw new Error(String(answer.status));
      if ("version" in told && form.elements.version) form.elements.version.value = told.version;
      failures = 0;
      tell("saved", say("saved", { at: told.saved }));
      form.dispatchEvent(new CustomEvent("saved", { bubbles: true, detail: told }));
    } catch { again(); }
  };
  addEventListener("online", save);
  form.addEventListener("input", () => { dirty = true; clearTimeout(timer); timer = setTimeout(save, 1200); });
  form.addEventListener("submit", (event) => {
    clearTimeout(timer);
    // What may have arrived is asked about once more; if that fails too, the page that follows tells.
    if (!waiting && unanswered && !insisted) { insisted = true; dirty = true; save(); }
    if (!waiting) { stopped = true; return; }
    event.preventDefault();  // What is on its way makes the version that this form has to name.
    last.then(() => form.requestSubmit(event.submitter));
  });
  document.addEventListener("visibilitychange", save);
}

function previews() {
  document.addEventListener("saved", () => {
    for (const frame of document.querySelectorAll("iframe[data-preview]")) {
      const url = new URL(frame.dataset.preview || frame.getAttribute("src"), location.href);
      url.searchParams.set("at", String(Date.now()));
      frame.contentWindow.location.replace(url);
    }
  });
}

function showing(root) {
  for (const part of root.querySelectorAll("[data-show]")) {
    const [name, value] = part.dataset.show.split("=");
    const form = part.closest("form");
    const apply = () => { part.hidden = new FormData(form).get(name) !== value; };
    form.addEventListener("change", apply);
    apply();
  }
}

function filesInto(root) {
  for (const input of root.querySelectorAll("[data-file-into]")) {
    input.addEventListener("change", async () => {
      const file = input.files[0];
      const target = document.getElementById(input.dataset.fileInto);
      input.setCustomValidity("");
      if (!file || !target) return;
      if (file.size > Number(input.dataset.max || 5e6)) { input.setCustomValidity(say("large")); input.reportValidity(); return; }
      try {
        target.value = new TextDecoder("utf-8", { fatal: true }).decode(await file.arrayBuffer());
        target.dispatchEvent(new Event("input", { bubbles: true }));
      } catch { input.setCustomValidity(say("unreadable")); input.reportValidity(); }
    });
  }
}

// The browser itself posts the file: a script could not follow the bucket's redirect back to our pages.
function uploads(root) {
  for (const form of root.querySelectorAll("form[data-upload]")) {
    form.addEventListener("submit", () => {
      const box = form.querySelector("[data-upload-progress]"), text = box?.querySelector("[data-upload-text]");
      if (box) box.hidden = false;
      if (text) text.textContent = say("sending");
      // Later than the submission, which a disabled button would not be part of.
      setTimeout(() => { for (const b of form.querySelectorAll("button")) b.disabled = true; });
    });
    // Coming back by the browser's history finds the form usable again.
    addEventListener("pageshow", () => { for (const b of form.querySelectorAll("button")) b.disabled = false; });
  }
}

function menu() {
  const all = () => document.querySelectorAll("details.person-menu[open]");
  document.addEventListener("keydown", (e) => { if (e.key === "Escape") for (const d of all()) { d.open = false; d.querySelector("summary").focus(); } });
  document.addEventListener("click", (e) => { for (const d of all()) if (!d.contains(e.target)) d.open = false; });
}

function start(root) {
  counters(root);
  showing(root);
  filesInto(root);
  uploads(root);
  for (const form of root.querySelectorAll("form[data-autosave]")) autosave(form);
}

start(document);
previews();
menu();
document.querySelector("[data-focus]")?.focus();
document.body.addEventListener("htmx:load", (event) => { if (event.detail.elt !== document.body) start(event.detail.elt); });
