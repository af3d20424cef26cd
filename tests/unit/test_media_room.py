"""Room for texts with media: nobody takes what others need, however many numbers and accounts he has."""

import pytest

from ringback.flows.media_room import IN_ALL, OF_ACCOUNT, OF_FAMILY, OF_NUMBER, MediaRoom, Sender

pytestmark = pytest.mark.unit


def sender(number: int, account: int = 0, family: int | None = None) -> Sender:
    """The `number`-th number of an account."""
    return Sender(f"{account}/{number}", str(account), str(account if family is None else family))


def fill(room: MediaRoom, senders: list[Sender]) -> list[Sender]:
    """Let all enter, one after the other, until none has room any more; who entered."""
    entered: list[Sender] = []
    while found := [one for one in senders if room.enter(one)]:
        entered += found
    return entered


def test_a_number_and_an_account_have_few() -> None:
    room = MediaRoom()
    assert len(fill(room, [sender(0)])) == OF_NUMBER
    assert len(fill(room, [sender(1)])) == OF_NUMBER
    entered = fill(room, [sender(n) for n in range(40)])
    assert len(entered) + 2 * OF_NUMBER == OF_ACCOUNT == room.taken


@pytest.mark.parametrize("greedy", [1, 2, 3])
def test_sub_accounts_leave_room_to_a_sibling_and_to_strangers(greedy: int) -> None:
    room = MediaRoom()
    entered = fill(room, [sender(n, account, 99) for account in range(greedy) for n in range(10)])
    assert len(entered) < OF_FAMILY
    assert room.enter(sender(0, 50, 99))
    assert room.enter(sender(0, 51))


@pytest.mark.parametrize("greedy", [1, 4, 8])
def test_accounts_leave_room_to_a_newcomer(greedy: int) -> None:
    room = MediaRoom()
    entered = fill(
        room, [sender(n, family * 10 + n // 4, family) for family in range(greedy) for n in range(40)]
    )
    assert len(entered) < IN_ALL
    assert room.enter(sender(0, -1))


def test_a_newcomer_is_next_where_very_many_have_left_no_room() -> None:
    room = MediaRoom()
    greedy = [sender(n, account) for account in range(200) for n in range(4)]
    entered = fill(room, greedy)
    assert len(entered) == room.taken == IN_ALL
    newcomer = sender(0, -1)
    for waiting in (*(one for one in greedy if one.account_id == "0"), newcomer):
        assert not room.enter(waiting)
        room.wait(waiting)
    room.leave(sender(0, 0))
    assert room.next() == newcomer


def test_who_waits_longest_is_next_of_those_that_have_room() -> None:
    room = MediaRoom()
    fill(room, [sender(0)])
    for waiting in (sender(0), sender(1), sender(2)):
        room.wait(waiting)
    assert (room.next(), room.next(), room.next()) == (sender(1), sender(2), None)
    room.leave(sender(0))
    assert (room.next(), room.next(), room.ended) == (sender(0), None, 1)


def test_whoever_waits_again_goes_behind_the_others_and_whoever_enters_waits_no_longer() -> None:
    room = MediaRoom()
    for waiting in (sender(0), sender(1), sender(2), sender(0)):
        room.wait(waiting)
    assert room.enter(sender(2))
    assert [room.next(), room.next(), room.next()] == [sender(1), sender(0), None]


def test_accounts_are_watched_that_have_some_under_way_or_waiting() -> None:
    room = MediaRoom()
    room.wait(sender(0, 1))
    room.enter(sender(0, 2))
    plan = room.plan()
    assert [plan.watches(account) for account in "123"] == [True, True, False]
    plan.enter(sender(0, 3))
    assert [room.watches(account) for account in "123"] == [True, True, False]
    room.leave(sender(0, 2))
    room.next()
    assert not any(room.watches(account) for account in "123")
