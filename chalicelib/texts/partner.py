"""The sentences of the partner's pages: what happened, what is next, and why."""

from __future__ import annotations

MESSAGES: dict[str, str] = {
    "draft.conflict": "{by} saved this draft at {at}, after you opened this page. Your text is still in the form and "
                      "nothing was overwritten. Compare with the saved version, then save yours or reload.",
    "draft.changed_since": "{by} changed the text at {at}, after you opened this page. Look at the answers below "
                           "again, then submit.",
    "preview.impossible": "This text cannot be put into the mail without changing its locked part. "
                          "Remove tags and quotation marks from it.",
    "resend.too_early": "It is too early: the mail service may still confirm {count} of these mails. "
                        "Try again in a quarter of an hour.",
    "test_mail.failed": "The test mail was not accepted for sending. Try again in a few minutes.",
    "upload.missing": "No file has arrived yet. Choose a file and upload it.",
}

TITLES: dict[str, str] = {
    "create": "Draft begun", "submit": "Submitted for review", "approve": "Approved",
    "request_changes": "Changes requested", "decline": "Declined", "revoke": "Approval taken back",
    "withdraw": "Withdrawn", "lapse": "The start passed without a decision", "start": "Sending began",
    "hold": "Paused", "resume": "Resumed", "cancel": "Cancelled", "finish": "Sending finished",
    "resend_unknown": "Mails that were not confirmed are sent again",
    "refused_locked": "A change of a locked part was refused",
    "reframe": "New look of head office, your text unchanged", "renew": "Sent to the reviewers again in a new look",
    "release": "Head office changed the template", "keep_look": "The look stays as it was approved",
}
"""What the timeline calls the steps of a campaign."""

NEXT: dict[str, str] = {
    "draft": "Finish the text and submit it.",
    "in_review": "A brand manager looks at it. You need to do nothing.",
    "changes_requested": "Read what should change, change it and submit again.",
    "approved": "It goes out by itself at its time.",
    "sending": "Mails are going out now.",
    "held": "Decide whether it goes on or ends here.",
    "sent": "Look at the results.",
    "declined": "It will not be sent. You can use its text for a new draft.",
    "expired": "Nobody decided before its time. You can use its text for a new draft.",
    "cancelled": "It was ended. You can use its text for a new draft.",
}
"""What comes next, by the state of a campaign."""

HOLDS: dict[str, str] = {
    "partner": "somebody at your company paused it",
    "hq": "head office stopped sending",
    "late": "its time was missed by more than two hours, and no mail goes out late without somebody looking at it",
    "digest": "what would be sent is not exactly what was approved. Ask head office",
    "bounces": "too many addresses did not work. Check where this list of customers comes from",
    "complaints": "too many customers marked it as spam",
    "unknowns": "several mails in a row were not confirmed by the mail service",
    "window": "the programme’s run window is closed",
    "sender": "the mail service does not accept your sender address. Ask head office to check it",
    "restored": "the system was restored from a backup, and somebody has to look before it goes on",
    "template": "its template is not used any more. Take the newer one over, which the page offers",
    "picture": "the last day of a picture in it has passed. Cancel it, or ask head office for more time",
}
"""Why a campaign is paused; read as “Paused, because ...”."""

ROUTES: dict[str, str] = {"one": "One reviewer decides"}
"""What people call the approval routes."""
