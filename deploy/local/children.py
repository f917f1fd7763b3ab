"""The running components of one supervisor: started, waited for, revived when they die, stopped in reverse."""

import signal
import time
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from subprocess import Popen
from threading import Event, RLock

from deploy.errors import StackError
from deploy.local import process
from deploy.local.probes import waits_for_a_person
from deploy.local.process import Spec
from deploy.local.state import Component

START_TIMEOUT_S = 90.0
HELD_FOR_S = 10.0  # who is told of a runbook for so long waits for a person, who needs the stack for that
POLL_S = 0.05
FIRST_PAUSE_S, LONGEST_PAUSE_S = 0.5, 30.0
HEALTHY_S = 60.0  # who ran this long died of something new: the pause starts over
HUNG_S = 60.0  # who is alive and has not answered well for so long is started again
PULSE_S = 5.0


class Stopped(Exception):  # no error: somebody asked
    """The stack was asked to stop while it was starting."""


class Child:
    """One component, started as often as it takes."""

    def __init__(self, spec: Spec, component: Component) -> None:
        self.spec, self.component = spec, component
        self.process: Popen[bytes] | None = None
        self._pause_s = FIRST_PAUSE_S / 2
        self._retry_at = 0.0
        self._has_answered = False
        self._silent_since: float | None = None
        self._kill_at: float | None = None

    def start(self) -> None:
        self.process = process.start(self.spec)
        self._has_answered, self._silent_since, self._kill_at = False, None, None
        self.component.identity = process.identity(self.process.pid)
        self.component.state, self.component.since = "running", time.time()

    def exit_code(self) -> int | None:
        return None if self.process is None else self.process.poll()

    def ask(self) -> None:
        """Whether it answers that it lives. Its silence counts from the first question without an answer, so that a
        supervisor that was itself held up suspects nobody."""
        asked = self.process
        if self.spec.live is None or self.component.state != "running":
            return
        answers = self.spec.live()
        if asked is not self.process:
            return
        if answers:
            self._has_answered, self._silent_since = True, None
        elif self._silent_since is None:
            self._silent_since = time.monotonic()

    def tend(self) -> bool:
        """Notices a death, and after a pause that doubles with every early death starts it again; ends what hangs. True
        on a change."""
        if self.component.state == "restarting":
            return self._retry()
        if self.exit_code() is None:
            return self._end_if_hung()
        long_lived = time.time() - self.component.since > HEALTHY_S
        self._pause_s = FIRST_PAUSE_S if long_lived else min(self._pause_s * 2, LONGEST_PAUSE_S)
        self._retry_at = time.monotonic() + self._pause_s
        self.component.state, self.component.identity = "restarting", None
        return True

    def _end_if_hung(self) -> bool:
        """SIGTERM, and SIGKILL after the grace; its end is then seen like any other."""
        who, since = self.component.identity, self._silent_since
        patience_s = HUNG_S if self._has_answered else START_TIMEOUT_S
        if who is None or since is None or time.monotonic() - since <= patience_s:
            return False
        if self._kill_at is None:
            self._kill_at = time.monotonic() + self.spec.grace_s
            note(f"{self.spec.name} is alive and has not answered well for {patience_s:.0f} s: ending it")
            process.ask_to_end(who, self.spec.stop_signal)
        elif time.monotonic() > self._kill_at:
            process.kill(who)
        return False

    def _retry(self) -> bool:
        if time.monotonic() < self._retry_at:
            return False
        try:
            self.start()
        except OSError as error:  # a full disk or process table: the others run on, and so do the attempts
            self._pause_s = min(self._pause_s * 2, LONGEST_PAUSE_S)
            self._retry_at = time.monotonic() + self._pause_s
            note(f"{self.spec.name} could not be started: {error.strerror}")
            return False
        self.component.restarts += 1
        return True


class Children:
    """All of them, in the order in which they were started. `changed` is told after every change."""

    def __init__(self, components: dict[str, Component], stop: Event, changed: Callable[[], None]) -> None:
        self._components, self._stop, self._changed = components, stop, changed
        self._children: dict[str, Child] = {}
        self._given_up, self._lock = Event(), RLock()

    def start(self, spec: Spec, port: int | None) -> None:
        """Returns when it is ready, or waits for a person. Raises StackError when it ends or stays unready, Stopped
        when asked to stop."""
        self.launch(spec, port)
        self.await_ready(spec.name)

    def launch(self, spec: Spec, port: int | None) -> None:
        component = Component(spec.name, port=port, stop_signal=spec.stop_signal, grace_s=spec.grace_s)
        child = Child(spec, component)
        with self._lock:
            self._components[spec.name], self._children[spec.name] = component, child
            child.start()
            self._changed()

    def await_ready(self, name: str) -> None:
        child, deadline = self._children[name], time.monotonic() + START_TIMEOUT_S
        held_since: float | None = None
        while reason := child.spec.ready():
            held_since = (held_since or time.monotonic()) if waits_for_a_person(reason) else None
            if held_since is not None and time.monotonic() - held_since >= HELD_FOR_S:
                note(f"{name} waits for a person: {reason}")
                return
            self.pause(POLL_S)
            if (code := child.exit_code()) is not None:
                raise StackError(
                    f"{name} ended with {ended(code)} while starting:\n{_quote(child.spec)}", _look(child.spec)
                )
            if time.monotonic() > deadline:
                raise StackError(f"{name} is not ready after {START_TIMEOUT_S:.0f} s: {reason}", _look(child.spec))

    def pause(self, seconds: float) -> None:
        if self._given_up.is_set() or self._stop.wait(seconds):
            raise Stopped

    def give_up(self) -> None:
        """One component failed: whoever still waits for another need not."""
        self._given_up.set()

    def tend(self) -> None:
        with self._lock:
            changes = [child.tend() for child in self._children.values()]  # all of them, not up to the first
            if any(changes):
                self._changed()

    def ask_until(self, stop: Event) -> None:
        """Ask everybody for a sign of life, side by side, again and again."""
        with ThreadPoolExecutor(8) as pool:
            while not stop.wait(PULSE_S):
                list(pool.map(Child.ask, list(self._children.values())))

    def stop(self) -> None:
        """Services first, servers last; those of one rank together, each within its own grace."""
        end_all(self._components.values())
        for child in self._children.values():
            if child.process is not None:
                child.process.wait()
        self._changed()


def note(said: str) -> None:
    """A line for the supervisor's log; a full disk must not end who writes it."""
    with suppress(OSError):
        print(said, flush=True)


RANKS = {"kafka": 0, "postgres": 0, "issuer": 1}  # the services rank above them all


def end_all(components: Iterable[Component]) -> None:
    """Ends every process that is still the one recorded; a pid that now belongs to somebody else is left alone."""
    left = list(components)
    for rank in sorted({rank_of(component) for component in left}, reverse=True):
        together = [component for component in left if rank_of(component) == rank]
        with ThreadPoolExecutor(len(together)) as pool:
            list(pool.map(_end, together))


def rank_of(component: Component) -> int:
    return RANKS.get(component.name, 2)


def _end(component: Component) -> None:
    if component.identity is not None:
        process.end(component.identity, signal.Signals(component.stop_signal), component.grace_s)
    component.identity, component.state = None, "stopped"


def ended(code: int) -> str:
    return f"signal {signal.Signals(-code).name}" if code < 0 else f"exit code {code}"


def _quote(spec: Spec) -> str:
    return "\n".join(f"    {line}" for line in process.tail(spec.log).splitlines())


def _look(spec: Spec) -> str:
    return f"the whole log: {spec.log}"
