"""/v1/agents/{agent_id}/prompt-versions: what an agent's prompt was, and the way back"""

from fastapi import APIRouter, Request

from ringback.accounts import keys
from ringback.agents import prompts, service
from ringback.agents.prompts import Author
from ringback.agents.schemas import PromptVersion, PromptVersionList, PromptVersionSummary
from ringback.doors.rest.caller import DOOR, Caller, Scoped
from ringback.doors.rest.errors import JsonBytes
from ringback.doors.rest.json_body import JsonRoute
from ringback.doors.rest.once import claim_of, to_bytes
from ringback.doors.rest.parts import parts_of
from ringback.events.log import record
from ringback.storage.tx import Reads, Row, Tx

router = APIRouter(route_class=JsonRoute, prefix="/v1/agents/{agent_id}/prompt-versions", tags=["agents"])


def author_of(db: Reads, request: Request, caller: Caller) -> Author:
    """Who asks for a change, as the account may know it."""
    name = keys.name_of(db, caller.key_id, caller.account_id) if caller.key_id else None
    return Author(request.scope.get(DOOR, "api"), name)


@router.get("", operation_id="listPromptVersions", response_model=PromptVersionList)
async def list_prompt_versions(request: Request, caller: Scoped, agent_id: str) -> JsonBytes:
    def query(db: Reads) -> list[Row]:
        service.get(db, caller.account_id, agent_id)
        return prompts.newest_first(db, caller.account_id, agent_id)

    rows = await parts_of(request).store.read(query)
    data = [PromptVersionSummary.of(row, current=row is rows[0]) for row in rows]
    return JsonBytes(to_bytes(PromptVersionList(data=data)))


@router.get("/{version_id}", operation_id="getPromptVersion", response_model=PromptVersion)
async def get_prompt_version(request: Request, caller: Scoped, agent_id: str, version_id: str) -> JsonBytes:
    def query(db: Reads) -> PromptVersion:
        row = prompts.get(db, service.get(db, caller.account_id, agent_id), version_id)
        [newest] = prompts.newest_first(db, caller.account_id, agent_id, most=1)
        return PromptVersion.of(row, current=row["n"] == newest["n"])

    return JsonBytes(to_bytes(await parts_of(request).store.read(query)))


@router.post("/{version_id}/use", operation_id="usePromptVersion", response_model=PromptVersion)
async def use_prompt_version(request: Request, caller: Scoped, agent_id: str, version_id: str) -> JsonBytes:
    def unit(tx: Tx) -> PromptVersion:
        by = author_of(tx, request, caller)
        row, changed = service.take_back(tx, caller.account_id, agent_id, version_id, by)
        if changed:
            record(tx, caller.account_id, "agent.updated", agentId=agent_id)
        return PromptVersion.of(row, current=True)

    return await parts_of(request).once.write(await claim_of(request, caller), caller, unit)
