"""Which functions run behind queues and clock, and how Chalice learns of them.

A function's code is ``handler(event, context)`` in ``chalicelib/events/<name>.py``: a plain function,
which Lambda finds by its name without app.py and without Chalice. Chalice needs to know the name
only, to package it; so it is given a stand-in of the same name, and neither the pages' function nor
``chalice package`` imports a single worker. What calls a function (queue, schedule), with which
batch size and concurrency, stands in infra/resources.yaml.
"""

from __future__ import annotations

from typing import Any

from chalice.app import Blueprint, Chalice

FUNCTIONS = ("tick", "plan", "send", "feedback", "imports", "notices")
"""One module, one Lambda function, one role and (but for tick) one queue each."""


def module_of(name: str) -> str:
    """The dotted name of a function's module."""
    return f"chalicelib.events.{name}"


def register(app: Chalice) -> None:
    """Make every function known to the app, so that ``chalice package`` builds it."""
    for name in FUNCTIONS:
        blueprint = Blueprint(module_of(name))
        blueprint.lambda_function(name=name)(handler)
        app.register_blueprint(blueprint)


def handler(event: Any, context: Any) -> Any:
    """Stand in for the handler of the same name in a function's own module; Lambda never calls this one."""
    raise NotImplementedError("the handler lives in the function's own module")
