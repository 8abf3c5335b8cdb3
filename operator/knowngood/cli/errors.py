"""How a command ends when it cannot do what it was asked for."""


class InputError(Exception):
    """What was given cannot be used; the text is one line that says what, and what to write instead."""
