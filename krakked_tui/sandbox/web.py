"""The application behind the sockets: who answers what, and what faults make of REST calls."""

import asyncio
import time
from collections.abc import Callable
from contextlib import suppress
from typing import Final

from krakked_tui.domain.errors import StorageError
from krakked_tui.sandbox import control_routes
from krakked_tui.sandbox.asgi import Receive, Scope, Send
from krakked_tui.sandbox.context import Context
from krakked_tui.sandbox.control_routes import CONTROL_PATH
from krakked_tui.sandbox.fault_rules import Layer
from krakked_tui.sandbox.fault_wire import NO_EFFECT, Effect, Ending, Outcome, effect_of, outcome
from krakked_tui.sandbox.faults import BAD_REQUEST, INTERNAL_ERROR, UNKNOWN_METHOD
from krakked_tui.sandbox.http_io import HTML, Http
from krakked_tui.sandbox.keys import fingerprint
from krakked_tui.sandbox.preparation import preparation
from krakked_tui.sandbox.request_log import Arrival, encoded_outline, public_params
from krakked_tui.sandbox.rest import PRIVATE_PATH, PUBLIC_PATH, Answer, Request, failure, read_params
from krakked_tui.sandbox.sockets import Connection

_SOCKETS = {"/v2": False, "/auth/v2": True}
"""WebSocket addresses, and whether they are the private one."""

_STRETCH_SECONDS: Final = 0.005
"""How long one call's work goes on before others get their turn."""


class Web:
    """The ASGI application of one sandbox.

    ``fail`` is called when the exchange cannot go on: an answer would be a lie.
    """

    def __init__(self, context: Context, fail: Callable[[StorageError], None]) -> None:
        self._context = context
        self._fail = fail

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request or connection."""
        if scope["type"] == "http":
            await self._http(Http(scope, receive, send))
        elif scope["path"] in _SOCKETS:
            private = _SOCKETS[scope["path"]]
            connection = Connection(self._context, scope, receive, send, private=private)
            try:
                # A server that stops cancels what is still open, and would report that as our failure.
                with suppress(asyncio.CancelledError):
                    await connection.serve()
            except* StorageError as errors:
                for error in errors.exceptions:
                    assert isinstance(error, StorageError), "tasks are not nested"
                    self._fail(error)
        else:
            await receive()
            await send({"type": "websocket.close", "code": 1000})

    async def _http(self, http: Http) -> None:
        if http.path.startswith(CONTROL_PATH):
            await self._control(http)
        elif http.path.startswith((PUBLIC_PATH, PRIVATE_PATH)):
            await self._rest(http)
        else:
            await http.reply(failure(UNKNOWN_METHOD), self._context.announced())

    async def _control(self, http: Http) -> None:
        why = control_routes.refusal(http.peer, http.headers)
        if why is not None:
            await http.reply(control_routes.error_body(why), self._context.announced(), 403)
            return
        body = await http.body()
        try:
            status, content = control_routes.answer(self._context, http.method, http.path, http.query, body)
        except StorageError as error:
            self._fail(error)
            status, content = 500, failure(INTERNAL_ERROR)
        await http.reply(content, self._context.announced(), status)

    async def _rest(self, http: Http) -> None:
        context, arrived = self._context, self._context.now()
        body = await http.body()
        if body is None:
            await http.reply(failure(BAD_REQUEST), context.announced())
            return
        request = Request(http.path, http.query, http.headers, body, http.peer)
        effect = NO_EFFECT
        if context.faults.watches(Layer.REST):
            effect = effect_of(context.faults.draw(Layer.REST, _places(request), arrived))
        if effect.latency:
            await asyncio.sleep(effect.latency)
        answer = Answer(b"")
        if effect.carried_out:
            await self._prepare(request)
            answer = self._answer(request, effect)
        params = answer.params if effect.carried_out else read_params(request)
        api_key = http.headers.get("api-key")
        clock = context.exchange.clock
        out = outcome(effect.ending, answer.body, clock.now(), clock.factor)
        context.log.add(
            Arrival(
                wall=arrived.wall,
                time=arrived.exchange,
                route="rest",
                method=request.method,
                key=None if api_key is None else fingerprint(api_key),
                params=public_params(params.values),
                status=out.status,
                errors=out.errors if effect.ending else answer.errors,
                answer=encoded_outline(answer.result),
                fault=effect.kinds,
                seconds=context.wall() - arrived.wall,
            )
        )
        await self._deliver(http, out)

    async def _prepare(self, request: Request) -> None:
        """Do the larger part of the work of a call, letting others have their turn."""
        until = time.monotonic() + _STRETCH_SECONDS
        for _ in preparation(self._context.exchange, request):
            if time.monotonic() > until:
                await asyncio.sleep(0)
                until = time.monotonic() + _STRETCH_SECONDS

    def _answer(self, request: Request, effect: Effect) -> Answer:
        context = self._context
        try:
            return context.api.answer(request, effect.view(context.exchange.clock))
        except StorageError as error:
            self._fail(error)
            return Answer(failure(INTERNAL_ERROR), (INTERNAL_ERROR,))

    async def _deliver(self, http: Http, out: Outcome) -> None:
        announced = self._context.announced()
        match out.ending:
            case Ending.REPLY:
                await http.reply(out.body, announced)
            case Ending.PAGE:
                await http.reply(out.body, announced, out.status or 200, HTML)
            case Ending.HANG:
                await http.hang()
            case Ending.RESET:
                await http.reset()
            case Ending.CUT:
                await http.cut(out.body, announced)


def _places(request: Request) -> tuple[str, ...]:
    """What faults can strike at, and what else is true of the call."""
    if request.method == "Time":
        return ("Time", "clock")
    return (request.method, "private") if request.path.startswith(PRIVATE_PATH) else (request.method,)
