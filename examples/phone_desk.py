"""An agent that can be called, over the vendor's own client: it shows what is said while it is, and keeps the recording.

It reads RINGBACK_URL (http://127.0.0.1:8642 unless given) and RINGBACK_API_KEY. The agent "Phone desk" and a number for
it are made where there are none:

    RINGBACK_API_KEY=$(cat ringback-data/first-key) .venv/bin/python examples/phone_desk.py
"""

import os
import sys
import time
from pathlib import Path
from typing import Any

from agentphone import AgentPhone, AgentPhoneError

NAME = "Phone desk"


def find_agent(client: AgentPhone) -> Any:
    """The agent, which a model speaks for; without one, Ringback's demo brain does."""
    for agent in client.agents.list(limit=100).data:
        if agent.name == NAME:
            return agent
    return client.agents.create(
        name=NAME,
        voice_mode="hosted",
        system_prompt="You answer the phone of a small bakery. Be brief and kind.",
        begin_message="Hello, this is the bakery.",
    )


def find_number(client: AgentPhone, agent: Any) -> str:
    for number in client.numbers.list(limit=100).data:
        if number.agent_id == agent.id:
            return str(number.phone_number)
    return str(client.numbers.buy(agent_id=agent.id).phone_number)


def follow(client: AgentPhone, call: Any) -> None:
    """Show a call from its first word to its end, and keep its recording: left the caller, right the agent."""
    print(f"{call.from_number} calls", flush=True)
    for event in client.calls.stream_transcript(call.id):
        told = event["data"]
        if event["event"] == "turn":
            print(f"  {told['role']}: {told['content']}", flush=True)
        elif event["event"] == "ended":
            print(f"  {told['status']}, {told['disconnectionReason']}", flush=True)
    if client.calls.get(call.id).recording_available:
        file = Path(f"{call.id}.wav")
        file.write_bytes(bytes(client.calls.get_recording(call.id)))
        print(f"  {file}", flush=True)


def main() -> None:
    url = os.environ.get("RINGBACK_URL", "http://127.0.0.1:8642")
    key = os.environ.get("RINGBACK_API_KEY") or sys.exit(
        "set RINGBACK_API_KEY=$(cat ringback-data/first-key)"
    )
    with AgentPhone(api_key=key, base_url=url) as client:
        try:
            agent = find_agent(client)
            print(f"{NAME} answers at {find_number(client, agent)}; Ctrl-C stops it", flush=True)
            while True:
                for call in client.agents.list_calls(agent.id, limit=5).data:
                    if call.status == "in-progress":
                        follow(client, call)
                time.sleep(0.2)
        except AgentPhoneError as error:
            sys.exit(f"{url}: {error}")
        except KeyboardInterrupt:
            pass


if __name__ == "__main__":
    main()
