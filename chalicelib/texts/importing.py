"""The sentences of an import's report: what was mapped, what stays locked and why, what to look at."""

from __future__ import annotations

MESSAGES: dict[str, str] = {
    "import.salesforce": "This is a Salesforce template with AMPscript. It is a program that computes the mail for "
                         "each "
                         "customer; only a mail that is the same for all can be locked and approved. Export the "
                         "finished HTML and mark its fields.",
    "import.hubspot": "This is a HubSpot template with HubL modules. Their content lies in HubSpot and not in this "
                      "file. "
                      "Export the finished HTML of a mail and mark its fields.",
    "import.nothing": "This is plain HTML or a template of ours; there is nothing to import. Check it with template "
                      "lint.",
    "template.dialect": "This is a template of {name}. Import it first: its marks mean nothing here.",
    "import.field": "“{name}” is a field for partners ({type}).",
    "import.merge": "{quote} is the personal field contact.{name}.",
    "import.system": "{quote} is the part “{block}”, which the program fills.",
    "import.repeat": "“{name}” may be repeated, up to six times.",
    "import.optional": "“{name}” may be left out.",
    "import.legal": "“{name}” holds what the law or the platform needs, so it stays locked.",
    "import.legal_block": "“{name}” holds what the law needs, so it can neither be left out nor repeated.",
    "import.unclosed": "“{name}” is not closed by its own end tag, so it stays locked. Close it and import again.",
    "import.image_address": "The image “{name}” has no complete web address ({value}), so it stays locked. Put it "
                            "online "
                            "and write its https:// address.",
    "import.link_content": "The link “{name}” holds more than words, or stands in another link, so it stays locked.",
    "import.in_text": "“{name}” is a block inside a paragraph, where browsers move it, so it stays locked.",
    "import.layout": "“{name}” holds a layout, which stays locked; {parts} of its parts are fields of their own.",
    "import.styles": "{count} styles that Mailchimp would let users change stay as they are: they are the brand's.",
    "import.condition": "{quote} is decided once for all customers: the part without a condition is kept.",
    "import.condition_gone": "{quote} never holds in a mail from here; the part was taken out.",
    "import.personal": "{quote} stood in a text that partners write and was taken out: their words are the same for "
                       "all.",
    "import.dropped": "{quote} belongs to the other platform and was taken out. Write the words yourself if you "
                      "need them.",
    "import.second": "{quote} stands here once more; only its words were kept.",
    "import.outside": "This is not loaded or not allowed in a mail and was taken out: {quote}",
    "import.attribute": "The attribute {quote} was taken out.",
    "import.tag": "{quote} is not known here and was taken out.",
    "import.unpaired": "{quote} has no counterpart and was taken out; what it guarded is always shown.",
    "import.crossing": "{quote} begins and ends in different elements. Its parts are all shown; look at the preview.",
    "import.nested_field": "“{name}” stands inside another field and is no field of its own.",
    "import.nested_block": "“{name}” stands inside another block and is no block of its own.",
    "import.several": "“{name}” holds several elements side by side, so it cannot be repeated. Put one element around "
                      "them.",
    "import.instruction": "This is no HTML and was taken out: {quote}",
    "import.choices": "Partners may choose among pictures of “{name}” if you list them in data-region-choices.",
    "import.simplified": "The default of “{name}” lost formatting that partners cannot write. For a heading of its own "
                         "style, make it a field of its own.",
    "import.default": "{quote} has no words for customers without that entry. Write them between the quotes of "
                      "default.",
    "import.footer": "The source had no place for {blocks}; it was put at the end of the mail. Move it where it fits.",
    "import.revealed": "A conditional comment was rewritten in the form that all clients read alike.",
}
"""Code -> English sentence."""
