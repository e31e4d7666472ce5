"""The sentences for templates, values and compliance rules: what is wrong, why it matters, what to do.

``RULES`` holds message, why and fix per rule; they are found as ``SEC001``, ``SEC001.why`` and
``SEC001.fix`` (and, where a prefix is wanted, as ``compliance.SEC001``).
"""

from __future__ import annotations

RULES: dict[str, tuple[str, str, str]] = {
    "SEC001": (
        "This has no place in a mail: {quote}",
        "Mail clients remove it or warn of it, and it could run code or ask for data.",
        "Remove the element; use a link or a button that leads to a page instead.",
    ),
    "SEC002": (
        "The style comes from outside the mail: {quote}",
        "Mail clients do not load it, and whoever owns the address could change an approved mail.",
        "Put the rules into a <style> element of the template.",
    ),
    "SEC003": (
        "The attribute {quote} runs a script.",
        "No mail client runs it, and filters take the mail for an attack.",
        "Remove the attribute.",
    ),
    "SEC004": (
        "This address runs or carries code: {quote}",
        "It is a way to attack readers; filters refuse such mails.",
        "Use an address that begins with https://.",
    ),
    "SEC005": (
        "An image that nobody can see is loaded from a foreign host: {quote}",
        "It tells a third party who opened the mail, without a consent.",
        "Remove the image. Openings are counted without it.",
    ),
    "SEC006": (
        "The locked parts of this mail differ from the published template.",
        "Only what head office published may be sent.",
        "Render the mail again; if this stays, tell your administrator.",
    ),
    "SEC007": (
        "Text is hidden from readers: {quote}",
        "Spam filters look for hidden text, and nobody can review what nobody sees.",
        "Show the text or remove it.",
    ),
    "SEC008": (
        "This does not work in a mail: {quote}",
        "Styles and template commands are the template's own; in a text they are sent as they stand.",
        "Remove it, or write the words you mean.",
    ),
    "LEG001": (
        "The unsubscribe link is missing or was changed.",
        "Every commercial mail must offer a way out that works (CAN-SPAM, UWG §7, GDPR art. 21).",
        "Place a link with data-system=\"unsubscribe\" in the template; the program fills in its address.",
    ),
    "LEG002": (
        "The sender's postal address is missing.",
        "The law wants it in every commercial mail (CAN-SPAM, DDG §5).",
        "Place an element with data-system=\"imprint\" or data-system=\"address\" in the template, "
        "and complete the partner's legal data.",
    ),
    "LNK001": (
        "A link leads nowhere: {quote}",
        "Readers press it and nothing happens.",
        "Give the link its address.",
    ),
    "LNK002": (
        "This is not a complete web address: {quote}",
        "Mail clients read it differently, or not at all.",
        "Write the whole address, for example https://www.example.com/page.",
    ),
    "LNK008": (
        "This address is not encrypted: {quote}",
        "Readers see a warning, and others can read along.",
        "Use https:// if the site offers it.",
    ),
    "DLV001": (
        "The mail is {bytes} bytes long; Gmail cuts off what is longer than {limit}.",
        "The end of the mail, with the unsubscribe link, would be hidden.",
        "Shorten texts or remove parts of the template.",
    ),
    "DLV004": (
        "The mail has no complete text part.",
        "Some readers see only text, and filters distrust mails without it.",
        "Render the mail again; if this stays, tell your administrator.",
    ),
    "DLV005": (
        "The one-click unsubscribe headers are missing: {quote}",
        "Gmail and Yahoo refuse bulk mail without them (RFC 8058).",
        "Render the mail again; if this stays, tell your administrator.",
    ),
    "DLV006": (
        "The subject has {length} characters; up to {limit} are shown on a phone.",
        "What is cut off is not read.",
        "Write a subject of a few words, the most important first.",
    ),
    "DLV007": (
        "The preview line is empty or repeats the subject.",
        "Inboxes show it beside the subject; without it they show the first words they find.",
        "Write one sentence that adds something to the subject.",
    ),
    "DLV008": (
        "Nothing will replace {quote}; customers would read it as it stands.",
        "Merge tags belong to the template, and each needs a text for customers without that entry.",
        "In a text, write the words themselves. In a template, write "
        "a default such as contact.first_name|default(\"customer\").",
    ),
    "A11Y001": (
        "An image has no alternative text: {quote}",
        "People who cannot see it, or whose client does not load it, learn nothing of it.",
        "Say in a few words what the image shows.",
    ),
    "A11Y003": (
        "The template does not say its language.",
        "Screen readers pronounce it wrongly.",
        "Write it in the first tag, for example <html lang=\"en\">.",
    ),
}
"""Code -> message, why, what to do."""

