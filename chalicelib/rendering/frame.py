"""What the program itself puts into a mail: imprint, postal address, way out, preheader."""

from __future__ import annotations

import hashlib
import html
import json
from dataclasses import asdict

from chalicelib.domain.partner import LegalEntity
from chalicelib.domain.template import SystemBlock, TemplateVersion
from chalicelib.rendering.fill import Key, attribute, text

HEADERS = (("List-Unsubscribe", "<{{unsubscribe_url}}>"), ("List-Unsubscribe-Post", "List-Unsubscribe=One-Click"))
"""What every mail must carry (RFC 2369, RFC 8058); the sender puts the address in."""

UNSUBSCRIBE_FIELD = "{{unsubscribe_url}}"
_HIDDEN = "display:none;font-size:1px;line-height:1px;max-height:0;max-width:0;opacity:0;overflow:hidden;mso-hide:all"
_PADDING = "&#847;&zwnj;&nbsp;" * 40
_WORDS = {
    "en": ("Unsubscribe", "Represented by", "Register", "VAT ID", "Phone"),
    "de": ("Abmelden", "Vertreten durch", "Register", "USt-IdNr.", "Telefon"),
    "fr": ("Se désabonner", "Représenté par", "Registre", "N° TVA", "Téléphone"),
    "es": ("Darse de baja", "Representada por", "Registro", "NIF-IVA", "Teléfono"),
    "hu": ("Leiratkozás", "Képviseli", "Cégjegyzék", "Adószám", "Telefon"),
}


def words(language: str) -> tuple[str, str, str, str, str]:
    """The frame's own words in the mail's language (its first two letters), English otherwise."""
    return _WORDS.get(language[:2].lower(), _WORDS["en"])


def postal_lines(entity: LegalEntity) -> tuple[str, ...]:
    """The postal address in lines: who, street, code and city, country."""
    lines = (entity.name, entity.street, f"{entity.postal_code} {entity.city}".strip(), entity.country)
    return tuple(" ".join(line.split()) for line in lines if line.strip())


def imprint_lines(entity: LegalEntity, language: str) -> tuple[str, ...]:
    """The imprint (DDG §5): postal address, representatives, register, VAT number, contact."""
    _, represented, register, vat, phone = words(language)
    extra = (
        (represented, entity.represented_by), (register, entity.register), (vat, entity.vat_id), (phone, entity.phone),
    )
    contact = (entity.email,) if entity.email else ()
    return (*postal_lines(entity), *(f"{label}: {value}" for label, value in extra if value.strip()), *contact)


def imprint_sha256(entity: LegalEntity) -> str:
    """The hash of all that the law block is made of."""
    return hashlib.sha256(json.dumps(asdict(entity), sort_keys=True, ensure_ascii=False).encode()).hexdigest()


def fragments(version: TemplateVersion, entity: LegalEntity, unsubscribe: str, preheader: str) -> dict[Key, str]:
    """The system slots' bytes. ``unsubscribe`` is what stands for the address; "" makes it dead."""
    region, logo = version.region(SystemBlock.UNSUBSCRIBE), version.region(SystemBlock.LOGO)
    label = text((region.default if region else "") or words(version.language)[0])
    style = "color:inherit;text-decoration:underline"
    address = f' href="{attribute(unsubscribe)}"' if unsubscribe else ""
    return {
        ("imprint", "content"): "<br>".join(text(line) for line in imprint_lines(entity, version.language)),
        ("address", "content"): text(", ".join(postal_lines(entity))),
        ("unsubscribe", "content"): f'<a{address} style="{style}">{label}</a>',
        ("unsubscribe", "href"): attribute(unsubscribe) or "#",
        ("preheader", "content"): preheader_html(preheader),
        ("logo", "src"): attribute(logo.default if logo else ""),
        ("logo", "alt"): attribute(logo.default_text if logo else ""),
    }


def preheader_html(preheader: str) -> str:
    """The line inboxes show beside the subject, hidden in the mail; padding keeps the body out of it."""
    if not preheader:
        return ""
    return f'<div style="{_HIDDEN}">{html.escape(preheader)}{_PADDING}</div>'
