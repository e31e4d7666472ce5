"""The sentences for drafts, submitting and reviewing."""

MESSAGES: dict[str, str] = {
    "agreement.missing": "The programme terms are not accepted yet. Tick the box to accept them.",
    "audience.empty": "None of your {audience} customers could receive this mail. Import customers with a "
                      "consent first.",
    "campaign.changed": "Somebody changed this campaign a moment ago. Look at it again and repeat your step.",
    "campaign.not_now": "This is not possible now: the campaign is “{state}”. Reload the page to see where "
                        "it stands.",
    "campaign.not_you": "You cannot do this: it is for another role.",
    "draft.changed": "This draft was saved elsewhere at {at}. Your text is still in the form: "
                     "reload in another tab, compare, and save again.",
    "draft.too_large": "All texts together have {size} KB; no more than {max} KB can be kept. Nothing was saved: "
                       "shorten the longest.",
    "limit.reached": "That was tried too often within an hour. Wait a while and try again.",
    "link.tries": "The code was wrong {limit} times, so this link takes none any more. Ask for a fresh one.",
    "link.used": "This link was used already. Ask for a fresh one.",
    "programme.closed": "“{title}” is closed; no new campaign can be started in it.",
    "region.locked": "This part is locked by head office and cannot be changed. Remove it from what you send.",
    "review.code_wrong": "The code does not match. It stands in the mail beside the buttons and has four digits.",
    "review.decided": "Already decided by {by} at {at}.",
    "review.expired": "This link has expired. Ask for a fresh one.",
    "review.nobody": "Nobody else can review this campaign: the only reviewers are the people who made it. "
                     "Ask head office to name another reviewer.",
    "review.not_revocable": "The approval cannot be taken back any more: the campaign is “{state}”.",
    "review.not_shown": "Nothing was decided: your answer was for another mail than the one that stands here now. Look "
                        "at this one, then decide.",
    "review.own_campaign": "You made or submitted this campaign, so somebody else has to decide.",
    "review.reason_missing": "Say what should change, or why you decline. The partner reads it.",
    "review.too_late": "The start at {start} ({zone}) has passed, so this can no longer be decided.",
    "review.void": "This version was withdrawn or replaced. You will get a new mail if there is something to decide.",
    "sender.missing": "Your company has no sender address yet. Add it under “Company and sender”.",
    "sender.unverified": "{address} is not set up for sending yet: its domain lacks the DKIM records. "
                         "Ask head office to finish the set-up, then submit again.",
    "terms.not_accepted": "Accept the programme terms to submit.",
    "time.fold": "{value} happens twice in {zone} that night. Choose the first (UTC{first}) or the "
                 "second (UTC{second}).",
    "time.format": "“{value}” is not a date and time. Write it like 2026-12-01T09:00.",
    "time.gap": "{value} does not exist in {zone}: the clocks skip it. The nearest times are {before} and {after}.",
    "time.missing": "Choose the day and time at which the mail goes out.",
    "time.outside_window": "{value} is outside the programme's run window ({opens} to {closes}). Choose a time "
                           "inside it.",
    "time.past": "{value} is in the past or less than ten minutes away. Choose a later time.",
    "time.zone": "“{value}” is not a time zone. Choose one from the list, such as Europe/Berlin.",
    "value.far_too_long": "This text has {length} characters; no more than {max} can be kept. Nothing was saved.",
    "value.nul": "This text holds a NUL character, which cannot be stored. Remove it (it often comes "
                 "with pasted text).",
    "value.too_long": "This has {length} characters; at most {max} fit. Shorten it.",
}
"""Code of a problem -> English sentence; the parameters of the problem fill the braces."""
