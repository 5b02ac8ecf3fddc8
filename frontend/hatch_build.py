"""Builds the front end into the wheel and the sdist, so that whoever installs the product needs no Node."""

import shutil
import subprocess
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface


class FrontEnd(BuildHookInterface):  # type: ignore[type-arg]
    """Runs before hatchling collects files; an editable install is left to `./dev setup`."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Raises: RuntimeError when there is neither npm nor a front end already built."""
        if version == "editable":
            return
        root = Path(self.root)
        npm, sources, built = shutil.which("npm"), root / "frontend", root / "webapp" / "static" / "dist"
        if npm and (sources / "package-lock.json").exists():
            if not (sources / "node_modules").exists():
                subprocess.run([npm, "ci", "--silent", "--no-audit", "--no-fund"], cwd=sources, check=True)
            subprocess.run([npm, "run", "--silent", "build"], cwd=sources, check=True)
        elif not (built / "manifest.json").exists():
            raise RuntimeError("npm is not here and webapp/static/dist is not built")
        build_data["artifacts"].append("webapp/static/dist/**")
