"""The Lambda handlers of queues and clock: one module per function."""
