"""assent: a platform for lawful bulk SMS."""

from typing import Final

__version__: Final = "0.1.0"
