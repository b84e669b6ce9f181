"""Rules: what is looked for, how long it stays quiet afterwards, and how it is written down."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from txhub.contract.alerts import Pattern, RuleState, Severity
from txhub.detect.bound import Bound
from txhub.detect.combined import Combined, Single, Tree
from txhub.detect.condition import Condition, length, span_text
from txhub.detect.patterns import PATTERNS
from txhub.errors import UsageError

COOLDOWN = timedelta(hours=6)
WITHIN = timedelta(hours=1)
LONGEST = timedelta(days=31)
"""How far back a look may reach."""
_MOST_LEAVES, _DEEPEST = 16, 4
_WORDS = ("all", "any", "not")


@dataclass(frozen=True)
class Definition:
    """What a rule looks for.

    Args:
        tree: the conditions.
        cooldown: how long after an event by which they were met another one is no news.
    """

    tree: Tree
    cooldown: timedelta

    @property
    def lookback(self) -> timedelta:
        """How long before a span rows matter to what is found in it."""
        return self.tree.lookback + (self.cooldown if self.repeats else timedelta(0))

    @property
    def effect(self) -> timedelta:
        """How long after a span what is found may depend on it."""
        return self.tree.effect + (self.cooldown if self.repeats else timedelta(0))

    @property
    def leaves(self) -> list[Condition]:
        """All conditions, in order."""
        return list(self.tree.leaves())

    @property
    def repeats(self) -> bool:
        """Whether a subject may meet it again."""
        return isinstance(self.tree, Combined) or self.tree.condition.repeats

    @property
    def pattern(self) -> Pattern:
        """What alerts say was found."""
        return Pattern.COMBINED if isinstance(self.tree, Combined) else Pattern(self.tree.condition.pattern)

    @property
    def sources(self) -> list[str]:
        """The sources of all rows that it needs."""
        return list(dict.fromkeys(source for leaf in self.leaves for source in leaf.sources))

    def on(self, chain: str) -> bool:
        """Whether a chain is in the scope of some condition."""
        return any(leaf.scope.on(chain) for leaf in self.leaves)

    def document(self) -> dict[str, Any]:
        """The definition as JSON, with all defaults, so that it stays what it is when those change."""
        return {**_document(self.tree), "cooldown": span_text(self.cooldown)}


class Draft(BaseModel):
    """A rule as people write it: severity and state, and beside them its definition."""

    model_config = ConfigDict(extra="allow", frozen=True)

    severity: Severity = Field(default=Severity.MEDIUM, description="`low`, `medium`, `high` or `critical`")
    state: RuleState = Field(default=RuleState.ON, description="`off`, `test` (nobody is told) or `on`")

    @property
    def definition(self) -> Definition:
        """What it looks for."""
        return define(self.model_extra or {})


def draft(given: Mapping[str, Any]) -> Draft:
    """Read a rule as people write it.

    Raises:
        UsageError: names each field that is wrong, and what it may be.
    """
    try:
        made = Draft.model_validate(given)
    except ValidationError as error:
        raise _refused(error, "") from None
    define(made.model_extra or {})
    return made


def define(given: Mapping[str, Any]) -> Definition:
    """Read a definition: a pattern with its parameters, or `all`, `any` and `not` of several; and a cooldown.

    Raises:
        UsageError: names each field that is wrong, and what it may be.
    """
    rest = dict(given)
    cooldown = _length(rest.pop("cooldown", COOLDOWN), "cooldown")
    definition = Definition(_tree(rest, ""), cooldown)
    if len(definition.leaves) > _MOST_LEAVES:
        raise UsageError(f"a rule has at most {_MOST_LEAVES} conditions, and this one has {len(definition.leaves)}")
    if definition.lookback > LONGEST:
        raise UsageError(
            f"windows and cooldown reach back {definition.lookback}, and {LONGEST.days} days are the most",
            hint="make the window or the cooldown shorter",
        )
    return definition


def _tree(given: Any, path: str, depth: int = 0) -> Tree:
    if depth > _DEEPEST:
        raise UsageError(f"conditions lie {_DEEPEST} deep in one another at most")
    if not isinstance(given, Mapping):
        raise UsageError(f"{path or 'the rule'} is {str(given)[:60]!r}: a condition is expected")
    if not any(word in given for word in _WORDS):
        return Single(_condition(given, path))
    within = _length(given.get("within", WITHIN), f"{path}within")
    if unknown := set(given) - {*_WORDS, "within"}:
        raise UsageError(f"{path}{min(unknown)} does not go with all, any and not", hint="put it into one of them")
    if ("all" in given) == ("any" in given):
        raise UsageError(f"{path or 'the rule'} needs all or any, one of them", hint="not only takes away from those")
    word = "all" if "all" in given else "any"
    members = list(_members(given[word], f"{path}{word}", depth))
    unless = list(_members(given.get("not", []), f"{path}not", depth))
    if not members:
        raise UsageError(f"{path}{word} is empty: conditions are expected")
    return Combined(word == "all", members, unless, within)


def _members(given: Any, path: str, depth: int) -> Iterator[Tree]:
    if not isinstance(given, Sequence) or isinstance(given, str):
        raise UsageError(f"{path} is {str(given)[:60]!r}: a list of conditions is expected")
    for number, member in enumerate(given):
        tree = _tree(member, f"{path}[{number}].", depth + 1)
        if any(not leaf.repeats for leaf in tree.leaves()):
            raise UsageError(f"{path}[{number}] is about single transactions, and only addresses can be combined")
        yield tree


def _condition(given: Mapping[str, Any], path: str) -> Condition:
    pattern = given.get("pattern")
    if not isinstance(pattern, str) or pattern not in PATTERNS:
        said = "is missing" if pattern is None else f"is {str(pattern)[:40]!r}"
        raise UsageError(f"{path}pattern {said}", hint=f"it is one of {', '.join(sorted(PATTERNS))}")
    try:
        return PATTERNS[pattern].model_validate(given)
    except ValidationError as error:
        raise _refused(error, path) from None


def _length(given: Any, path: str) -> timedelta:
    try:
        return length(given)
    except ValueError as fault:
        raise UsageError(f"{path} is {str(given)[:40]!r}: {fault}") from None


def _refused(error: ValidationError, path: str) -> UsageError:
    faults = []
    for fault in error.errors(include_url=False):
        name = path + ".".join(str(part) for part in fault["loc"])
        if fault["type"] == "extra_forbidden":
            faults.append(f"{name} does not exist here")
        else:
            faults.append(f"{name} is {str(fault['input'])[:60]!r}: {fault['msg'].removeprefix('Value error, ')}")
    return UsageError("; ".join(faults), hint="docs/rules.md lists every pattern with its parameters")


def _document(tree: Tree) -> dict[str, Any]:
    if isinstance(tree, Single):
        return tree.condition.model_dump(mode="json", exclude_none=True)
    word = "all" if tree.every else "any"
    written = {word: [_document(member) for member in tree.members], "within": span_text(tree.within)}
    return written | ({"not": [_document(member) for member in tree.unless]} if tree.unless else {})


def shares(definitions: Iterable[Definition]) -> set[float]:
    """The quantiles that amounts are compared with."""
    leaves = [leaf for definition in definitions for leaf in definition.leaves]
    bounds = [value for leaf in leaves for value in dict(leaf).values() if isinstance(value, Bound)]
    return {bound.quantile for bound in bounds if bound.quantile is not None}
