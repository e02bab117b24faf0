"""The one exception a caller's bad input raises."""


class InputError(ValueError):
    """A value the toolkit cannot work with; the message states the value, the limit and the cure.

    The command line turns it into one line on stderr and exit code 2.
    """
