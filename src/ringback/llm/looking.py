"""Whether a model is there: asked of the endpoint's list of models, which costs nothing."""

from collections.abc import Sequence

from ringback.kit import json_text
from ringback.kit.http import OutgoingHttp, RequestFailed
from ringback.llm.completions import authorization
from ringback.llm.protocol import Endpoint

_TIMEOUT_S = 5.0
_MAX_BYTES = 4_194_304


async def trouble_of(http: OutgoingHttp, endpoints: Sequence[Endpoint]) -> str | None:
    """What is wrong with the models of one endpoint, and what to do; None when they are there, or it doesn't say."""
    first = endpoints[0]
    try:
        answer = await http.get(
            f"{first.url}/models", authorization(first.key), timeout_s=_TIMEOUT_S, max_bytes=_MAX_BYTES
        )
    except RequestFailed as error:
        return f"{error.message}: set llm_url to where it is"
    if answer.status in (401, 403):
        return f"{first.url} does not take the key (it answered {answer.status}): set llm_key"
    if answer.status >= 500:
        return f"{first.url} answered {answer.status}: look at its server"
    missing = sorted(
        {endpoint.model for endpoint in endpoints} - (_names(answer.body) or {one.model for one in endpoints})
    )
    if missing:
        return f"{first.url} has no model {', '.join(missing)}: set llm_model"
    return None


def _names(body: bytes) -> set[str]:
    """The models in a list, with and without a tag; none where it is no such list."""
    try:
        listed = json_text.loads(body)["data"]
        names = {str(one["id"]) for one in listed}
    except (ValueError, KeyError, TypeError):
        return set()
    return names | {name.partition(":")[0] for name in names}
