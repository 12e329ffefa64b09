"""The stages in order, on one screen."""
