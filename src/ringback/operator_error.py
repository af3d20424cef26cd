"""What the person who runs the server can put right, told in one line and never as a traceback."""

WRONG_SETTING = 2
SERVICE_MISSING = 3


class OperatorError(Exception):
    """Something the operator must change: `line` says what, in one line; `exit_code` is the process's.

    `WRONG_SETTING` (2) is for wrong usage and settings, `SERVICE_MISSING` (3) for a needed service that isn't there.
    """

    def __init__(self, line: str, exit_code: int = WRONG_SETTING) -> None:
        super().__init__(line)
        self.line = " ".join(line.split())
        self.exit_code = exit_code
