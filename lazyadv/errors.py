"""What is wrong, where, and what to do about it, in one line."""


class UserError(ValueError):
    """The base of all errors that whoever started the program can mend; stages print them and end with status 1."""
