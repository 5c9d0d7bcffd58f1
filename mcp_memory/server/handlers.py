"""One handler for each request of the protocol: tools, resources, prompts, completions."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Any, TypeVar

import mcp.types as types

from mcp_memory.domain.memory import Caller
from mcp_memory.domain.requests import ForgetRequest
from mcp_memory.domain.results import ForgetResult
from mcp_memory.errors import InvalidInput
from mcp_memory.identity.resolver import current
from mcp_memory.runtime import Application
from mcp_memory.server import elicitation, progress, prompts, resources
from mcp_memory.server.connection import WATCHED_MAX, Request
from mcp_memory.server.middleware import encodable
from mcp_memory.server.scheduler import RequestScheduler
from mcp_memory.server.subscriptions import Subscriptions
from mcp_memory.tools import TOOLS, Tool
from mcp_memory.tools.base import EXPLAIN, Answer
from mcp_memory.tools.forget import FORGET, selection_of

if TYPE_CHECKING:
    from mcp_memory.service import MemoryService


_COMPLETIONS_MAX = 100
_Found = TypeVar("_Found")


class Handlers:
    """One method for each request of the protocol."""

    def __init__(
        self, application: Application, subscriptions: Subscriptions, scheduler: RequestScheduler
    ) -> None:
        self._application = application
        self._subscriptions = subscriptions
        self._scheduler = scheduler

    async def list_tools(
        self, request: Request, params: types.PaginatedRequestParams | None
    ) -> types.ListToolsResult:
        return types.ListToolsResult(tools=[_listed(tool) for tool in TOOLS])

    async def call_tool(
        self, request: Request, params: types.CallToolRequestParams
    ) -> types.CallToolResult | types.InputRequiredResult:
        tool = next((tool for tool in TOOLS if tool.name == params.name), None)
        if tool is None:
            known = ", ".join(tool.name for tool in TOOLS)
            raise InvalidInput("tool", params.name, f"there is no such tool; there are {known}")
        arguments = tool.arguments.read(params.arguments or {})
        with arguments.naming_errors():
            if _is_for_the_user(request, tool, arguments):
                forget = partial(self._forget, request)
                selection = selection_of(arguments)
                asking = self._scheduler.question(request.lifespan_context.turn)
                answer = await elicitation.ask(request, params, forget, selection, asking)
            else:
                lane = self._read if tool.read_only else self._write
                with progress.told(request) as told:
                    answer = await lane(request, lambda s, c: tool.call(s, c, arguments, told))
        if isinstance(answer, types.InputRequiredResult):
            return answer
        self._subscriptions.tell(answer.touched)
        return _result(answer, with_fields=arguments.get(EXPLAIN.name, False))

    async def list_resources(
        self, request: Request, params: types.PaginatedRequestParams | None
    ) -> types.ListResourcesResult:
        cursor = params.cursor if params else None
        if not cursor:
            listed, following = resources.first_page()
        else:
            listed, following = await self._read(request, lambda s, c: resources.page(s, c, cursor))
        return types.ListResourcesResult(resources=listed, next_cursor=following or None)

    async def list_templates(
        self, request: Request, params: types.PaginatedRequestParams | None
    ) -> types.ListResourceTemplatesResult:
        return types.ListResourceTemplatesResult(resource_templates=list(resources.TEMPLATES))

    async def read_resource(
        self, request: Request, params: types.ReadResourceRequestParams
    ) -> types.ReadResourceResult:
        contents = await self._read(request, lambda s, c: resources.read(s, c, str(params.uri)))
        return types.ReadResourceResult(contents=contents)

    async def subscribe(
        self, request: Request, params: types.SubscribeRequestParams
    ) -> types.EmptyResult:
        uri = str(params.uri)
        await self._read(request, lambda s, c: resources.check(s, c, uri))
        request.lifespan_context.watch(uri, current.get())
        return types.EmptyResult()

    async def unsubscribe(
        self, request: Request, params: types.UnsubscribeRequestParams
    ) -> types.EmptyResult:
        request.lifespan_context.watched.pop(str(params.uri), None)
        return types.EmptyResult()

    async def listen(
        self, request: Request, params: types.SubscriptionsListenRequestParams
    ) -> types.SubscriptionsListenResult:
        uris = params.notifications.resource_subscriptions or []
        if len(uris) > WATCHED_MAX:
            expected = f"watch at most {WATCHED_MAX} resources in one stream"
            raise InvalidInput("resourceSubscriptions", f"{len(uris)} resources", expected)
        await self._read(request, lambda s, c: [resources.check(s, c, uri) for uri in uris])
        return await self._subscriptions.listen(request, params)

    async def list_prompts(
        self, request: Request, params: types.PaginatedRequestParams | None
    ) -> types.ListPromptsResult:
        return types.ListPromptsResult(prompts=[p.listed() for p in prompts.PROMPTS])

    async def get_prompt(
        self, request: Request, params: types.GetPromptRequestParams
    ) -> types.GetPromptResult:
        return await self._read(
            request, lambda s, c: prompts.get(s, c, params.name, params.arguments)
        )

    async def complete(
        self, request: Request, params: types.CompleteRequestParams
    ) -> types.CompleteResult:
        ref, argument = params.ref, params.argument

        def values(service: MemoryService, caller: Caller) -> list[str]:
            if isinstance(ref, types.PromptReference):
                return prompts.complete(service, caller, ref.name, argument.name, argument.value)
            return resources.complete(service, caller, ref.uri, argument.value)

        found = await self._read(request, values)
        completion = types.Completion(
            values=found[:_COMPLETIONS_MAX], has_more=len(found) > _COMPLETIONS_MAX
        )
        return types.CompleteResult(completion=completion)

    async def _forget(self, request: Request, selection: ForgetRequest) -> ForgetResult:
        return await self._write(request, lambda s, c: s.forget(c, selection))

    async def _read(
        self, request: Request, use: Callable[[MemoryService, Caller], _Found]
    ) -> _Found:
        """Run a use of the service in a thread, as the caller of the request in hand."""
        caller, turn = current.get(), request.lifespan_context.turn
        return await self._scheduler.read(turn, lambda: use(self._application.service(), caller))

    async def _write(
        self, request: Request, use: Callable[[MemoryService, Caller], _Found]
    ) -> _Found:
        """The same for what may change something: in turn with the other clients."""
        caller, turn = current.get(), request.lifespan_context.turn
        return await self._scheduler.write(turn, lambda: use(self._application.service(), caller))


def _is_for_the_user(request: Request, tool: Tool, arguments: dict[str, Any]) -> bool:
    """Whether the user has to be asked, and can be."""
    if tool is not FORGET or not elicitation.can_ask(request):
        return False
    return elicitation.is_needed(selection_of(arguments))


def _listed(tool: Tool) -> types.Tool:
    return types.Tool(
        name=tool.name,
        title=tool.title,
        description=tool.description,
        input_schema=tool.arguments.schema(),
        _meta={"anthropic/searchHint": tool.hint} if tool.hint else {"anthropic/alwaysLoad": True},
        annotations=types.ToolAnnotations(
            title=tool.title,
            read_only_hint=tool.read_only,
            destructive_hint=tool.destructive,
            idempotent_hint=tool.idempotent,
            open_world_hint=False,
        ),
    )


def _result(answer: Answer, *, with_fields: bool) -> types.CallToolResult:
    content = types.TextContent(type="text", text=encodable(answer.text))
    fields = answer.values if with_fields else None
    return types.CallToolResult(
        content=[content], structured_content=fields, is_error=answer.is_error
    )