_TEMPLATE: dict[str, str] = {
    "template.empty": "The file is empty. Upload the HTML of the template.",
    "template.too_big": "The file has {bytes} bytes; at most {limit} are accepted. Remove embedded images "
                        "and comments.",
    "template.not_utf8": "This line is not valid UTF-8. Save the file with the encoding UTF-8 and upload it again.",
    "template.control": "This line holds a control or reordering character, which mail clients read "
                        "differently. Remove it.",
    "template.broken": "Browsers and mail clients read this differently: {quote}. Close the tag, quote or comment, or "
                       "write conditional comments as <!--[if mso]> … <![endif]-->.",
    "template.too_deep": "Elements are nested too deeply here. Simplify the layout.",
    "template.too_many_elements": "The template has {count} elements; at most {limit} are accepted.",
    "template.too_many_regions": "The template has {count} fields; at most {limit} are accepted.",
    "template.body": "The template has {count} <body> elements; it needs exactly one.",
    "template.attribute_name": "“{attribute}” is not an attribute's name. Look for a quote that is missing before it.",
    "template.attribute_doubled": "The attribute {attribute} stands twice in this tag. Keep one.",
    "template.no_regions": "No part of this template is open for partners. Give at least one element the attribute "
                           "data-region=\"name\".",
    "template.region_name": "“{name}” cannot name a field. Use up to 40 small letters, digits, - and _, a "
                            "letter first.",
    "template.region_reserved": "This name is reserved. Choose another name for the field.",
    "template.region_doubled": "This field stands in line {first} already. Give each field a name of its own.",
    "template.region_nested": "This field stands inside the field “{outer}”. Fields cannot be nested: end "
                              "the outer one first.",
    "template.region_unclosed": "The element <{element}> of this field is not closed by its own "
                                "</{element}>. Close it.",
    "template.region_in_comment": "A field inside a comment is never seen by most clients. Move it out of the comment.",
    "template.region_in_head": "A field cannot stand in the head, a title or a style sheet. Move it into the body.",
    "template.region_in_attribute": "data-region stands inside the value of an attribute. Look for a quote "
                                    "that is missing.",
    "template.region_in_text": "<{element}> with a field stands inside a paragraph or heading, where browsers move it. "
                               "Use <span>, or put the field on the paragraph.",
    "template.region_in_link": "This field stands inside a link and would hold a link itself. Move it out.",
    "template.region_element": "A field of type {type} cannot be on <{element}>. Use td, div, p, a heading or span for "
                               "text, img for images, a for links and buttons.",
    "template.region_metadata": "{attribute} is not known. Did you mean {suggestion}?",
    "template.region_type": "“{type}” is not a type of field. Did you mean “{suggestion}”? There are: {types}.",
    "template.region_risk": "“{value}” is not a risk. Write low, medium or high.",
    "template.region_value": "“{value}” is not a value for {attribute}.",
    "template.region_choices": "This field needs its choices: data-region-choices=\"one|two\".",
    "template.system_name": "A system block is one of: {names}. Did you mean “{suggestion}”?",
    "template.meta_without_region": "This element has field settings but no data-region=\"name\". Add it.",
    "template.text_default": "A text field cannot hold other elements. Remove them or use data-region-type=\"rich\".",
    "template.rich_default": "<{element}> cannot stand in this field. It may hold: {allowed}.",
    "template.bad_default": "The field's own default does not fit its settings ({problem}). Change one of the two.",
    "template.image_default": "The image {value} is not among the field's choices. Add it to data-region-choices.",
    "template.image_url": "{value} is not a complete web address of an image.",
    "template.syntax": "This template command is not allowed: {quote}. Allowed is contact.name with a default, "
                       "for example contact.first_name|default(\"customer\").",
    "template.merge_place": "A merge field cannot stand in a style, a comment or an image's address. Move it "
                            "into the text.",
    "template.merge_url": "An address must begin with https:// and a host before a merge field may follow.",
    "template.merge_in_region": "The merge field {quote} stands inside a field that partners fill. Move it outside.",
    "template.mjml": "This MJML cannot be read: {reason}. Close the element, or look for a misspelt name.",
    "template.mjml_include": "Includes are not read here. Put the included part into this file.",
    "template.family": "The mails of one family share their fields, and “{name}” differs in: {regions}. Give both the "
                       "same fields, or another family.",
    "template.block_element": "<{element}> cannot be left out or repeated. Mark an element in the body.",
    "template.block_unnamed": "This element has settings of {attribute} but no name. Write {attribute}=\"name\".",
    "template.block_nested": "This block stands inside the block “{outer}”. Blocks cannot be nested.",
    "template.block_in_region": "A block cannot stand inside a field. Put it around the field.",
    "template.block_doubled": "There is a block of this name already. Give each block a name of its own.",
    "template.system_in_block": "A part that the program fills cannot stand in the block “{block}”, which may be left "
                                "out or repeated. Move it out.",
    "template.repeat_bounds": "A group stands {least} to {most} times, {count} at first. Its numbers must rise in this "
                              "order, up to {limit}.",
    "template.too_many_values": "A mail of this template may have {count} values; at most {limit} are accepted. Lower "
                                "data-repeat-max.",
    "template.price_default": "“{value}” cannot be read as a price. Write it as €49.90 or 49.90 EUR.",
    "template.currency": "“{value}” is not a currency (ISO 4217). Did you mean “{suggestion}”?",
    "template.css_too_big": "The style sheets have {bytes} bytes; at most {limit} are accepted.",
    "template.css_too_complex": "The style sheets have too many or too deep selectors for {elements} "
                                "elements. Use classes.",
    "template.css_unreadable": "The style sheets cannot be read. Check braces and selectors.",
}

