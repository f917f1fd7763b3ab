"""A batch that holds something which can't be borne is halved until that stands alone; the others go on."""

from collections.abc import Awaitable, Callable, Sequence
from typing import TypeVar

from services.kit.postgres import is_fault

Item = TypeVar("Item")


async def each_or_aside(
    items: Sequence[Item],
    apply: Callable[[Sequence[Item]], Awaitable[int]],
    set_aside: Callable[[Item, Exception], Awaitable[None]],
) -> int:
    """The sum of what `apply` gives, a transaction of its own at each call. A fault, which a later try may outlive,
    propagates."""
    try:
        return await apply(items)
    except Exception as error:
        if is_fault(error) or not items:
            raise
        if len(items) == 1:
            await set_aside(items[0], error)
            return 0
    middle = len(items) // 2
    return sum([await each_or_aside(half, apply, set_aside) for half in (items[:middle], items[middle:])])
