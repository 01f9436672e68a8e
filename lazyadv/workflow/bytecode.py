"""Python's compiled modules, kept by their text and not by its date.

Python takes an old .pyc for good where its source has the same date and length: as after an edit of one digit, with a
date that `rsync -t`, an archive or a clock set back has given it. Then the old code would run under the new one's name.
"""

import compileall
from py_compile import PycInvalidationMode

from lazyadv.workflow.sources import ROOT


def renew() -> None:
    """Compile this project's modules anew; from then on Python holds each .pyc against its text."""
    checked = PycInvalidationMode.CHECKED_HASH
    compileall.compile_dir(ROOT / "lazyadv", quiet=2, force=True, invalidation_mode=checked)
