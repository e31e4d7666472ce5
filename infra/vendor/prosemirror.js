// What chalicelib/web/static/rich.js uses of ProseMirror, as one module.
export { baseKeymap, chainCommands, toggleMark } from "prosemirror-commands";
export { history, redo, redoDepth, undo, undoDepth } from "prosemirror-history";
export { keymap } from "prosemirror-keymap";
export { DOMParser, DOMSerializer, Schema } from "prosemirror-model";
export { liftListItem, splitListItem, wrapInList } from "prosemirror-schema-list";
export { EditorState, TextSelection } from "prosemirror-state";
export { EditorView } from "prosemirror-view";
