"""Whether a round's end state is what its inputs ask for."""

from tests.chaos.scene import Scene
from tests.chaos.servers import Servers


async def check(servers: Servers, scene: Scene) -> list[str]:
    """Sentences, the first divergence first."""
    return []
