"""The one exception that the command line shows as a sentence instead of a traceback."""


class StackError(Exception):
    """Something around the services failed: `what` happened, and what the reader can `do` about it."""

    def __init__(self, what: str, do: str = "") -> None:
        self.what, self.do = what, do
        super().__init__(f"{what}\n  -> {do}" if do else what)
