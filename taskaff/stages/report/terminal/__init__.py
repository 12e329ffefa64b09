"""The parts of the terminal table; rich is imported only here."""
