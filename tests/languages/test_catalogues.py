"""The catalogues: nothing is missing, nothing is left over, and each translation has the form of its original."""

from __future__ import annotations

import re
import string
from collections.abc import Iterator

import pytest
from babel.messages.catalog import Catalog, Message

from chalicelib import texts as program
from infra import catalogues, texts

LANGUAGES = texts.LANGUAGES
PLURALS = {
    "de": "nplurals=2; plural=(n != 1);", "es": "nplurals=2; plural=(n != 1);",
    "fr": "nplurals=2; plural=(n > 1);", "hu": "nplurals=2; plural=(n != 1);",
}
"""Hungarian counts one and many; Babel's own header for it says one form only."""
QUOTES = {"de": "„“", "es": "«»", "fr": "«»", "hu": "„”"}
"""Language -> its quotation marks; English “ ” stand in none of them (but „ “ is German)."""
PERCENT = re.compile(r"%(?:\((\w+)\))?(.)")
TAG = re.compile(r"</?[a-z][^<>]*>|&\w+;")
LANG = re.compile(r' lang="\w+"')
TYPED = re.compile(
    r"data-[\w-]+|double_opt_in|proven_opt_in|existing_customer|us_opt_out|safety_only|subscribed|unsubscribed"
    r"|https://|docs/[\w./{}-]*\w|contact\.\w+|CSV UTF-8|template lint|\blow\b|\bmedium\b|\bhigh\b|#12372a",
)
"""What people type or look up letter by letter: the same in every language."""
SAME = {
    "de": {
        "Export", "Status", "Text", "Link", "Name", "Version", "Logo", "HTML", "Admin", "Browser", "Desktop", "Import",
        "Partner", "Amazon SES", "Register", "Animation", "Palette", "Links", "Text (YAML)", "Version %(n)s",
        "Name %(n)s", "Logo %(n)s",
    },
    "es": {"HTML", "Amazon SES", "Austria", "Use {nearest}.", "{n} bytes", "Color %(n)s"},
    "fr": {
        "Pages", "description", "Action", "Date", "Source", "Import", "Version", "Versions", "Programme",
        "Programmes", "Image", "Imports", "Suggestion", "Logo", "HTML", "Tables", "Amazon SES", "animation",
        "France", "Palette", "Source (SHA-256)", "Version %(n)s", "version %(n)s", "E-mail", "Logo %(n)s",
    },
    "hu": {"Partner", "Program", "HTML", "Amazon SES", "E-mail"},
}
"""Words that a language writes as English does; whole sentences never."""


@pytest.fixture(scope="module")
def found() -> Catalog:
    """The sentences of the program as it is."""
    return texts.collected()


@pytest.fixture(scope="module", params=LANGUAGES)
def language(request: pytest.FixtureRequest) -> str:
    """Each language in its turn."""
    return str(request.param)


@pytest.fixture(scope="module")
def catalogue(language: str) -> Catalog:
    """Its catalogue as it is committed."""
    return texts.catalogue(language)


def pairs(catalogue: Catalog) -> Iterator[tuple[str, str]]:
    """(original, translation) of each sentence and of each of its forms; one that is missing fails elsewhere."""
    for message in catalogue:
        if message.id:
            originals, translations = forms(message)
            yield from ((a, b) for a, b in zip(originals, translations, strict=True) if b)


def forms(message: Message) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """A message's originals and translations, one of each unless it counts something."""
    ids, strings = message.id, message.string
    return (
        (ids,) if isinstance(ids, str) else tuple(ids),
        tuple(strings) if isinstance(strings, (tuple, list)) else (str(strings or ""),),
    )


def test_every_sentence_is_translated(language: str, found: Catalog) -> None:
    """Nothing is forgotten: a new sentence fails here with its place until it has its translations."""
    missing = [f"{m.locations[0][0]}: {m.id}" for m in texts.gaps(texts.updated(language, found))]
    assert not missing, f"run `make texts` and translate into {language}:\n" + "\n".join(missing)


def test_no_sentence_is_left_over(found: Catalog, catalogue: Catalog) -> None:
    """What the program says no more leaves the catalogues with the next `make texts`."""
    gone = {(m.id, m.context) for m in catalogue if m.id} - {(m.id, m.context) for m in found if m.id}
    assert not gone, "run `make texts`"


def test_placeholders_are_the_originals(catalogue: Catalog) -> None:
    """{name}, %(name)s and %%: the same names in the same form, or a page would break or lose a word."""
    wrong = []
    for original, translation in pairs(catalogue):
        counted = original != translation and "%(" not in original and "%(" in translation
        if marks(original) != marks(translation) and not counted:
            wrong.append((original, translation))
    assert not wrong


def marks(text: str) -> tuple[set[str], set[tuple[str, str]]]:
    """The names in braces and the percent signs of a sentence."""
    braces = {name for _, name, _, _ in string.Formatter().parse(text) if name is not None} if "{" in text else set()
    return braces, {(m.group(1) or "", m.group(2)) for m in PERCENT.finditer(text)}


def test_forms_that_count_use_the_names_of_their_originals(catalogue: Catalog) -> None:
    """Each plural form names nothing that neither of its originals names."""
    for message in catalogue:
        if isinstance(message.id, (tuple, list)):
            known = set.union(*(marks(text)[1] for text in message.id))
            assert all(marks(text)[1] <= known for text in forms(message)[1]), message.id


