"""The operations of the contract that are not built yet: 400 `NOT_IMPLEMENTED`. The list shrinks with every issue.

A 501 would make the TypeScript client send the request three times, hence 400 (contract: behaviour, "How the clients
call").
"""

from fastapi import APIRouter, Request, Response

from ringback import __version__
from ringback.doors.rest.caller import scoped
from ringback.doors.rest.errors import ApiError

NOT_BUILT: tuple[tuple[str, str, str], ...] = (
    ("POST", "/v1/location/refresh", "refreshLocations"),
    ("GET", "/v1/location/{phone_number}", "getLocation"),
    ("GET", "/v1/register", "getRegistration"),
    ("POST", "/v1/register", "registerA2P"),
    ("PATCH", "/v1/register", "updateRegistration"),
    ("GET", "/v1/register/status", "getRegistrationStatus"),
    ("GET", "/v1/sip-trunks", "listSipTrunks"),
    ("POST", "/v1/sip-trunks", "createSipTrunk"),
    ("GET", "/v1/sip-trunks/{trunk_id}", "getSipTrunk"),
    ("PATCH", "/v1/sip-trunks/{trunk_id}", "updateSipTrunk"),
    ("DELETE", "/v1/sip-trunks/{trunk_id}", "deleteSipTrunk"),
    ("POST", "/v1/verify/check", "checkVerification"),
    ("POST", "/v1/verify/send", "sendVerification"),
    ("POST", "/integrations/whatsapp/connect", "whatsappConnect"),
    ("GET", "/integrations/whatsapp/status", "whatsappStatus"),
    ("DELETE", "/integrations/whatsapp/{connection_id}", "whatsappDisconnect"),
    ("GET", "/integrations/whatsapp/{connection_id}/available-numbers", "whatsappAvailableNumbers"),
    ("POST", "/integrations/whatsapp/{connection_id}/numbers", "whatsappConnectNumber"),
    ("GET", "/integrations/whatsapp/{connection_id}/templates", "whatsappListTemplates"),
    ("POST", "/integrations/whatsapp/{connection_id}/templates", "whatsappCreateTemplate"),
    ("DELETE", "/integrations/whatsapp/{connection_id}/templates", "whatsappDeleteTemplate"),
)
NOT_BUILT_WITHOUT_KEY: tuple[tuple[str, str, str], ...] = (
    ("POST", "/v0/agent/sign-up", "signUp"),
    ("POST", "/v0/agent/verify", "verifySignUp"),
)


_WHAT = {
    "/v1/register": "registration is",
    "/v1/sip-trunks": "SIP trunks are",
    "/v1/verify": "verification is",
    "/v1/location": "location is",
    "/integrations/whatsapp": "WhatsApp is",
    "/v0/agent": "sign-up is",
}
"""What a refusal is about, by how the path begins."""


async def _refuse(request: Request) -> Response:
    path = request.url.path
    what = next(told for start, told in _WHAT.items() if path.startswith(start))
    told = f"{what} not built yet in Ringback {__version__}; its README says what is"
    raise ApiError(400, "NOT_IMPLEMENTED", told)


async def _refuse_a_caller(request: Request) -> Response:
    await scoped(request, request.headers.get("x-sub-account-id", ""))
    return await _refuse(request)


def build_router() -> APIRouter:
    """Plain routes for all of the above, in no document: FastAPI's own would be half of its time at a start."""
    router = APIRouter()
    for method, path, _ in NOT_BUILT:
        router.add_route(path, _refuse_a_caller, methods=[method], include_in_schema=False)
    for method, path, _ in NOT_BUILT_WITHOUT_KEY:
        router.add_route(path, _refuse, methods=[method], include_in_schema=False)
    return router
