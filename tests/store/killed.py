"""A process that writes until it is killed: prints each hold's id once the journal has answered it.

Usage: python -m tests.store.killed URL LOT
"""

from __future__ import annotations

import os
import sys
import threading

from bursar.ledger.postings import Posting, Settle
from bursar.store.database import Database
from bursar.store.journal import Journal
from tests.store.making import hold
from tests.support.clock import NOVEMBER_US, VirtualClock


def main(url: str, lot: int) -> None:
    """Hold and settle from eight threads; each acknowledgement is one line."""
    journal = Journal(Database(url), VirtualClock())

    def ask(thread: int) -> None:
        n = 0
        while True:
            hold_id = f"h{thread}.{n}"
            if isinstance(journal.post(hold(hold_id, lot, 2)), Posting):
                os.write(1, f"held {hold_id}\n".encode())
            if isinstance(journal.post(Settle(hold_id, 1, NOVEMBER_US)), Posting):
                os.write(1, f"settled {hold_id}\n".encode())
            n += 1

    for thread in range(8):
        threading.Thread(target=ask, args=(thread,)).start()


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
