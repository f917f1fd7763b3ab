"""A batch that holds something which can't be borne is halved until that stands alone; the others go on."""

from collections.abc import Awaitable, Callable, Sequence
from typing import TypeVar

from services.kit.postgres import is_fault

Item = TypeVar("Item")
Result = TypeVar("Result")


async def each_or_aside(
    items: Sequence[Item],
    apply: Callable[[Sequence[Item]], Awaitable[Result]],
    set_aside: Callable[[Item, Exception], Awaitable[Result]],
    propagates: Callable[[Exception], bool] = is_fault,
) -> list[Result]:
    """Apply all items, in their order and in as few parts as possible, a transaction of its own each; the item that
    can't be applied even alone is set aside. Gives what came of each part. What `propagates`, such as a fault, which a
    later try may outlive, is raised at once: what stood before it is applied by then."""
    try:
        return [await apply(items)]
    except Exception as error:
        if propagates(error) or not items:
            raise
        if len(items) == 1:
            return [await set_aside(items[0], error)]
    middle = len(items) // 2
    first = await each_or_aside(items[:middle], apply, set_aside, propagates)
    return first + await each_or_aside(items[middle:], apply, set_aside, propagates)
