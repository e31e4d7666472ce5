"""The sentences about releases of head office."""

from __future__ import annotations

MESSAGES: dict[str, str] = {
    "release.busy": "Another release is being applied. Approve this one when that has ended.",
    "release.changed": "This release was changed meanwhile. Look at it again, then repeat your step.",
    "release.exists": "A release with this id exists already. Load the form again.",
    "release.not_now": "This release is “{phase}” already ({by}). Load its page again to see where it stands.",
    "release.own": "{name} prepared this release, so somebody else has to approve it.",
    "release.stale": "“{name}” went on since this release was prepared, so what it would do is not what you see. "
                     "Withdraw it and prepare it anew.",
    "release.confirm": "Tick the box to say that you have looked at it.",
    "baseline.nothing": "Tick at least one finding.",
    "release.empty": "This release changes nothing. Choose a template, write what is replaced, or add a kit.",
    "release.pairs_many": "At most {max} replacements fit into one release. Split it.",
    "release.pair_length": "Write between {min} and {max} characters, on both sides.",
    "release.pair_sign": "The sign {sign} cannot be replaced or put in: it could change the structure of the mail. "
                         "Publish a new version of the template for that.",
    "release.pair_colour": "“{value}” is not a colour. Write it as #12372a, like the one it replaces.",
    "release.pair_nowhere": "“{value}” stands in the locked part of no template. Check how it is written there.",
    "release.unsafe": "In “{name}” this would break the rule {code}, which knows no exception. Write something else.",
    "release.structure": "In “{name}” replacing “{value}” would change a personal field, or the name of a tag or "
                         "attribute. Write more of the text around it, or publish a new version of the template.",
    "release.template": "There is no template “{value}”. Choose one from the list.",
    "release.template_foreign": "“{name}” is not the template of this programme. Choose that one, or no programme.",
    "release.programme": "This programme is not there any more. Choose another one.",
    "release.too_many": "{count} templates are more than the {max} that fit into one release. Split it.",
    "release.until": "Choose a day that lies ahead, as 2026-12-31, until which the old versions may go out.",
    "release.look_changed": "The new look changed since you opened this page. Look at it again, then decide.",
    "release.not_possible": "Your text does not fit the new look as it is. Take the campaign back and take the newer "
                            "version of the template over.",
    "release.unfit": "some of its texts do not fit the new version of the template",
    "release.rules": "head office's rules now have something against its text",
    "release.text": "its text would read otherwise in the new version",
    "release.company": "the company's legal data changed since it was approved",
    "release.paused": "it is paused: resume or cancel it first",
    "release.told.asked": "Head office asks whether it may go out in the new look. Your text stays, and so does its "
                          "approval.",
    "release.told.change": "It cannot go out in the new look as it is. Take it back, change it and submit it again.",
    "release.told.draft_asked": "This draft has texts without a place in the new version. Take the new version over.",
    "review.reframed": "Head office put a new look around this mail while the page was open. Look at it again, then "
                       "decide.",
    "template.retired": "Version {version} of this template does not go out any more from {until} on. Take the newer "
                        "version over, or choose an earlier time.",
    "programme.template_retired": "Version {version} of this template ends on {until}, before the programme does. "
                                  "Choose a newer one.",
    "programme.changed": "Somebody changed this programme a moment ago. Look at it again and repeat your step.",
}
"""Code of a problem -> English sentence; the parameters of the problem fill the braces."""
