"""Measurements and checks of the scenarios."""

figures: list[tuple[str, str, str]] = []
_scenario = ""


class Failed(Exception):
    """A check failed."""


class NotRun(Exception):
    """Something that the scenario needs is not there. It counts neither as passed nor as failed."""


def begin(name: str, purpose: str) -> None:
    global _scenario
    _scenario = name
    print(f"\n{name}: {purpose}", flush=True)


def figure(what: str, value: object) -> None:
    figures.append((_scenario, what, str(value)))
    print(f"    {what}: {value}", flush=True)


def check(holds: bool, what: str) -> None:
    if not holds:
        raise Failed(what)


def summary(results: list[tuple[str, float, str]], wanted: int) -> None:
    print("\nfigures")
    for scenario, what, value in figures:
        print(f"  {scenario:<17} {what:<58} {value}")
    print("\nscenarios")
    for name, seconds, outcome in results:
        print(f"  {name:<17} {seconds:6.0f} s  {outcome}")
    if len(results) < wanted:
        print(f"  {wanted - len(results)} more were not run")
