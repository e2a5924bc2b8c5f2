"""The shapes of paths: steps from a name, walked either way, or there and back."""

from dataclasses import replace
from typing import NamedTuple

from graphllm.query.plan import Entities, Follow, NodePlan, Step, Subtract, Union


class Return(NamedTuple):
    """A step from a name and back by the same relation: "what else the author of X wrote".

    Attributes:
        start: Where it begins, and what it leaves out.
        there: The step to what is shared.
        back: The whole walk, which comes back to the start too.
    """

    start: Entities
    there: Follow
    back: Follow


def turned(step: Step) -> Step:
    """Return a step walked the other way."""
    return replace(step, inverse=not step.inverse)


def there_and_back(start: Entities, step: Step) -> Subtract:
    """Return what shares with ``start`` the end of a step, and not ``start`` itself."""
    return Subtract(Follow(Follow(start, step), turned(step)), start)


def read_return(plan: NodePlan) -> Return | None:
    """Return how a plan walks there and back; ``None`` where it does not.

    Examples:
        >>> x = Entities(("x",))
        >>> read_return(there_and_back(x, Step("wrote", inverse=True))).there.step.relation
        'wrote'
        >>> read_return(Follow(x, Step("wrote"))) is None
        True
    """
    match plan:
        case Subtract(Follow(Follow(Entities() as start, step) as there, again) as back, own):
            is_back = own == start and again == turned(step) and step.condition is None
            return Return(start, there, back) if is_back else None
        case _:
            return None


def two_way(plan: Union) -> Follow | None:
    """Return the one step that a union of both directions of a relation stands for."""
    left, right = plan.left, plan.right
    if not (isinstance(left, Follow) and isinstance(right, Follow) and left.source == right.source):
        return None
    return left if turned(right.step) == left.step else None


class Link(NamedTuple):
    """One step of a chain.

    Attributes:
        follow: The step, and what it leaves.
        reached: The plan of what it reaches.
        others: It comes back, and leaves out where the chain began.
    """

    follow: Follow
    reached: NodePlan
    others: bool = False


def links(plan: NodePlan) -> list[Link]:
    """Return the steps of a chain from a name, the first first; none where it is no chain."""
    reached, others = plan, False
    if read_return(plan) is not None and isinstance(plan, Subtract):
        plan, others = plan.left, True
    follow = two_way(plan) if isinstance(plan, Union) else plan
    if not isinstance(follow, Follow) or follow.step.condition is not None:
        return []
    last = Link(follow, reached, others)
    if isinstance(follow.source, Entities):
        return [last]
    before = links(follow.source)
    return [*before, last] if before else []
