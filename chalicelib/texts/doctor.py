"""What the doctor and the operator's commands say: what was found, what it means, what to do."""

from __future__ import annotations

MESSAGES: dict[str, str] = {
    "doctor.ok": "{name}: in order.",
    "doctor.unknown": "{name}: could not be looked at ({why}). Run this with the rights of an administrator.",
    "doctor.clock": "{name}: this machine's time is {seconds} seconds from AWS's. Switch on its time synchronisation.",
    "doctor.sandbox": "{name}: missing, so SES mails verified addresses only. Ask for it in the SES console, "
                      "Account dashboard, Request production access.",
    "doctor.sending": "{name}: SES has paused this account. Read AWS's message in the SES console and answer it.",
    "doctor.quota": "{name}: {sent} of {limit} mails of the last 24 hours are used. Ask for a higher quota in Service "
                    "Quotas, or spread the campaigns.",
    "doctor.set": "{name}: SES does not know it. Deploy again; it belongs to the stack.",
    "doctor.suppression": "{name}: it is on, so one partner's bounce would block another's customer. Set its list of "
                          "suppressed reasons to empty.",
    "doctor.events": "{name}: {missing} are not published, so numbers never settle. Deploy again.",
    "doctor.table": "table {name}: missing. Deploy, or restore it: docs/runbook/restore.md.",
    "doctor.ttl": "{name}: off, so sessions and links are never cleared away. Deploy again.",
    "doctor.recovery": "{name}: off, so nothing could be restored. Switch point-in-time recovery on.",
    "doctor.no_recovery": "{name}: on, though destroying a key must destroy it in backups too. Switch it off.",
    "doctor.protection": "{name}: off, so one command could delete it. Switch it on.",
    "doctor.queue": "{name}: missing. Deploy again.",
    "doctor.dead": "{name}: {count} messages failed for good. Read docs/runbook/{queue}-dead.md.",
    "doctor.no_alarms": "{name}: there are none, so nobody is told of trouble. Deploy with AlarmEmail.",
    "doctor.alarm": "{name}: it rings. Read {page}.",
    "doctor.stopped": "{name}: head office has stopped all sending. It is lifted on the page Sending.",
    "doctor.identity": "{name}: SES does not let us send from it. Verify its domain in SES and set the DNS records "
                       "that SES shows.",
    "doctor.dkim": "{name}: SES says {status}. Set the three CNAME records that SES shows.",
    "doctor.dkim_record": "{name}: not a CNAME to {target}. Set it.",
    "doctor.spf": "{name}: {count} SPF records that fit. Have exactly one, with include:amazonses.com.",
    "doctor.mail_from": "{name}: SES's own envelope domain is used. A MAIL FROM domain of your own makes SPF align.",
    "doctor.dmarc": "{name}: there is no record. Set one at _dmarc, such as v=DMARC1; p=quarantine.",
    "doctor.dmarc_weak": "{name}: its policy is {policy}. Move to quarantine once reports look good; large mail "
                         "providers ask for DMARC.",
}
