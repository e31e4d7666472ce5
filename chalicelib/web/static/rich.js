/* Rich text: ProseMirror on a textarea that stays the source of truth.

   Each <textarea data-rich='{"tags": [...], "hosts": [...], ...}'> gets an editor whose schema has the server's
   own tags and no others (domain/richtext.py). What is typed is written into the textarea as HTML at once, so
   the form, its autosave and a browser without this script all post the same field. Until somebody types, the
   textarea stays as it came. The words of buttons and messages come from data-rich-words of the form.

   ProseMirror itself is loaded from <link id="prosemirror">, on this page only, and only where such a field is. */

const BLOCK = /<\/?(?:p|ul|ol|li|div|h[1-6]|table|blockquote)\b/i;
const escaped = (text) => text.replace(/[&<>]/g, (c) => ({ "&": "&amp;", "<": "&lt;", ">": "&gt;" })[c]);

/** What was typed without tags as HTML: an empty line begins a paragraph (web/partner_form.from_writing). */
export function fromWriting(text, inline) {
  if (inline || BLOCK.test(text)) return text;
  const paragraphs = [[]];
  for (const row of text.split("\n").map((line) => line.trim())) {
    if (row) paragraphs.at(-1).push(text.includes("<") ? row : escaped(row));
    else if (paragraphs.at(-1).length) paragraphs.push([]);
  }
  return paragraphs.filter((rows) => rows.length).map((rows) => `<p>${rows.join("<br>")}</p>`).join("\n");
}

/** A schema with exactly these tags: paragraphs, lists and line ends as nodes, the others as marks. */
export function schemaOf(pm, rules) {
  const has = new Set(rules.tags), nodes = {}, marks = {};
  const blocks = ["p", "ul", "ol", "li"].filter((tag) => has.has(tag));
  nodes.doc = { content: blocks.length ? "block+" : "inline*" };
  if (has.has("p")) nodes.p = { group: "block", content: "inline*", parseDOM: [{ tag: "p" }], toDOM: () => ["p", 0] };
  for (const tag of ["ul", "ol"]) {
    if (has.has(tag)) nodes[tag] = { group: "block", content: "li+", parseDOM: [{ tag }], toDOM: () => [tag, 0] };
  }
  if (has.has("li")) nodes.li = { content: "p block*", defining: true, parseDOM: [{ tag: "li" }], toDOM: () => ["li", 0] };
  nodes.text = { group: "inline" };
  if (has.has("br")) {
    nodes.br = { group: "inline", inline: true, selectable: false, parseDOM: [{ tag: "br" }], toDOM: () => ["br"], leafText: () => "\n" };
  }
  for (const tag of rules.tags) {
    if (tag in nodes || tag === "a") continue;
    marks[tag] = { parseDOM: [{ tag }], toDOM: () => [tag, 0] };
  }
  if (has.has("a")) {
    marks.a = {
      attrs: { href: {} }, inclusive: false, toDOM: (mark) => ["a", { href: mark.attrs.href }, 0],
      parseDOM: [{ tag: "a[href]", getAttrs: (node) => ({ href: node.getAttribute("href") }) }],
    };
  }
  return new pm.Schema({ nodes, marks });
}

/** The address in its one form, or the reason against it: "address" or "host". The server has the last word. */
export function linkTo(typed, rules) {
  let url;
  try { url = new URL(/^[a-z][a-z0-9+.-]*:/i.test(typed.trim()) ? typed.trim() : `https://${typed.trim()}`); } catch { return { wrong: "address" }; }
  const host = url.hostname.toLowerCase();
  if (!rules.schemes.includes(url.protocol.slice(0, -1)) || !host.includes(".") || url.username) return { wrong: "address" };
  if (rules.hosts.length && !rules.hosts.some((one) => host === one.toLowerCase() || host.endsWith(`.${one.toLowerCase()}`))) return { wrong: "host" };
  return { href: url.href };
}

/** The document as the server will keep it: entries without a paragraph around their words, nothing empty. */
export function htmlOf(pm, schema, doc) {
  const box = document.createElement("div");
  box.append(pm.DOMSerializer.fromSchema(schema).serializeFragment(doc.content));
  for (const p of box.querySelectorAll("li > p:first-child")) p.replaceWith(...p.childNodes);
  if (!schema.nodes.p) return box.innerHTML;
  for (const p of box.querySelectorAll("p, li")) if (!p.textContent.trim()) p.remove();
  for (const list of box.querySelectorAll("ul, ol")) if (!list.children.length) list.remove();
  return [...box.children].map((one) => one.outerHTML).join("\n");
}

function bodyOf(html) {
  return new DOMParser().parseFromString(`<!doctype html><body>${html}`, "text/html").body;
}

