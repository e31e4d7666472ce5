"""What the doctor says, on the command line and on the page: how a thing stands, what it means, what to do.

``<code>`` is the sentence for something wrong, ``<code>.ok`` the one for the same thing in order.
"""

from __future__ import annotations

MESSAGES: dict[str, str] = {
    "doctor.stopped": "Head office has stopped all sending. Lift the switch on the page Sending when mails may leave "
                      "again.",
    "doctor.stopped.ok": "Sending is switched on.",
    "doctor.sandbox": "SES mails verified addresses only: the account is in its sandbox. In the SES console, on "
                      "Account dashboard, choose Request production access.",
    "doctor.sandbox.ok": "SES mails every address: the account has left the sandbox.",
    "doctor.sending": "SES has paused this account. Read AWS's message in the SES console and answer it.",
    "doctor.sending.ok": "SES lets this account send.",
    "doctor.quota": "{sent} of {limit} mails that SES allows in 24 hours are used. Ask for a higher quota in Service "
                    "Quotas, or spread the campaigns.",
    "doctor.quota.ok": "{sent} of {limit} mails that SES allows in 24 hours are used, at {rate} a second.",
    "doctor.set": "SES does not know the configuration set, so nothing can be sent. Deploy again: it belongs to the "
                  "stack.",
    "doctor.set.ok": "SES knows the configuration set.",
    "doctor.suppression": "The account's own suppression list is in force, so one partner's bounce would block "
                          "another's customer. Set the configuration set's suppressed reasons to none.",
    "doctor.suppression.ok": "No account-wide list blocks a customer of another partner.",
    "doctor.events": "SES does not publish {missing}, so the numbers of campaigns never settle. Deploy again.",
    "doctor.events.ok": "SES publishes what becomes of each mail.",
    "doctor.identity": "SES does not let us send from {name}. Verify the domain in SES and set the DNS records that "
                       "SES shows.",
    "doctor.identity.ok": "SES lets us send from {name}.",
    "doctor.dkim": "Mails from {name} are not signed (SES says {status}). Set the three CNAME records that SES shows.",
    "doctor.dkim.ok": "Mails from {name} are signed (DKIM).",
    "doctor.dkim_record": "{name} does not lead to {target}. Make it a CNAME record with that value.",
    "doctor.dkim_record.ok": "{name} leads to SES.",
    "doctor.spf": "{name} has {count} SPF records. Have exactly one, with include:amazonses.com in it.",
    "doctor.spf.ok": "{name} lets SES send (SPF).",
    "doctor.mail_from": "{name} has no MAIL FROM domain of its own, so SPF does not speak for it. Set one in SES; "
                        "until then DKIM alone does.",
    "doctor.mail_from.ok": "{name} has a MAIL FROM domain of its own, {domain}.",
    "doctor.dmarc": "{name} has no DMARC record. Set the TXT record _dmarc.{name}, such as v=DMARC1; p=quarantine.",
    "doctor.dmarc.ok": "{name} has a DMARC record.",
    "doctor.dmarc_weak": "The DMARC policy of {name} is {policy}. Move to quarantine once the reports look good.",
    "doctor.dmarc_weak.ok": "The DMARC policy of {name} is {policy}.",
    "doctor.queue": "The queue {name} is missing. Deploy again.",
    "doctor.queue.ok": "Messages that wait in the queue {name}: {waiting}.",
    "doctor.dead": "Messages of the queue {name} that failed for good: {count}. Read docs/runbook/{name}-dead.md.",
    "doctor.dead.ok": "No message of the queue {name} has failed for good.",
    "doctor.no_alarms": "There are no alarms, so nobody is told of trouble. Deploy again.",
    "doctor.no_alarms.ok": "Alarms that watch over the deployment: {count}; that ring: {ringing}.",
    "doctor.alarm": "The alarm {name} rings. Read docs/runbook/{name}.md.",
    "doctor.table": "The table {name} is missing. Deploy, or restore it: docs/runbook/restore.md.",
    "doctor.table.ok": "The table {name} is there.",
    "doctor.ttl": "In {name} nothing expires, so old sessions and links stay. Deploy again.",
    "doctor.ttl.ok": "In {name}, what is over expires by itself.",
    "doctor.recovery": "{name} has no backups, so nothing could be restored. Switch point-in-time recovery on.",
    "doctor.recovery.ok": "{name} can be restored to any moment of the last 35 days.",
    "doctor.no_recovery": "{name} has backups, though destroying a key must destroy it there, too. Switch "
                          "point-in-time recovery off.",
    "doctor.no_recovery.ok": "{name} has no backups, on purpose: a key that is destroyed is gone.",
    "doctor.protection": "One command could delete {name}. Switch its deletion protection on.",
    "doctor.protection.ok": "{name} is protected from deletion.",
    "doctor.clock": "This machine's clock is {seconds} seconds from AWS's. Switch on its time synchronisation.",
    "doctor.clock.ok": "The clock agrees with AWS's.",
    "doctor.unknown": "Not checked: {why}. On the command line, with the rights of an administrator, "
                      "`python -m chalicelib.cli doctor` sees more.",
    "doctor.late": "Not all of it was checked: there was no answer within {seconds} seconds. Try again in a "
                   "minute.",
    "doctor.silent": "The name servers did not say what {name} is. Try again in a minute.",
    "doctor.no_names": "DNS records were not checked: this program runs without the internet's name servers.",
    "doctor.emulated.tables": "Backups and deletion protection were not checked: this program runs on an emulator, "
                              "which has neither.",
    "doctor.emulated.alarms": "Alarms were not checked: this program runs on an emulator, which has none.",
    "doctor.emulated.clock": "The clock was not checked: where this program runs on an emulator, people move it.",
}
