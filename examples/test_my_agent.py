"""How to test an agent against Ringback: every fixture comes from its pytest plugin, nothing is imported for it.

They need `agentphone` and `pytest` beside Ringback, and are run by `pytest examples`.
"""

from typing import Any

from echo_bot import EchoBot


def test_the_bot_answers(ringback: Any, handset: Any) -> None:
    phone = handset(name="Ada")
    with EchoBot(ringback.client()) as bot:
        phone.text(bot.number, "Hello")
        answer = phone.wait_for()
    assert (answer.from_, answer.body) == (bot.number, "You said: Hello")


def test_a_bot_that_was_down_answers_when_it_is_back(ringback: Any, handset: Any, clock: Any) -> None:
    phone = handset()
    with EchoBot(ringback.client()) as bot:
        number = bot.number
    phone.text(number, "Anybody there?")
    with EchoBot(ringback.client()):
        clock.advance(hours=3)  # the webhook is tried again after 5 s, 30 s, 5 min, 30 min, 2 h
        phone.wait_for("You said: Anybody there?")


def test_the_carriers_trouble_is_not_the_persons(ringback: Any, handset: Any, network: Any) -> None:
    phone = handset()
    with EchoBot(ringback.client()) as bot:
        network.fault("throttled", count=2, to=phone.number)
        phone.text(bot.number, "Busy?")
        phone.wait_for("You said: Busy?")
    assert len(phone.inbox()) == 1


def test_somebody_who_texts_stop_is_left_alone(ringback: Any, handset: Any, clock: Any) -> None:
    phone = handset()
    with EchoBot(ringback.client()) as bot:
        phone.text(bot.number, "STOP")
        phone.text(bot.number, "Hello?")
        clock.advance(minutes=1)  # comes back when all that was under way has ended
    [confirmation] = phone.inbox()
    assert "You said" not in confirmation.body


def test_a_text_that_never_arrives_is_told(ringback: Any, handset: Any, clock: Any) -> None:
    client, phone = ringback.client(), handset(personality="unreachable")
    number = client.numbers.buy()
    client.messages.send(number_id=number.id, to_number=phone.number, body="Are you coming?")
    clock.advance(days=3)  # the network goes on trying that long
    [message] = client.numbers.get_messages(number.id).data
    assert message.status == "failed"