def test_plural_forms(language: str, catalogue: Catalog) -> None:
    """The header says the language's rule, and every counted sentence has that many forms."""
    assert catalogue.plural_forms.rstrip(";") == PLURALS[language].rstrip(";")
    assert all(len(forms(message)[1]) == 2 for message in catalogue if isinstance(message.id, (tuple, list)))
    read = program.translations(language)
    counted = ("one picture to choose", "%(n)s pictures to choose from")
    none, one, many = (read.ngettext(*counted, count) for count in (0, 1, 2))
    assert one != many and "picture" not in one + many
    assert none == (one if language == "fr" else many)


def test_markup_is_the_originals(catalogue: Catalog) -> None:
    """The same elements in the same number, so that no translation opens what it does not close."""
    wrong = [
        (original, translation) for original, translation in pairs(catalogue)
        if sorted(TAG.findall(LANG.sub("", original))) != sorted(TAG.findall(LANG.sub("", translation)))
    ]
    assert not wrong


def test_edges_are_the_originals(catalogue: Catalog) -> None:
    """No blank before or behind that the original has not, no line break in between."""
    for original, translation in pairs(catalogue):
        assert translation == translation.strip() or original != original.strip(), translation
        assert "\n" not in translation and "  " not in translation, translation


def test_what_is_typed_stays(catalogue: Catalog) -> None:
    """Names of attributes, columns, values and files are never translated."""
    wrong = [
        (original, translation) for original, translation in pairs(catalogue)
        if (typed := set(TYPED.findall(original)) - {"subscribed", "low", "medium", "high", "unsubscribed"})
        and not typed <= set(TYPED.findall(translation))
    ]
    assert not wrong


def test_nothing_is_left_in_english(language: str, catalogue: Catalog) -> None:
    """A translation that equals its original is a word that both languages share, or has no word in it."""
    copies = {
        str(message.id) for message in catalogue
        if message.id and message.id == message.string and not of_times(message)
        and re.search(r"[^\W\d_]{3}", re.sub(r"\{\w+\}|%\(\w+\)s", "", str(message.id)))
    }
    assert copies <= SAME[language], sorted(copies - SAME[language])


def of_times(message: Message) -> bool:
    """Months, days and cities: tests/languages/test_times.py compares them with the CLDR."""
    return any(place == "chalicelib/texts/times.py" for place, _ in message.locations)


def test_quotation_marks_are_the_languages_own(language: str, catalogue: Catalog) -> None:
    """Where English has “ ”, each language has its own pair, as often; straight ones stand only in code."""
    opening, closing = tuple(QUOTES[language])
    for original, translation in pairs(catalogue):
        assert "”" not in translation or language == "hu", translation
        assert "“" not in translation or language == "de", translation
        if "“" in original:
            assert translation.count(opening) == translation.count(closing) > 0, (original, translation)


def test_french_keeps_its_blanks_together() -> None:
    """Before : ; ? ! and within « » French has a blank at which no line may break."""
    for _, translation in pairs(texts.catalogue("fr")):
        assert not re.search(r" [:;?!](?:\s|$)|« | »", translation), translation
        assert "'" not in re.sub(r"<[^>]*>|`[^`]*`", "", translation), translation


def test_hungarian_sets_no_article_before_a_value() -> None:
    """Whether it is "a" or "az" depends on the value's first sound, which a catalogue cannot know."""
    for _, translation in pairs(texts.catalogue("hu")):
        assert not re.search(r"\baz?(?:\(z\))? [„(]?(?:\{|%\()(?!line|n\})", translation), translation


@pytest.mark.parametrize(("sentence", "term"), [
    ("Field", "field"), ("Not confirmed", "not confirmed"), ("Paused", "paused"), ("Needs a look", "needs a look"),
    ("My customers", "My customers"), ("Approval route", "approval route"), ("Brand kit", "brand kit"),
    ("Template", "template"), ("Programme", "programme"), ("Campaign", "campaign"), ("Draft", "draft"),
    ("Reviewer", "reviewer"), ("Finding", "finding"), ("Preview line", "preview line"),
])
def test_words_are_those_of_the_glossary(language: str, catalogue: Catalog, sentence: str, term: str) -> None:
    """A thing has one name in a language; the list of names stands on top of its catalogue."""
    glossary = dict(
        line.strip("# ").split(": ", 1) for line in catalogue.header_comment.splitlines() if line.count(": ") == 1)
    message = catalogue.get(sentence)
    assert message is not None
    assert str(message.string).casefold() == glossary[term].casefold()


def test_our_compiler_agrees_with_babels(
    language: str, catalogue: Catalog, tmp_path_factory: pytest.TempPathFactory,
) -> None:
    """What the standard library compiles is what Babel and gettext's own tools would."""
    from gettext import GNUTranslations

    from babel.messages.mofile import write_mo

    folder = tmp_path_factory.mktemp("mo")
    (folder / "ours.mo").write_bytes(catalogues.compiled(texts.path_of(language).read_text("utf-8")))
    with (folder / "theirs.mo").open("wb") as file:
        write_mo(file, catalogue)
    read = []
    for name in ("ours.mo", "theirs.mo"):
        with (folder / name).open("rb") as file:
            read.append(GNUTranslations(file))
    ours, theirs = (dict(one._catalog) for one in read)  # type: ignore[attr-defined]
    assert {k: v for k, v in ours.items() if k} == {k: v for k, v in theirs.items() if k}
    assert [one.info()["plural-forms"] for one in read] == [PLURALS[language]] * 2
