"""Sentences of the frame: requests that no page of ours makes, and conflicts of HQ's pages."""

from __future__ import annotations

MESSAGES: dict[str, str] = {
    "request.too_large": "That is more than this form takes (5 MB). Make it smaller and send it again.",
    "request.type": "This page takes forms only. Open it in a browser and use its form.",
    "request.encoding": "The form was not sent as UTF-8. Open the page again in a current browser.",
    "request.fields": "This form has more than the {max} fields that we take, so nothing of it was read and nothing "
                      "was changed. Go back: what you typed is still in your browser. Send it in smaller parts.",
    "request.csrf": (
        "This form is too old, or it did not come from our own page. Nothing was changed. Go back, load the page "
        "again and send it once more."
    ),
    "request.origin": (
        "This form came from another website. Nothing was changed. Open the page here and send it from here."
    ),
    "address.missing": "Write an e-mail address, like name@example.com.",
    "address.malformed": "“{value}” is not an e-mail address. Write it like name@example.com.",
    "address.too_long": "This e-mail address is too long: 64 characters before the @ and 254 in all.",
    "address.local_part": (
        "“{value}” has letters before the @ that our mail service can’t deliver to. Use an address in plain letters."
    ),
    "sign_in.too_often": (
        "That was asked too often within an hour. Look for the mail that was sent already, also in the spam folder, "
        "or try again in an hour."
    ),
    "sign_in.used": "This link was used already. Each link signs in once.",
    "sign_in.expired": "This link has expired: it works for 15 minutes.",
    "sign_in.unknown": "This link is not complete, or it was not made here. Mail programs sometimes cut long links.",
    "name.missing": "Write a name.",
    "name.too_long": "This has {length} characters or a line break in it; at most {max} fit, in one line.",
    "text.too_long": "This has {length} characters; at most {limit} fit. Shorten it.",
    "name.control": "There is an invisible character in this text that can’t be kept. Type it anew.",
    "person.role": "Choose one of the roles in the list.",
    "person.exists": "This address belongs to somebody already. Load the page again and try once more.",
    "person.own_role": "You cannot take your own role as admin away. Ask another admin to do it.",
    "person.changed": "Somebody changed this person a moment ago. Load the page again and try once more.",
    "choice.unknown": "“{value}” is not in the list. Choose one of the entries.",
    "entity.country": "“{value}” is not a country code. Write two letters, such as DE.",
    "partner.exists": "This form belongs to {name}, who was invited already. Open a new form for another partner.",
    "partner.changed": "This partner was changed a moment ago. Load the page again and try once more.",
    "partner.groups": "Write at most 20 groups of at most 40 characters each, separated by commas.",
    "programme.exists": "This programme was stored already. Open a new form for another one.",
    "programme.template": "Choose the template that the partners fill in.",
    "programme.time_missing": "Choose the day and time.",
    "programme.window": "The end must be after the beginning.",
    "programme.window_past": "The end is in the past. Choose a later one.",
    "programme.cap": "Write how many campaigns (1 to {count}) a customer may have in how many days (1 to {days}), "
    "or leave both fields empty for no limit.",
    "programme.reviewers_missing": "Name at least one reviewer by e-mail address, or nobody could approve a campaign.",
    "programme.reviewers_many": "Name at most {max} reviewers.",
    "programme.reviewer_unknown": "{value} has no role as a reviewer. Give it to them under People first.",
    "template.version_exists": "This version was published already. Look at the list before you publish again.",
    "template.name": "Give the template a name.",
    "template.language": "Choose the language in which the template is written.",
    "switch.confirm": "Tick the box to confirm.",
    "switch.already": "The switch stands there already: somebody was faster.",
}
