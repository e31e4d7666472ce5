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
    "kit.not_text": "This is not text in UTF-8. Save the kit as such.",
    "kit.said": "{said}",
    "lanes.grantee": "Line {line}: nobody is called “{value}” in {path}. Write brand-leads (the administrators at head "
                     "office), designers, reviewers, or an e-mail address.",
    "lanes.one_stage": "{chain} asks {need} different reviewers of the programme in one stage; stages one after the "
                       "other are not there yet.",
    "lanes.no_clock": "within_business_hours: {hours} and on_timeout: {then} are kept, but no clock acts upon them "
                      "yet.",
    "lanes.doubled": "Line {line}: two lanes are called “{value}”. Give each a name of its own.",
    "lanes.default": "Line {line}: “{value}” asks nobody and cannot be the default. Name a lane that asks people.",
    "lanes.open": "Line {line}: the lane “{value}” asks nobody and has no condition. Say under {path} when it may.",
    "lanes.bound": "Line {line}: {path} needs one of: {choices}.",
    "lanes.rule": "Line {line}: no rule is called “{value}” ({path}). See docs/rules.md.",
    "waiver.never": "No exception can be made of {code}. Correct the mail.",
    "waiver.reason": "Say in a sentence why this exception is right. It is kept.",
    "waiver.expired": "Choose a last day that lies ahead, as 2026-12-31.",
    "waiver.too_long": "An exception lasts at most {days} days. Choose an earlier day.",
    "waiver.full": "This partner has {max} exceptions, the most there can be. Mend the text or the template.",
    "waiver.finding": "There is no such finding. Load the page again.",
    "book.changed": "Somebody published version {number} of this meanwhile. Load the page again.",
    "book.same": "This is what is published already. Change something, or leave it.",
}

FACTS: dict[str, str] = {
    "risk": "Risk of the fields you changed",
    "warnings": "Warnings",
    "undecidable": "Findings that need a look",
    "exceptions": "Exceptions",
    "fired": "Findings of these rules",
    "audience": "Customers who receive it",
    "template_days": "Days since the template was published",
    "approved": "Campaigns approved in the last year",
    "declined": "Campaigns declined in the last year",
    "auto_week": "Campaigns approved at once in this week, before this one",
}
"""What people call the facts that a route looks at."""

CHANGES: dict[str, str] = {
    "risk": "put the fields of higher risk back to head office's text",
    "warnings": "clear the warnings",
    "undecidable": "change what needs a look",
    "exceptions": "do without exceptions",
    "fired": "clear these findings",
    "audience": "choose fewer customers",
}
"""What a partner can do about a fact; read as “It would be faster if you ...”."""
