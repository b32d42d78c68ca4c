"""What an operator is told of a hub at work: log records and spans, with nothing in them that is personal.

Never an argument, a field, a key, an actor or an error's own words: those may name somebody. Who acted stands in the
journal, under the cause that is told, for whoever may read it there. Nothing is loaded until there is somebody to tell.
"""

from __future__ import annotations

import sys
import traceback
from collections.abc import Iterable
from time import perf_counter
from typing import TYPE_CHECKING, Any

from communitycore.kernel.errors import CommunityCoreError, OutcomeUnknown, Refused

if TYPE_CHECKING:
    import logging
    from types import TracebackType

DEBUG, INFO, WARNING, ERROR = 10, 20, 30, 40
"""Those of logging, which is not loaded for their sake."""
LOGGER = "communitycore.hub"
FRAMES = 8
_TRACING = "opentelemetry.trace"

_log: logging.Logger | None = None


def quiet() -> bool:
    """Whether nobody wants to hear of every call."""
    if _TRACING in sys.modules and _tracer() is not None:
        return False
    if _log is None:
        return "logging" not in sys.modules or not _logger().isEnabledFor(DEBUG)
    return not _log.isEnabledFor(DEBUG)


def _logger() -> logging.Logger:
    global _log
    if _log is None:
        import logging

        root = logging.getLogger("communitycore")
        if not root.handlers:
            root.addHandler(logging.NullHandler())  # what is not asked for is not printed
        _log = logging.getLogger(LOGGER)
    return _log


def tell(level: int, what: str, **data: Any) -> None:
    """One log record: what happened, and its data as `name=value` and as attributes of the record."""
    log = _logger()
    if log.isEnabledFor(level):
        told = {name: value for name, value in data.items() if value is not None}
        log.log(level, "%s %s", what, " ".join(f"{name}={value}" for name, value in told.items()), extra=told)


def frames(bug: BaseException) -> str:
    """Where it happened, innermost first, without its own words."""
    found = traceback.extract_tb(bug.__traceback__)[-FRAMES:]
    return " < ".join(f"{frame.filename.rpartition('/')[2]}:{frame.lineno}:{frame.name}" for frame in reversed(found))


def bug(what: str, error: BaseException, **data: Any) -> None:
    """Something broke that is no refusal and no store's trouble: its type and place."""
    tell(ERROR, what, **data, error=type(error).__name__, at=frames(error))


def ended(command: str, jurisdiction: str, cause: str, error: BaseException | None, seconds: float | None) -> None:
    """What became of one call."""
    data: dict[str, Any] = {"command": command, "jurisdiction": jurisdiction, "cause": cause}
    if seconds is not None:
        data["seconds"] = round(seconds, 6)
    if error is None:
        tell(DEBUG, "done", **data)
    elif isinstance(error, Refused):
        tell(DEBUG, "refused", **data, code=error.code)
    elif isinstance(error, CommunityCoreError):
        tell(ERROR if isinstance(error, OutcomeUnknown) else WARNING, "failed", **data, code=error.code)
    elif isinstance(error, Exception):
        bug("a command broke off", error, **data)


# spans


def _tracer() -> Any:
    """What makes spans; None where the program has not loaded OpenTelemetry, or nobody provides for it."""
    tracing: Any = sys.modules.get(_TRACING)
    if tracing is None:
        return None
    provider = tracing.get_tracer_provider()
    if isinstance(provider, (tracing.ProxyTracerProvider, tracing.NoOpTracerProvider)):
        return None
    return provider.get_tracer("communitycore")


def here() -> Any:
    """The context of the span under way, to be linked from another thread's; None without OpenTelemetry."""
    tracing: Any = sys.modules.get(_TRACING)
    return None if tracing is None else tracing.get_current_span().get_span_context()


class Span:
    """A span while it is entered, if the program has loaded OpenTelemetry; otherwise nothing at all."""

    def __init__(self, name: str, links: Iterable[Any] = (), **data: Any) -> None:
        tracer = _tracer()
        self._entered: Any = None
        if tracer is not None:
            from opentelemetry.trace import Link

            self._entered = tracer.start_as_current_span(
                name,
                attributes={f"communitycore.{key}": value for key, value in data.items() if value is not None},
                links=[Link(context) for context in links if context is not None and context.is_valid],
                record_exception=False,  # its words may name somebody
                set_status_on_exception=False,
            )
        self._span: Any = None

    def __enter__(self) -> Span:
        if self._entered is not None:
            self._span = self._entered.__enter__()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._entered is not None:
            self.came(error)
            self._entered.__exit__(kind, error, trace)

    def note(self, **data: Any) -> None:
        """Add to what it tells."""
        if self._span is not None:
            for key, value in data.items():
                self._span.set_attribute(f"communitycore.{key}", value)

    def came(self, error: BaseException | None) -> None:
        """How it ended: done, refused or failed, and with which code."""
        if error is None:
            self.note(outcome="done")
            return
        code = error.code if isinstance(error, CommunityCoreError) else type(error).__name__
        self.note(outcome="refused" if isinstance(error, Refused) else "failed", code=code)
        if self._span is not None and not isinstance(error, Refused):
            from opentelemetry.trace import Status, StatusCode

            self._span.set_status(Status(StatusCode.ERROR, code))


class Doing(Span):
    """One call on its way, told when it ends."""

    def __init__(self, command: str, jurisdiction: str, cause: str) -> None:
        room = command.partition(".")[0]
        super().__init__("communitycore.do", command=command, room=room, jurisdiction=jurisdiction, cause=cause)
        self._data = command, jurisdiction, cause
        self._start = perf_counter()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        ended(*self._data, error, perf_counter() - self._start)
        super().__exit__(kind, error, trace)
