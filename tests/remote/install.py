"""What a Butler server needs besides the tests' own environment, put beside it once.

On Python 3.11 the server's extra pins an older starlette than the gateway has. So its packages are installed into a folder of their own, which
only the server's process has on its path, before all others; lsst-daf-butler itself is the one that is tested.
"""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import subprocess
import sys
from importlib.metadata import requires
from pathlib import Path
from tempfile import mkdtemp

_BUILT = Path(__file__).parents[2] / ".gateway" / "butler-server"


def packages() -> Path:
    """The folder with the server's packages, installed with pip where they are not there yet."""
    wanted = sorted(
        requirement.partition(";")[0].strip()
        for requirement in requires("lsst-daf-butler") or ()
        if re.search(r"""extra == ["']server["']""", requirement) and not requirement.startswith("lsst-")
    )
    wanted.append(
        "safir>=9"
    )  # what is older has not what the server imports, and pip prefers a newer fastapi to it
    described = " ".join([*wanted, sys.version, sys.platform])
    folder = _BUILT / hashlib.sha256(described.encode()).hexdigest()[:16]
    if not folder.is_dir():
        _BUILT.mkdir(parents=True, exist_ok=True)
        made = Path(mkdtemp(dir=_BUILT))
        pip = [sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
        done = subprocess.run(
            [*pip, "--target", str(made), *wanted], capture_output=True, text=True, check=False
        )
        if done.returncode:
            shutil.rmtree(made)
            raise RuntimeError(f"the Butler server's packages cannot be installed:\n{done.stderr[-3000:]}")
        try:
            os.rename(made, folder)  # whoever is first: two runs may install at once
        except OSError:
            shutil.rmtree(made)
    return folder