_VALUES: dict[str, str] = {
    "value.required": "Fill in this field.",
    "value.locked": "This part is locked by head office. Reload the form; your other texts are kept.",
    "value.control": "Character {position} is an invisible control character ({character}). Delete it or "
                     "type the text anew.",
    "value.bidi": "Character {position} turns the direction of the text ({character}). Delete it or type the "
                  "text anew.",
    "value.surrogate": "Character {position} is damaged ({character}). Delete it or type the text anew.",
    "value.not_a_choice": "“{value}” is not one of the choices. Choose one from the list.",
    "value.count": "“{value}” is not possible here. Choose a number from {least} to {most}.",
    "value.price": "“{value}” cannot be read as an amount in only one way. Write it as {example}.",
    "value.currency": "“{value}” is not a currency of this price. Choose one of: {currencies}.",
    "value.date": "“{value}” is not a date. Write it as 2026-12-31.",
    "value.too_early": "This date is too early. Choose {earliest} or later.",
    "value.too_late": "This date is too late. Choose {latest} or earlier.",
    "value.too_many": "There are {count} entries; at most {max} fit here. Take some out.",
    "value.item_too_long": "Entry {number} has {length} characters; at most {max} fit here. Shorten it.",
    "value.host": "Links may lead to {hosts} only, and this one leads to {host}.",
    "value.markup": "“{found}” will be shown as text, not as formatting.",
    "value.template_syntax": "“{found}” will be sent as it stands; nothing replaces it.",
    "value.sanitised": "This formatting is not available here and is left out: {found}.",
    "url.empty": "Enter the whole address, beginning with https://.",
    "url.too_long": "This address is longer than mail clients accept. Use a shorter one.",
    "url.dangerous": "“{value}” is not an address that a mail may hold. Use one that begins with https://.",
    "url.scheme": "“{value}” must begin with https://.",
    "url.scheme_missing": "“{value}” lacks its beginning. Write https:// in front of it.",
    "url.malformed": "“{value}” is not a complete address. Check it for blanks and odd characters.",
    "url.user": "“{value}” holds an @ before the host, as forged links do. Write the address without it.",
}


def _rules() -> dict[str, str]:
    out: dict[str, str] = {}
    for code, (message, why, fix) in RULES.items():
        out |= {code: message, f"{code}.why": why, f"{code}.fix": fix, f"compliance.{code}": message}
    return out


MESSAGES: dict[str, str] = {**_TEMPLATE, **_VALUES, **_rules()}
"""Code -> English sentence; the parameters of the problem fill the braces."""
