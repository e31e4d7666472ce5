"""The sentences about what HQ writes as YAML: brand kits and approval routes."""

from __future__ import annotations

MESSAGES: dict[str, str] = {
    "yaml.too_big": "The text has more than {limit} bytes. Shorten it, or split it by scope.",
    "yaml.alias": "Line {line}: *{name} refers to another place. Write the value itself; references are not accepted.",
    "yaml.too_deep": "Line {line}: this is nested more than {limit} levels deep. Write it flatter.",
    "yaml.too_long": "Line {line}: the list {path} has more than {limit} entries. Shorten it.",
    "yaml.unreadable": "Line {line}: this is not valid YAML ({said}). Check the indentation, colons and quotes.",
    "yaml.key": "Line {line}: a key in {path} is not a plain word. Write name: value.",
    "yaml.doubled": "Line {line}: {path} stands here a second time. Keep one.",
    "yaml.not_a_mapping": "Line {line}: {path} needs lines of the form name: value.",
    "yaml.not_a_list": "Line {line}: {path} needs a list, each entry beginning with a dash.",
    "yaml.missing": "Line {line}: {path} is missing. Add it.",
    "yaml.not_text": "Line {line}: {path} needs words. Put them in quotes if they begin with a sign.",
    "yaml.text_long": "Line {line}: {path} is longer than {limit} characters. Shorten it.",
    "yaml.number": "Line {line}: “{value}” is no number for {path}. Write one from {low} to {high}.",
    "yaml.flag": "Line {line}: “{value}” is not an answer for {path}. Write yes or no.",
    "yaml.choice": "Line {line}: “{value}” is unknown in {path}. Did you mean “{suggestion}”? There are: {choices}.",
    "yaml.unknown": "Line {line}: “{value}” is unknown in {path}. Did you mean “{suggestion}”? There are: {choices}.",
    "kit.pattern": "Line {line}: “{value}” in {path} looks like a pattern. Write plain words; one * may stand at the "
                   "end of a word.",
    "kit.no_word": "Line {line}: “{value}” in {path} has no letter or digit. Write the words themselves.",
    "kit.colour": "Line {line}: “{value}” is not a colour. Write it as #12372a.",
    "kit.host": "Line {line}: “{value}” is not a host. Write it as example.com, without https:// and path.",
    "kit.client": "Line {line}: the mail client “{value}” is not known. See the list in docs/rules.md.",
    "kit.id": "Line {line}: “{value}” cannot be an id. Use small letters, digits, - and _, a letter first.",
    "kit.url": "Line {line}: “{value}” is not an address. Write it in full, beginning with https://.",
    "kit.sha256": "Line {line}: “{value}” is not a SHA-256. Write its 64 digits, 0-9 and a-f.",
    "kit.country": "Line {line}: “{value}” is not a country. Write two capitals, for example DE.",
    "kit.imprint_field": "Line {line}: “{value}” is not a field of the legal data. See the list in docs/rules.md.",
    "kit.rule": "Line {line}: there is no rule “{value}”. See the list in docs/rules.md.",
    "book.changed": "Somebody published version {number} of this meanwhile. Load the page again.",
    "book.same": "This is what is published already. Change something, or leave it.",
}
