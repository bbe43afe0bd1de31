from __future__ import annotations

from resolver.tasks import Tasks


class Working:
    """Has so much under way; whoever waits for it begins what `then` begins."""

    def __init__(self, tasks: Tasks, flights: int = 1, then: Working | None = None) -> None:
        self.tasks, self.flights, self.then, self.ended = tasks, flights, then, 0

    def cancel(self) -> None:
        self.ended += 1
        self.tasks.let_go(self)
        if self.then is not None:
            self.tasks.own(self.then)


def test_what_is_owned_is_ended_once_unless_it_has_been_let_go() -> None:
    tasks = Tasks()
    working = [Working(tasks), Working(tasks)]
    for each in working:
        tasks.own(each)
        tasks.own(each)
    tasks.let_go(working[0])
    tasks.let_go(working[0])
    tasks.cancel()
    tasks.cancel()
    assert [each.ended for each in working] == [0, 1]


def test_what_is_begun_by_those_that_are_ended_is_ended_too() -> None:
    tasks = Tasks()
    last = Working(tasks)
    tasks.own(Working(tasks, then=Working(tasks, then=last)))
    tasks.cancel()
    assert (last.ended, len(tasks)) == (1, 0)


def test_how_much_is_under_way_is_counted_over_all() -> None:
    tasks = Tasks()
    for flights in (2, 3):
        tasks.own(Working(tasks, flights))
    assert len(tasks) == 5
