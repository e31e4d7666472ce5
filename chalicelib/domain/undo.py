"""Going back to what a draft was, and forward again, step by step.

A step is what one save replaced, so that a save of one field costs one field. The steps lie in the
draft itself: one conditional write keeps the text and the way back together, and whoever saves from
a stale page is refused as with any other save. What was undone can be done again until somebody
saves something else.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from chalicelib.domain.campaign import Draft, OnLapse, Replaced

MAX_STEPS = 50
MAX_BYTES = 40_000
"""Steps in one direction, and their bytes together: the oldest are dropped first."""
LINES = ("subject", "preheader", "local_time", "zone", "fold")
_VALUE = "v."
_LAPSE = "on_lapse"


def parts(draft: Draft) -> dict[str, str]:
    """Everything a partner types, by name; values of fields under ``v.<key>``, as in the form."""
    named = {name: str(getattr(draft, name)) for name in LINES}
    return named | {_LAPSE: draft.on_lapse.value} | {_VALUE + key: text for key, text in draft.values.items()}


def recorded(before: Draft, after: Draft) -> Draft:
    """``after`` with a step back to ``before``; nothing is recorded where nothing was changed."""
    step = _step(parts(after), parts(before))
    if not step.texts and not step.gone:
        return replace(after, undo=before.undo, redo=before.redo)
    return replace(after, undo=_bounded((*before.undo, step)), redo=())


def back(draft: Draft) -> Draft:
    """The draft as it was before the last step; the same draft where there is none."""
    if not draft.undo:
        return draft
    *rest, step = draft.undo
    before = _taken(draft, step)
    return replace(before, undo=tuple(rest), redo=_bounded((*draft.redo, _step(parts(before), parts(draft)))))


def forward(draft: Draft) -> Draft:
    """The draft with the last undone step done again; the same draft where there is none."""
    if not draft.redo:
        return draft
    *rest, step = draft.redo
    after = _taken(draft, step)
    return replace(after, redo=tuple(rest), undo=_bounded((*draft.undo, _step(parts(after), parts(draft)))))


def _step(here: Mapping[str, str], there: Mapping[str, str]) -> Replaced:
    """What leads from ``here`` to ``there``."""
    texts = {name: text for name, text in there.items() if here.get(name) != text}
    return Replaced(texts=texts, gone=tuple(name for name in here if name not in there))


def _taken(draft: Draft, step: Replaced) -> Draft:
    after = {name: text for name, text in parts(draft).items() if name not in step.gone} | dict(step.texts)
    return replace(
        draft, values={name[len(_VALUE):]: text for name, text in after.items() if name.startswith(_VALUE)},
        on_lapse=OnLapse(after[_LAPSE]), **{name: after[name] for name in LINES},  # type: ignore[arg-type]
    )


def _bounded(steps: tuple[Replaced, ...]) -> tuple[Replaced, ...]:
    """The newest steps that fit."""
    kept, size = list[Replaced](), 0
    for step in reversed(steps[-MAX_STEPS:]):
        size += sum(len(name) + len(text.encode("utf-8", "replace")) for name, text in step.texts.items())
        size += sum(map(len, step.gone))
        if size > MAX_BYTES:
            break
        kept.append(step)
    return tuple(reversed(kept))
