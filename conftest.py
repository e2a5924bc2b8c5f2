"""What holds for every test, those in docstrings and in the README too."""

from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, settings

# Shape checks and shared machines make single examples slow; time is measured elsewhere.
settings.register_profile("graphllm", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("graphllm")


@pytest.fixture(scope="session", autouse=True)
def _isolated_cache(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Keep indexes and vectors out of the user's own cache."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("GRAPHLLM_CACHE", str(tmp_path_factory.mktemp("cache")))
        yield


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Skip what needs a GPU where there is none; torch is imported only to find that out."""
    on_gpu = [item for item in items if item.get_closest_marker("gpu")]
    if not on_gpu:
        return
    import torch

    if not torch.cuda.is_available():
        for item in on_gpu:
            item.add_marker(pytest.mark.skip(reason="needs a CUDA device"))
