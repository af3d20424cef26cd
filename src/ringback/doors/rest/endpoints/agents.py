"""/v1/agents"""

from fastapi import APIRouter, Request

from ringback.agents import service
from ringback.agents.schemas import (
    AgentListResponse,
    AgentNumberResponse,
    AgentResponse,
    AttachNumber,
    AttachNumberResponse,
    CreateAgent,
    DeleteAgentResponse,
    UpdateAgent,
)
from ringback.conversations import service as conversations
from ringback.conversations.schemas import AgentConversationList, AgentConversationSummary
from ringback.doors.rest.caller import Scoped
from ringback.doors.rest.endpoints.agent_prompts import author_of
from ringback.doors.rest.endpoints.success import Success
from ringback.doors.rest.errors import JsonBytes
from ringback.doors.rest.json_body import JsonRoute
from ringback.doors.rest.once import claim_of, to_bytes
from ringback.doors.rest.paging import Limit100, Offset, within_store
from ringback.doors.rest.parts import parts_of
from ringback.events.log import record
from ringback.flows.attach_number import attach, delete_agent, detach
from ringback.flows.change_agent import change_agent
from ringback.numbers import store as numbers
from ringback.storage.tx import Reads, Row, Tx

router = APIRouter(route_class=JsonRoute, prefix="/v1/agents", tags=["agents"])


@router.get("", operation_id="listAgents", response_model=AgentListResponse)
async def list_agents(
    request: Request, caller: Scoped, limit: Limit100 = 20, offset: Offset = 0
) -> JsonBytes:
    start = within_store(offset)

    def query(db: Reads) -> tuple[list[AgentResponse], int]:
        rows = service.page(db, caller.account_id, limit=limit, offset=start)
        own = numbers.of_agents(db, caller.account_id, rows)
        data = [AgentResponse.of(row, own[row["id"]]) for row in rows]
        return data, service.count(db, caller.account_id)

    data, total = await parts_of(request).store.read(query)
    return JsonBytes(to_bytes(AgentListResponse(data=data, total=total, has_more=start + len(data) < total)))


def _detail(db: Reads, row: Row) -> AgentResponse:
    return AgentResponse.of(row, numbers.of_agent(db, row["account_id"], row["id"]))


@router.post("", operation_id="createAgent", response_model=AgentResponse)
async def create_agent(request: Request, caller: Scoped, asked: CreateAgent) -> JsonBytes:
    def unit(tx: Tx) -> AgentResponse:
        row = service.create(tx, caller.account_id, asked, author_of(tx, request, caller))
        record(tx, caller.account_id, "agent.created", agentId=row["id"])
        return AgentResponse.of(row, [])

    return await parts_of(request).once.write(await claim_of(request, caller), caller, unit)


@router.get("/{agent_id}", operation_id="getAgent", response_model=AgentResponse)
async def get_agent(request: Request, caller: Scoped, agent_id: str) -> JsonBytes:
    detail = await parts_of(request).store.read(
        lambda db: _detail(db, service.get(db, caller.account_id, agent_id))
    )
    return JsonBytes(to_bytes(detail))


@router.patch("/{agent_id}", operation_id="updateAgent", response_model=AgentResponse)
async def update_agent(
    request: Request, caller: Scoped, agent_id: str, asked: UpdateAgent | None = None
) -> JsonBytes:
    def unit(tx: Tx) -> AgentResponse:
        by = author_of(tx, request, caller)
        return _detail(tx, change_agent(tx, caller.account_id, agent_id, asked or UpdateAgent(), by))

    return JsonBytes(to_bytes(await parts_of(request).store.write(unit, account=caller.account_id)))


@router.delete("/{agent_id}", operation_id="deleteAgent", response_model=DeleteAgentResponse)
async def remove_agent(request: Request, caller: Scoped, agent_id: str) -> JsonBytes:
    row = await parts_of(request).store.write(
        lambda tx: delete_agent(tx, caller.account_id, agent_id), account=caller.account_id
    )
    return JsonBytes(to_bytes(DeleteAgentResponse(success=True, id=row["id"], name=row["name"])))


@router.post("/{agent_id}/numbers", operation_id="attachNumberToAgent", response_model=AttachNumberResponse)
async def attach_number(request: Request, caller: Scoped, agent_id: str, asked: AttachNumber) -> JsonBytes:
    def unit(tx: Tx) -> AttachNumberResponse:
        number = attach(tx, caller.account_id, agent_id, asked.number_id)
        return AttachNumberResponse(agent_id=agent_id, number=AgentNumberResponse.of(number))

    return await parts_of(request).once.write(await claim_of(request, caller), caller, unit)


@router.delete(
    "/{agent_id}/numbers/{number_id}", operation_id="detachNumberFromAgent", response_model=Success
)
async def detach_number(request: Request, caller: Scoped, agent_id: str, number_id: str) -> JsonBytes:
    await parts_of(request).store.write(
        lambda tx: detach(tx, caller.account_id, agent_id, number_id), account=caller.account_id
    )
    return JsonBytes(to_bytes(Success(success=True)))


@router.get(
    "/{agent_id}/conversations", operation_id="listAgentConversations", response_model=AgentConversationList
)
async def list_agent_conversations(
    request: Request, caller: Scoped, agent_id: str, limit: Limit100 = 20, offset: Offset = 0
) -> JsonBytes:
    account_id, start = caller.account_id, within_store(offset)

    def query(db: Reads) -> tuple[list[Row], int]:
        service.get(db, account_id, agent_id)
        rows = conversations.page_of_agent(db, account_id, agent_id, limit=limit, offset=start)
        return rows, conversations.count_of_agent(db, account_id, agent_id)

    rows, total = await parts_of(request).store.read(query)
    data = [AgentConversationSummary.of(row) for row in rows]
    return JsonBytes(
        to_bytes(AgentConversationList(data=data, has_more=start + len(data) < total, total=total))
    )
