"""How many threads numpy's linear algebra may take in a process that holds calls, or their speech."""

import os
from collections.abc import Mapping


def one_thread() -> Mapping[str, str]:
    """The environment for such a process. OpenBLAS waits for its threads by spinning: a judgement of a turn took as long with
    two threads as with one, and twice the processor. What the operator sets stands."""
    return {"OPENBLAS_NUM_THREADS": "1"} | os.environ