/** What is pasted: the schema's tags, links that are allowed, and nothing for <span>, which only carries styles. */
function pasteParser(pm, schema, rules) {
  const own = pm.DOMParser.schemaRules(schema).filter((rule) => rule.mark !== "span" && rule.mark !== "a");
  if (schema.marks.a) {
    own.push({ tag: "a[href]", mark: "a", getAttrs: (node) => { const to = linkTo(node.getAttribute("href"), rules); return to.href ? to : false; } });
  }
  return new pm.DOMParser(schema, own);
}

function edit(pm, source, words) {
  const rules = JSON.parse(source.dataset.rich), schema = schemaOf(pm, rules), inline = !schema.nodes.p;
  const id = source.id, label = document.querySelector(`label[for="${CSS.escape(id)}"]`);
  const doc = (html) => pm.DOMParser.fromSchema(schema).parse(bodyOf(html));
  const first = fromWriting(source.value, inline);

  const frame = document.createElement("div"), place = document.createElement("div");
  frame.className = "rich";
  source.after(frame);
  label.id ||= `${id}-label`;
  const counter = counterOf(rules.max, words);
  const bar = toolbar(pm, schema, words, () => view, `${words.tools}: ${label.textContent.trim()}`);
  const link = schema.marks.a ? linkPanel(pm, schema, rules, words, () => view, id) : null;
  frame.append(bar.element, ...(link ? [link.element] : []), place, counter.element);

  const keys = {
    "Mod-z": pm.undo, "Mod-y": pm.redo, "Shift-Mod-z": pm.redo,
    ...(schema.nodes.br ? { "Shift-Enter": (state, go) => { go?.(state.tr.replaceSelectionWith(schema.nodes.br.create()).scrollIntoView()); return true; } } : {}),
    ...(schema.nodes.li ? { Enter: pm.splitListItem(schema.nodes.li) } : {}),
    ...(inline && schema.nodes.br ? { Enter: (state, go) => { go?.(state.tr.replaceSelectionWith(schema.nodes.br.create()).scrollIntoView()); return true; } } : {}),
    ...(link ? { "Mod-k": () => { link.open(); return true; } } : {}),
  };
  for (const [key, tags] of [["Mod-b", BOLD], ["Mod-i", ITALIC]]) {
    const mark = markOf(schema, tags);
    if (mark) keys[key] = toggled(pm, schema, tags);
  }
  const view = new pm.EditorView({ mount: place }, {
    state: pm.EditorState.create({ doc: doc(first), plugins: [pm.history(), pm.keymap(keys), pm.keymap(pm.baseKeymap)] }),
    attributes: () => ({
      id, class: "rich-text", role: "textbox", "aria-multiline": "true", "aria-labelledby": label.id, spellcheck: "true",
      ...(source.lang ? { lang: source.lang } : {}),
      ...(source.getAttribute("aria-describedby") ? { "aria-describedby": source.getAttribute("aria-describedby") } : {}),
      ...(source.getAttribute("aria-invalid") ? { "aria-invalid": "true" } : {}),
    }),
    clipboardParser: pasteParser(pm, schema, rules),
    // Styles say nothing that stays; without them the page's policy has nothing to refuse.
    transformPastedHTML: (html) => cleanPaste(html),
    dispatchTransaction(tr) {
      this.updateState(this.state.apply(tr));
      bar.show();
      if (!tr.docChanged) return;
      counter.show(this.state.doc);
      source.value = htmlOf(pm, schema, this.state.doc);
      source.dispatchEvent(new Event("input", { bubbles: true }));
    },
  });
  // The label and the error summary lead to the editor now; the textarea goes on as the form's field.
  source.id = `${id}-source`;
  source.hidden = true;
  label.removeAttribute("for");
  label.addEventListener("click", () => view.focus());
  if (link) bar.onLink(link.open);
  bar.show();
  counter.show(view.state.doc);
  document.querySelector(`[data-rich-hint="${CSS.escape(id)}"]`)?.remove();
  if (location.hash === `#${id}`) view.dom.scrollIntoView();
  return view;
}

/** What is pasted without its styles, without handlers (which the page's policy would refuse, and say so), and without what carries no words; <b style="font-weight:normal">, in which
    word processors wrap a whole document, is no bold. */
function cleanPaste(html) {
  const box = bodyOf(html.replace(/\s(?:style|on\w+)\s*=\s*("[^"]*"|'[^']*'|[^\s>]+)/gi,
    (all, value) => (/font-weight:\s*(normal|400)/i.test(value) ? " data-plain" : "")));
  for (const one of box.querySelectorAll("b[data-plain]")) one.replaceWith(...one.childNodes);
  for (const one of box.querySelectorAll("script, style, title, template, noscript, svg, math, iframe, object")) one.remove();
  return box.innerHTML;
}

