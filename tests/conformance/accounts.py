"""Sub-accounts, as the vendor's Python client finds them."""

import re
from collections.abc import MutableMapping
from typing import Any

import agentphone
import pytest

from tests.phones import at


class SubAccounts:
    def test_create_list_and_rename(self, client: Any, answers: list[dict[str, Any]]) -> None:
        assert client.sub_accounts.list() == []
        assert answers[-1] == {"data": [], "hasMore": False, "total": 0}
        made = [client.sub_accounts.create(name) for name in ("North", "South", "West")]
        assert [one["name"] for one in made] == ["North", "South", "West"]
        assert all(re.fullmatch(r"sub_[0-9a-z]+", one["id"]) for one in made)
        assert at(made[0]["createdAt"]) <= at(made[1]["createdAt"])
        assert client.sub_accounts.list() == made[::-1], "newest first"
        assert client.sub_accounts.list(limit=1, offset=1) == [made[1]]
        assert (answers[-1]["hasMore"], answers[-1]["total"]) == (True, 3)
        renamed = client.sub_accounts.update(made[0]["id"], name="Far north")
        assert renamed == {**made[0], "name": "Far north"}
        assert client.sub_accounts.list(offset=2) == [renamed]

    def test_delete(self, client: Any) -> None:
        kept, gone = client.sub_accounts.create("Kept"), client.sub_accounts.create("Gone")
        assert client.sub_accounts.delete(gone["id"]) == {"success": True}
        assert client.sub_accounts.list() == [kept]
        with pytest.raises(agentphone.NotFoundError):
            client.sub_accounts.delete(gone["id"])
        with pytest.raises(agentphone.NotFoundError):
            client.sub_accounts.update(gone["id"], name="Back")

    def test_in_a_sub_account(self, client: Any, request_headers: MutableMapping[str, str]) -> None:
        """The client has no option for the header, but its session takes it."""
        own = client.agents.create(name="Head office")
        branch = client.sub_accounts.create("Branch")
        request_headers["X-Sub-Account-Id"] = branch["id"]
        assert client.agents.list().data == []
        agent = client.agents.create(name="Branch office")
        number = client.numbers.buy(agent_id=agent.id)
        with pytest.raises(agentphone.NotFoundError):
            client.agents.get(own.id)
        assert client.sub_accounts.list() == []
        with pytest.raises(agentphone.AgentPhoneError) as nested:
            client.sub_accounts.create("Twig")
        assert nested.value.status == 400
        del request_headers["X-Sub-Account-Id"]
        assert client.agents.list().data == [own]
        with pytest.raises(agentphone.NotFoundError):
            client.numbers.get(number.id)
        with pytest.raises(agentphone.AgentPhoneError) as held:
            client.sub_accounts.delete(branch["id"])
        assert held.value.status == 409
