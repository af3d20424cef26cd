"""The REST door: AgentPhone v1 on the wire."""
