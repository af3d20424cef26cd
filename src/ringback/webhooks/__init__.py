"""Webhooks: a customer's endpoints, and the delivery of events to them."""
