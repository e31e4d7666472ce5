"""The sentences of the rules beside ``texts.compliance``: what is wrong, why it matters, what to do."""

from __future__ import annotations

RULES: dict[str, tuple[str, str, str]] = {
    "BRD001": (
        "The colour {quote} is not in the brand's palette; the nearest is {nearest}.",
        "Colours that are nearly right make the brand look careless.",
        "Use {nearest}.",
    ),
    "BRD002": (
        "These fonts are not the brand's, or lack a fallback: {quote}",
        "A client without the font picks any other; the last one must be one that every client has.",
        "Begin with one of the brand's fonts and end with serif or sans-serif.",
    ),
    "BRD003": (
        "The brand's logo ({quote}) is not in the mail.",
        "Customers recognise the sender by it.",
        "Put the logo from the brand kit into the template's locked part.",
    ),
    "BRD004": (
        "The logo is shown at {quote} pixels; allowed are {least} to {most} wide, at a ratio of {ratio}.",
        "Too small it cannot be read, stretched it is no longer the logo.",
        "Set width and height within these bounds.",
    ),
    "BRD005": (
        "The clear space of {space} pixels around the logo {quote} is not kept, or cannot be measured.",
        "A logo that touches other things is not seen.",
        "Give its cell a padding of {space} pixels on all four sides.",
    ),
    "BRD006": (
        "This picture is not one of head office's, and nobody has agreed to it: {quote}",
        "Rights and quality of a picture are checked before customers see it.",
        "Choose a picture from the library, or ask a person to look at this one.",
    ),
    "BRD007": (
        "“{quote}” looks like a misspelt “{right}”.",
        "A brand that misspells its own name is not trusted.",
        "Write {right}.",
    ),
    "BRD008": (
        "The first “{quote}” lacks its {mark}.",
        "A mark that is not shown can be lost.",
        "Write {quote}{mark} the first time; afterwards the name alone.",
    ),
    "BRD009": (
        "The brand never says “{quote}”.",
        "Head office has excluded these words, mostly because a court or an authority has.",
        "Say it in other words.",
    ),
    "BRD010": (
        "“{quote}” needs this sentence in the same mail: {text}",
        "Without it the claim misleads, and others may sue over it.",
        "Add the sentence word by word, with its link where head office names one.",
    ),
    "BRD011": (
        "A competitor is named: {quote}",
        "Comparing is allowed within narrow bounds only, and somebody has to look at it.",
        "Speak of your own offer, or tell the reviewer why.",
    ),
    "BRD012": (
        "This is too loud: {quote} ({count} times)",
        "Capitals, exclamation marks and emoji in numbers look like spam, to readers and filters.",
        "One exclamation mark is enough, and words in small letters are read faster.",
    ),
    "BRD013": (
        "This text is hard to read (reading level {level}; up to {limit} is easy).",
        "Readers give up after a few seconds.",
        "Write shorter sentences and shorter words.",
    ),
    "BRD014": (
        "This text seems to be in another language ({found}) than the mail ({wanted}).",
        "Readers who chose a language expect it.",
        "Write it in the mail's language, or use the template in the other one.",
    ),
    "BRD015": (
        "The last day is {quote}, and the mail goes out on {sends}.",
        "An offer that is over annoys customers, and a picture may not be shown after its day.",
        "Choose a later last day or another picture, or send earlier.",
    ),
    "LNK003": (
        "This is a shortened address: {quote}",
        "Nobody sees where it leads, and filters distrust it.",
        "Write the address it leads to.",
    ),
    "LNK004": (
        "Links may not lead to {host}.",
        "Head office has said where links of its mails may lead.",
        "Link to the brand's pages or your own site; ask head office to add the host if it should be allowed.",
    ),
    "LNK005": (
        "The link lacks {missing}: {quote}",
        "Without it the visit is not counted for this mail.",
        "Let it be added.",
    ),
    "LNK006": (
        "The link says {said} and leads to {host}.",
        "That is how forged mails work, and mail programs warn of it.",
        "Write what the link leads to, or plain words.",
    ),
    "LNK007": (
        "{quote} only looks like {brand}.",
        "Addresses with look-alike letters or typing mistakes are used to steal passwords.",
        "Check the address letter by letter and correct it.",
    ),
    "LEG003": (
        "The imprint lacks what {country} wants: {quote}",
        "The law names what a sender must tell about itself (in Germany DDG §5).",
        "Complete the company's legal data.",
    ),
    "LEG004": (
        "The price {quote} lacks: {missing}",
        "A price must say its currency, whether tax is in it, and until when it holds (98/6/EC, PAngV §3).",
        "Write for example: €49 including VAT, valid until 31 May.",
    ),
    "LEG005": (
        "The footnote sign {sign} has no {missing}: {quote}",
        "A sign without its note hides a condition.",
        "Add the other half, or remove the sign. Is it none? Ask a person to let it pass.",
    ),
    "LEG006": (
        "“{quote}” promises something, and no link leads to the terms.",
        "Conditions must be as easy to find as the promise.",
        "Link to the terms in the same mail.",
    ),
    "LEG007": (
        "The subject begins with {quote}, as if it were an answer.",
        "A subject must not mislead about what the mail is (CAN-SPAM, UWG §7).",
        "Begin with what the mail is about.",
    ),
    "LEG008": (
        "It is not said what kind of message this is.",
        "Whose consent counts depends on it.",
        "Head office sets it in the programme: marketing, service or safety.",
    ),
    "DLV002": (
        "The mail has {pictures} pictures and only {characters} characters of text.",
        "Where pictures are off there is nothing to read, and filters take such mails for spam.",
        "Say in text what the pictures say.",
    ),
    "DLV003": (
        "Filters count this phrase against the mail: {quote}",
        "It stands in very many spam mails.",
        "Say it in other words.",
    ),
    "CLI001": (
        "{quote} does nothing in {clients}.",
        "Customers who read there see the mail without it.",
        "Make sure that the mail works without it.",
    ),
    "CLI002": (
        "Gmail drops these styles: {quote}",
        "Style sheets of more than {limit} bytes or with rules nested within rules are removed as a whole.",
        "Shorten the styles, and write rules for small screens in one level.",
    ),
    "CLI003": (
        "Outlook does not show this background: {quote}",
        "It needs VML for it.",
        "Add a VML fallback in a conditional comment, or a background colour on which the text can be read.",
    ),
    "CLI004": (
        "Not every client shows this picture ({kind}): {quote}",
        "Outlook knows JPEG, PNG and GIF; heavy animations do not load on phones.",
        "Let it be converted to JPEG or PNG, or make the animation lighter.",
    ),
    "A11Y002": (
        "The contrast of “{quote}” is {ratio} to 1; it needs {needed} to 1.",
        "Many people cannot read it, and nobody can in the sun (WCAG 1.4.3).",
        "Make the text darker or its background lighter. Over a picture, put a colour behind the text.",
    ),
    "A11Y004": (
        "A table that only lays out the mail has no role.",
        "Screen readers announce each of its rows and columns.",
        "Write <table role=\"presentation\">.",
    ),
    "A11Y005": (
        "A heading of level {level} follows one of level {after}: {quote}",
        "People who listen to a mail jump from heading to heading.",
        "Use the next level down.",
    ),
    "A11Y006": (
        "The link “{quote}” does not say where it leads.",
        "Screen readers list links without the words around them (WCAG 2.4.4).",
        "Name the goal: “Book a test ride” instead of “click here”.",
    ),
    "A11Y007": (
        "“{quote}” is {size} pixels small; {least} is the least that is easily read.",
        "Small text is not read on phones.",
        "Use {least} pixels or more.",
    ),
    "A11Y008": (
        "The template does not say that it knows dark screens ({quote}).",
        "Clients then turn its colours as they like, and a logo may vanish.",
        "Add <meta name=\"color-scheme\" content=\"light dark\"> and look at the dark preview.",
    ),
    "A11Y009": (
        "The alternative text is a file's name: {quote}",
        "People who cannot see the picture learn nothing of it.",
        "Say in a few words what it shows.",
    ),
}
"""Code -> message, why, what to do."""


def _rules() -> dict[str, str]:
    out: dict[str, str] = {}
    for code, (message, why, fix) in RULES.items():
        out |= {code: message, f"{code}.why": why, f"{code}.fix": fix, f"compliance.{code}": message}
    return out


MESSAGES: dict[str, str] = _rules()
