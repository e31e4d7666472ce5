"""What the use cases need of the world, as protocols of a few methods each.

The consumer owns the interface: `workflow` for approval, `trust` for customers, `sending` for
the ledger and the mailer, `system` for clock, entropy, queues and blobs.
"""
