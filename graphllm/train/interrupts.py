"""An interrupt waits for the end of a step, so that no weight is left half changed."""

import signal
import threading
from types import FrameType, TracebackType


class Interrupts:
    """Holds back Ctrl-C inside a ``with``; a second one interrupts at once.

    Attributes:
        asked: Whether an interrupt waits.
        forced: Whether a second one came.
    """

    def __init__(self) -> None:
        self.asked = self.forced = False
        self._before: signal._HANDLER = None

    def __enter__(self) -> "Interrupts":
        # only the main thread gets signals; where an application has none for SIGINT, nor do we
        if threading.current_thread() is threading.main_thread():
            before = signal.getsignal(signal.SIGINT)
            if callable(before):
                self._before = before
                signal.signal(signal.SIGINT, self._hold)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._before is not None:
            signal.signal(signal.SIGINT, self._before)

    def _hold(self, number: int, frame: FrameType | None) -> None:
        self.forced = self.asked
        self.asked = True
        if self.forced and callable(self._before):
            self._before(number, frame)
