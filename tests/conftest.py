"""What every test may use."""

from pathlib import Path

import pytest

MEDIA = Path(__file__).parent.parent.parent / "shared" / "media"


@pytest.fixture(scope="session")
def media() -> Path:
    """The folder of real phone files; the test is skipped where it is absent."""
    if not (MEDIA / "MANIFEST.tsv").exists():
        pytest.skip("../shared/media is not here")
    return MEDIA
