"""The one place that knows databases: schema, units of work, outbox, idempotency, sealing of secrets."""