const segmenter = "Segmenter" in Intl ? new Intl.Segmenter(undefined, { granularity: "grapheme" }) : null;

/** How much a reader sees, counted as the server counts (domain/values.visible). */
export function lengthOf(doc) {
  const text = doc.textBetween(0, doc.content.size, " ", " ").split(/\s+/).filter(Boolean).join(" ").normalize("NFC");
  return segmenter ? [...segmenter.segment(text)].length : [...text].length;
}

function counterOf(max, words) {
  const element = document.createElement("output");
  element.className = "counter";
  return {
    element,
    show(doc) {
      const n = lengthOf(doc), told = n > max ? words.over : words.count;
      element.textContent = told.replace("{n}", n).replace("{max}", max).replace("{more}", n - max);
      element.classList.toggle("counter-over", n > max);
    },
  };
}

// --- buttons

const BOLD = ["strong", "b"], ITALIC = ["em", "i"];
const markOf = (schema, tags) => tags.map((tag) => schema.marks[tag]).find(Boolean);

function isOn(state, mark) {
  const { from, to, empty, $from } = state.selection;
  return empty ? Boolean(mark.isInSet(state.storedMarks || $from.marks())) : state.doc.rangeHasMark(from, to, mark);
}

/** Bold is <strong> or <b>: both are taken off, the first is put on. */
function toggled(pm, schema, tags) {
  const all = tags.map((tag) => schema.marks[tag]).filter(Boolean);
  return (state, dispatch) => {
    const on = all.filter((mark) => isOn(state, mark));
    return pm.toggleMark(on[0] || all[0])(state, dispatch);
  };
}

function listAt(state, schema) {
  const { $from } = state.selection;
  for (let depth = $from.depth; depth > 0; depth -= 1) {
    const node = $from.node(depth);
    if (node.type === schema.nodes.ul || node.type === schema.nodes.ol) return { node, at: $from.before(depth) };
  }
  return null;
}

function listed(pm, schema, type) {
  return (state, dispatch) => {
    const list = listAt(state, schema);
    if (!list) return pm.wrapInList(type)(state, dispatch);
    if (list.node.type === type) return pm.liftListItem(schema.nodes.li)(state, dispatch);
    dispatch?.(state.tr.setNodeMarkup(list.at, type));
    return true;
  };
}

/** A toolbar by the pattern of the WAI: one stop for Tab, arrows between the buttons, aria-pressed for what is on. */
function toolbar(pm, schema, words, view, name) {
  const element = document.createElement("div"), shown = [];
  element.className = "rich-bar";
  element.setAttribute("role", "toolbar");
  element.setAttribute("aria-label", name);
  const add = (word, kind, press, on) => {
    const button = document.createElement("button");
    button.type = "button";
    button.className = `rich-button rich-${kind}`;
    button.textContent = word;
    button.tabIndex = shown.length ? -1 : 0;
    button.addEventListener("mousedown", (event) => event.preventDefault());
    button.addEventListener("click", press);
    element.append(button);
    shown.push({ button, on });
    return button;
  };
  const run = (command) => () => { command(view().state, view().dispatch, view()); view().focus(); };
  if (markOf(schema, BOLD)) add(words.bold, "bold", run(toggled(pm, schema, BOLD)), (s) => BOLD.some((t) => schema.marks[t] && isOn(s, schema.marks[t])));
  if (markOf(schema, ITALIC)) add(words.italic, "italic", run(toggled(pm, schema, ITALIC)), (s) => ITALIC.some((t) => schema.marks[t] && isOn(s, schema.marks[t])));
  let open = () => {};
  if (schema.marks.a) add(words.link, "link", () => open(), (s) => isOn(s, schema.marks.a));
  for (const tag of ["ul", "ol"]) {
    if (schema.nodes[tag]) add(words[tag], tag, run(listed(pm, schema, schema.nodes[tag])), (s) => listAt(s, schema)?.node.type === schema.nodes[tag]);
  }
  const undo = add("↶", "undo", run(pm.undo)), redo = add("↷", "redo", run(pm.redo));
  for (const [button, word] of [[undo, words.undo], [redo, words.redo]]) { button.setAttribute("aria-label", word); button.title = word; }
  element.addEventListener("keydown", (event) => {
    const all = shown.map((one) => one.button), here = all.indexOf(document.activeElement);
    const to = { ArrowRight: here + 1, ArrowLeft: here - 1, Home: 0, End: all.length - 1 }[event.key];
    if (to === undefined || here < 0) return;
    event.preventDefault();
    for (const one of all) one.tabIndex = -1;
    const next = all[(to + all.length) % all.length];
    next.tabIndex = 0;
    next.focus();
  });
  return {
    element, onLink: (fn) => { open = fn; },
    show() {
      const state = view().state;
      for (const { button, on } of shown) if (on) button.setAttribute("aria-pressed", String(Boolean(on(state))));
      undo.setAttribute("aria-disabled", String(!pm.undoDepth(state)));
      redo.setAttribute("aria-disabled", String(!pm.redoDepth(state)));
    },
  };
}

