"""A look at something that may be slow to answer, by whoever must not wait for it."""

import threading
import time
from collections.abc import Callable
from concurrent.futures import Future

PATIENCE_S = 2.0  # seconds an answer is waited for
KEPT_S = 5.0  # seconds an answer counts


class Glance:
    """Asks in a thread of its own, one at a time and every few seconds at the most, however many want to know.

    Without this each look at an S3 service that is silent would hold one of the site's few threads for minutes: its
    client tries four times, which is right for a film's bytes.
    """

    def __init__(self, ask: Callable[[], object]) -> None:
        self._ask = ask
        self._lock = threading.Lock()
        self._answer: Future[None] | None = None
        self._asked_at = 0.0

    def look(self) -> None:
        """Return if it answers.

        Raises: TimeoutError where it has not for `PATIENCE_S`; what `ask` raised.
        """
        with self._lock:
            now = time.monotonic()
            if self._answer is None or (self._answer.done() and now - self._asked_at >= KEPT_S):
                self._answer, self._asked_at = Future(), now
                threading.Thread(target=self._do, args=(self._answer,), name="glance", daemon=True).start()
            answer, left_s = self._answer, self._asked_at + PATIENCE_S - now
        try:
            answer.result(timeout=max(0.0, left_s))
        except TimeoutError as error:
            raise (error if answer.done() else TimeoutError(f"no answer within {PATIENCE_S:g} s")) from None

    def _do(self, answer: "Future[None]") -> None:
        try:
            self._ask()
        except Exception as error:  # it is raised where it was asked for
            answer.set_exception(error)
        else:
            answer.set_result(None)
