"""The route of static files; see :mod:`web.bundle` for their names."""

from __future__ import annotations

from chalicelib.domain.errors import NotFound
from chalicelib.web import bundle
from chalicelib.web.guard import Visit
from chalicelib.web.http import Answer
from chalicelib.web.routes import Routes

routes = Routes()


@routes.get("/static/{name}", public=True)
def static(visit: Visit, name: str) -> Answer:
    """A bundled file: found by its name in a fixed list, never by a path (N11)."""
    path = bundle.hashed()[1].get(name)
    if path is None:
        raise NotFound
    return Answer(
        body=path.read_text(encoding="utf-8"), type=bundle.TYPES[path.suffix], private=False,
        headers=(("Cache-Control", "public, max-age=31536000, immutable"),),
    )
