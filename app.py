"""The web application: routes of the surface that ``COUNTERSIGN_SURFACE`` names, on Chalice.

Events (ticks, queues) have handlers of their own in ``chalicelib.events``, of which Chalice learns
the names only; those functions never import this file.
"""

from __future__ import annotations

from chalice.app import Chalice

from chalicelib import settings, wiring
from chalicelib.events import registry
from chalicelib.web.surfaces import mount_surface

# Chalice would put a handler of its own on the logger of this name, past the format of all other lines.
app = Chalice(app_name="countersign", configure_logs=False)
mount_surface(app, settings.surface(), wiring.container)
registry.register(app)
