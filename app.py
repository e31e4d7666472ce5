# ruff: noqa: E402 - garbage is not looked for while the program is imported
"""The web application: routes of the surface that ``COUNTERSIGN_SURFACE`` names, on Chalice.

Events (ticks, queues) have handlers of their own in ``chalicelib.events``, of which Chalice learns
the names only; those functions never import this file.
"""

from __future__ import annotations

import gc

# What is imported stays: looking for garbage among it would cost a twelfth of a cold start, and again later.
gc.disable()

from chalice.app import Chalice

from chalicelib import settings, wiring
from chalicelib.events import registry
from chalicelib.web.surfaces import mount_surface

# Chalice would put a handler of its own on the logger of this name, past the format of all other lines.
app = Chalice(app_name="countersign", configure_logs=False)
mount_surface(app, settings.surface(), wiring.container)
registry.register(app)
gc.freeze()
gc.enable()
