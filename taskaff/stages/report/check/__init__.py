"""The formats of a check: those of every result, and those that CI systems read."""
