"""Numbers that accounts hold: bought by an order, attached to at most one agent, released for ever."""
