"""Pure parts and single seams that every room may use: time, chance, ids, phone numbers, segments, signing."""
