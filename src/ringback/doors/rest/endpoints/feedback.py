"""/v1/feedback"""

from fastapi import APIRouter, Request

from ringback.doors.rest.caller import Scoped
from ringback.doors.rest.errors import JsonBytes
from ringback.doors.rest.json_body import JsonRoute
from ringback.doors.rest.once import claim_of
from ringback.doors.rest.parts import parts_of
from ringback.feedback import service
from ringback.feedback.schemas import FeedbackSubmitted, SubmitFeedback
from ringback.storage.tx import Tx

router = APIRouter(route_class=JsonRoute, prefix="/v1/feedback", tags=["feedback"])


@router.post("", operation_id="submitFeedback", response_model=FeedbackSubmitted)
async def submit_feedback(request: Request, caller: Scoped, asked: SubmitFeedback) -> JsonBytes:
    def unit(tx: Tx) -> FeedbackSubmitted:
        return FeedbackSubmitted(success=True, id=service.submit(tx, caller.account_id, asked)["id"])

    return await parts_of(request).once.write(await claim_of(request, caller), caller, unit)
