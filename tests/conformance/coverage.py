"""Every method of the vendor's client is either called by these tests, or answers that it isn't built yet."""

import inspect
import re
from pathlib import Path
from typing import Any

import agentphone
import pytest

NOT_BUILT = {
    "location": {"get", "refresh"},
    "registration": {"get", "get_status", "register", "update"},
    "sip_trunks": {"create", "delete", "get", "list", "update"},
    "verification": {"check_verification", "send_verification"},
    "whatsapp": {
        "whatsapp_available_numbers", "whatsapp_connect", "whatsapp_connect_number", "whatsapp_create_template",
        "whatsapp_delete_template", "whatsapp_disconnect", "whatsapp_list_templates", "whatsapp_status",
    },
}  # fmt: skip
ARGUMENTS: dict[str, Any] = {
    "phone_numbers": ["+14155550100"],
    "phone_number": "+14155550100",
    "to_number": "+14155550100",
    "email": "ann@example.com",
    "use_cases": ["customer_care"],
    "message_samples": ["Acme: your order has been shipped.", "Acme: your table is ready now."],
    "registration_type": "sole_proprietor",
    "description": "Acme tells its customers about their own orders.",
    "consent_flow": "People tick a box on our order form to be told by text.",
    "reaction": "love",
    "image_url": "https://example.com/x.png",
    "opt_in_image_url": "https://example.com/x.png",
}


def resource_methods(client: Any) -> dict[str, dict[str, Any]]:
    """The public methods of each resource of a client."""
    found: dict[str, dict[str, Any]] = {}
    for name, resource in vars(client).items():
        if name.startswith("_") or not hasattr(resource, "_client"):
            continue
        found[name] = {
            method: bound
            for method, bound in inspect.getmembers(resource, inspect.ismethod)
            if not method.startswith("_")
        }
    return found


class Coverage:
    def test_each_method_is_called_or_not_built(self, vendor_client: Any) -> None:
        exists = {(r, m) for r, methods in resource_methods(vendor_client).items() for m in methods}
        source = "".join(file.read_text(encoding="utf-8") for file in Path(__file__).parent.glob("*.py"))
        called = set(re.findall(r"\bclient\.(\w+)\.(\w+)\(", source))
        not_built = {(r, m) for r, methods in NOT_BUILT.items() for m in methods}
        assert called & not_built == set()
        assert called | not_built == exists
        assert len(exists) == 89

    def test_what_is_not_built_says_so(
        self, client: Any, vendor_client: Any, answers: list[dict[str, Any]]
    ) -> None:
        told: dict[str, tuple[int, str]] = {}
        for resource, methods in NOT_BUILT.items():
            for method in methods:
                wanted = inspect.signature(
                    resource_methods(vendor_client)[resource][method]
                ).parameters.values()
                arguments = {p.name: ARGUMENTS.get(p.name, "x1") for p in wanted if p.default is p.empty}
                call = getattr(getattr(client, resource), method)
                with pytest.raises(agentphone.AgentPhoneError) as refused:
                    list(call(**arguments))
                assert isinstance(refused.value.message, str)
                told[f"{resource}.{method}"] = (refused.value.status, answers[-1]["error"]["code"])
        assert len(told) == len(answers)
        assert told == dict.fromkeys(told, (400, "NOT_IMPLEMENTED"))
