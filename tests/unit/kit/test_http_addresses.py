"""Where the outgoing client does not go, whatever name or spelling leads there."""

from collections.abc import Sequence

import pytest

from ringback.kit.http import AddressPolicy, OutgoingHttp, RequestFailed
from tests.unit.kit.endpoint import HEADERS, LOCAL, USUAL, client, endpoint

pytestmark = pytest.mark.unit


@pytest.mark.parametrize(
    "host",
    [
        "127.0.0.1", "127.0.0.2", "127.1", "2130706433", "0x7f.1", "0x7f000001", "0177.0.0.1", "017700000001",
        "0.0.0.0", "0", "[::]", "[::1]", "[::ffff:127.0.0.1]", "[::ffff:7f00:1]", "[::127.0.0.1]", "[0:0::1]",
        "[64:ff9b::127.0.0.1]", "[2002:7f00:1::]", "127.0.0.1.", "１２７.０.０.１", "127。0。0。1", "①②⑦.0.0.1",
        "localhost", "LOCALHOST",
    ],
)  # fmt: skip
async def test_no_spelling_leads_to_loopback(host: str) -> None:
    async with endpoint() as it, client(USUAL) as http:
        with pytest.raises(RequestFailed) as failure:
            await http.post(it.url(host, "/?token=secret"), b"{}", HEADERS, timeout_s=2)
        assert failure.value.kind == "refused_address"
        assert "secret" not in failure.value.message
    assert it.connections == 0


@pytest.mark.parametrize(
    "host", ["169.254.169.254", "[fe80::1]", "[fd00:ec2::254]", "100.100.100.200", "224.0.0.1"]
)
async def test_metadata_is_refused_even_on_loopback(host: str) -> None:
    async with client(LOCAL) as http:
        with pytest.raises(RequestFailed, match="which this server does not call") as failure:
            await http.post(f"http://{host}/latest/meta-data", b"", HEADERS, timeout_s=2)
    assert failure.value.kind == "refused_address"


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1",
        "::1",
        "::ffff:127.0.0.1",
        "0.0.0.0",
        "::",
        "169.254.169.254",
        "fe80::1%lo",
        "64:ff9b::7f00:1",
    ],
)
async def test_a_name_is_judged_by_its_address(address: str) -> None:
    async with endpoint() as it, client(USUAL, {"a.example": [address]}) as http:
        with pytest.raises(RequestFailed) as failure:
            await http.post(it.url("a.example"), b"{}", HEADERS, timeout_s=2)
    assert failure.value.kind == "refused_address"
    assert failure.value.message.startswith(f"a.example:{it.port} leads to a")
    assert it.connections == 0


async def test_a_name_with_several_refused_addresses() -> None:
    async with client(USUAL, {"a.example": ["127.0.0.1", "169.254.169.254"]}) as http:
        with pytest.raises(RequestFailed, match="leads to a loopback address") as failure:
            await http.post("http://a.example/", b"{}", HEADERS, timeout_s=2)
    assert failure.value.kind == "refused_address"


async def test_a_name_that_moves_between_check_and_connection() -> None:
    answers = iter([["93.184.215.14"], ["127.0.0.1"]])

    async def rebind(_host: str, _port: int) -> Sequence[str]:
        return next(answers)

    async with endpoint() as it:
        assert [USUAL.refusal(address) for address in await rebind("a.example", it.port)] == [None]
        http = OutgoingHttp(USUAL, lookup=rebind)
        with pytest.raises(RequestFailed) as failure:
            await http.post(it.url("a.example"), b"{}", HEADERS, timeout_s=2)
        await http.close()
    assert failure.value.kind == "refused_address"
    assert it.connections == 0


async def test_of_several_addresses_only_allowed_ones_are_tried() -> None:
    policy = AddressPolicy(loopback_allowed=True, private_allowed=False)
    names = {"a.example": ["10.255.255.1", "169.254.169.254", "0x7f.1", "127.0.0.1"]}
    async with endpoint() as it, client(policy, names) as http:
        assert (await http.post(it.url("a.example"), b"{}", HEADERS, timeout_s=2)).status == 200


async def test_the_socket_itself_is_the_last_gate(monkeypatch: pytest.MonkeyPatch) -> None:
    """Were the judgement of names and literals passed by, no socket would be opened all the same."""
    monkeypatch.setattr(OutgoingHttp, "_judge_literal", lambda *_: None)
    async with endpoint() as it, client(USUAL) as http:
        with pytest.raises(RequestFailed) as failure:
            await http.post(it.url(), b"{}", HEADERS, timeout_s=2)
    assert failure.value.kind == "refused_address"
    assert it.connections == 0


async def test_loopback_by_name_on_a_loopback_server() -> None:
    async with endpoint() as it, client(LOCAL) as http:
        assert (await http.post(it.url("localhost"), b"{}", HEADERS, timeout_s=2)).status == 200