/** The address of a link: a line below the toolbar, by button or Ctrl+K. */
function linkPanel(pm, schema, rules, words, view, id) {
  const element = document.createElement("div");
  element.className = "rich-link-panel";
  element.hidden = true;
  const label = document.createElement("label"), input = document.createElement("input");
  const hint = document.createElement("p"), error = document.createElement("p");
  label.textContent = words.address;
  label.htmlFor = input.id = `${id}-address`;
  input.type = "text";
  input.inputMode = "url";
  input.placeholder = "https://";
  hint.className = "hint";
  hint.id = `${id}-address-hint`;
  hint.textContent = rules.hosts.length ? `${words.allowed} ${rules.hosts.join(", ")}` : "";
  error.className = "field-error";
  error.id = `${id}-address-error`;
  error.setAttribute("role", "alert");
  input.setAttribute("aria-describedby", `${hint.id} ${error.id}`);
  const row = document.createElement("div");
  row.className = "rich-link-row";
  const button = (word, kind, press) => {
    const one = document.createElement("button");
    one.type = "button";
    one.className = `btn btn-${kind} btn-small`;
    one.textContent = word;
    one.addEventListener("click", press);
    return one;
  };
  const close = () => { element.hidden = true; view().focus(); };
  const range = () => {
    const { state } = view(), { from, to, empty, $from } = state.selection;
    if (!empty) return { from, to };
    // Without a selection the whole link that the cursor stands in.
    const mark = schema.marks.a.isInSet($from.marks());
    if (!mark) return null;
    let start = $from.pos - $from.textOffset, end = start + ($from.parent.maybeChild($from.index())?.nodeSize || 0);
    const parent = $from.parent, base = $from.start();
    parent.forEach((child, offset) => {
      if (!mark.isInSet(child.marks)) return;
      if (base + offset + child.nodeSize === start) start = base + offset;
      if (base + offset === end) end = base + offset + child.nodeSize;
    });
    return { from: start, to: end };
  };
  const set = () => {
    const to = linkTo(input.value, rules);
    if (to.wrong) {
      error.textContent = to.wrong === "host" ? words.wrongHost : words.wrongAddress;
      input.setAttribute("aria-invalid", "true");
      input.focus();
      return;
    }
    const mark = schema.marks.a.create({ href: to.href }), { tr, selection } = view().state, over = range();
    if (over) view().dispatch(tr.removeMark(over.from, over.to, schema.marks.a).addMark(over.from, over.to, mark));
    else view().dispatch(tr.insert(selection.from, schema.text(to.href.replace(/^https?:\/\//, "").replace(/\/$/, ""), [mark])));
    close();
  };
  const remove = () => {
    const over = range();
    if (over) view().dispatch(view().state.tr.removeMark(over.from, over.to, schema.marks.a));
    close();
  };
  row.append(button(words.set, "primary", set), button(words.remove, "secondary", remove), button(words.cancel, "quiet", close));
  element.append(label, hint, error, input, row);
  // What is typed here is no field of the form: no autosave, and Enter does not send the form.
  element.addEventListener("input", (event) => event.stopPropagation());
  element.addEventListener("keydown", (event) => {
    if (event.key === "Enter" && event.target === input) { event.preventDefault(); set(); }
    if (event.key === "Escape") { event.preventDefault(); close(); }
  });
  return {
    element,
    open() {
      const { state } = view(), over = range();
      let href = "";
      if (over) state.doc.nodesBetween(over.from, over.to, (node) => { href ||= schema.marks.a.isInSet(node.marks)?.attrs.href || ""; });
      input.value = href;
      error.textContent = "";
      input.removeAttribute("aria-invalid");
      element.hidden = false;
      input.focus();
      input.select();
    },
  };
}

const module = document.getElementById("prosemirror");
const fields = document.querySelectorAll("textarea[data-rich]");
if (module && fields.length) {
  const pm = await import(module.href);
  const words = JSON.parse(document.querySelector("[data-rich-words]").dataset.richWords);
  for (const source of fields) edit(pm, source, words);
}
