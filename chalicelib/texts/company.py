"""Sentences of the page where a partner says who it is, in law and in the inbox."""

from __future__ import annotations

MESSAGES: dict[str, str] = {
    "company.entity_name": "The legal name is missing. Write it as in the trade register.",
    "company.street": "The street is missing. Every mail must show a postal address.",
    "company.postal_code": "The postal code is missing. Every mail must show a postal address.",
    "company.city": "The city is missing. Every mail must show a postal address.",
    "company.country": "The country is missing. Write its two letters, such as DE.",
    "company.entity_email": "The e-mail address is missing. In {country} every imprint must show one.",
    "company.sender_address": "The sender’s address is missing. Ask head office which domain is set up for you.",
    "company.sender_name": "The sender’s name is missing. Customers see it in their inbox.",
    "entity.incomplete": "Your company’s postal address is incomplete. Complete it under “Company and sender”.",
}
