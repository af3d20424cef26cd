"""The models that the settings name, one for each tier of the API."""

from ringback.llm.protocol import Endpoint
from ringback.settings import Settings

TIERS = ("turbo", "balanced", "max")


def endpoint_of(settings: Settings, tier: str) -> Endpoint | None:
    """Where the model of a tier is; None where no model is set. Tiers without one of their own share `llm_model`."""
    if settings.llm_url is None:
        return None
    of_tier = {"turbo": settings.llm_model_turbo, "max": settings.llm_model_max}
    return Endpoint(
        settings.llm_url,
        of_tier.get(tier) or settings.llm_model,
        settings.llm_key.get_secret_value() if settings.llm_key else None,
        settings.llm_timeout_s,
    )
