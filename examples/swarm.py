"""Twenty agents at once on one budget: a run within a run for each of them.

    bursar run --budget 5 --name swarm -- python examples/swarm.py --agents 20 --each 0.50

The swarm may spend the outer run's budget, each agent no more than its share; together the shares may be more than
there is. Whoever kills the outer run stops all of them. An agent here calls a model in turns until it has done its
tasks or its budget is gone; yours would be a coding agent.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import time

import httpx

OPENAI_MODEL, ANTHROPIC_MODEL = "gpt-5-mini", "claude-haiku-4-5"
BUDGET_GONE, STOPPED, BUSY = 402, (401, 403), (429, 503)


def swarm(agents: int, each: str, tasks: int) -> int:
    """Start the agents, each in a run of its own within ours; 0 when all have ended well."""
    running = []
    for number in range(agents):
        agent = [sys.executable, __file__, "--agent", str(number), "--tasks", str(tasks)]
        words = ["bursar", "run", "--quiet", "--budget", each, "--name", f"agent-{number:02}", "--", *agent]
        running.append(subprocess.Popen(words))  # noqa: S603 - nothing in it comes from outside
    return max(process.wait() for process in running)


def agent(number: int, tasks: int) -> int:
    """Do tasks until they are done or the budget is gone; says so in a line of JSON."""
    done, why = 0, "done"
    with httpx.Client(timeout=120) as client:
        while done < tasks:
            prompt = f"You are agent {number}. Do task {done} of {tasks}, and say what you did in a sentence."
            status = ask(client, prompt, anthropic=(number + done) % 2 == 0)
            if status == 200:
                done += 1
            elif status in BUSY:  # others hold what is left, for calls that will cost less
                time.sleep(1)
            else:
                why = {BUDGET_GONE: "budget gone"}.get(status, "stopped" if status in STOPPED else f"status {status}")
                break
    told = {"agent": number, "run": os.environ["BURSAR_RUN"], "done": done, "why": why}
    sys.stdout.write(json.dumps(told) + "\n")  # in one piece, because twenty write to the same place
    return 0 if why in {"done", "budget gone"} else 1


def ask(client: httpx.Client, prompt: str, *, anthropic: bool) -> int:
    """One call, to Anthropic's wire or OpenAI's, where the environment says; returns the answer's status."""
    messages = [{"role": "user", "content": prompt}]
    if anthropic:
        url = os.environ["ANTHROPIC_BASE_URL"] + "/v1/messages"
        headers = {"x-api-key": os.environ["ANTHROPIC_API_KEY"], "anthropic-version": "2023-06-01"}
        body = {"model": ANTHROPIC_MODEL, "max_tokens": 200, "messages": messages}
    else:
        url = os.environ["OPENAI_BASE_URL"] + "/chat/completions"
        headers = {"authorization": f"Bearer {os.environ['OPENAI_API_KEY']}"}
        body = {"model": OPENAI_MODEL, "max_completion_tokens": 200, "messages": messages}
    return client.post(url, headers=headers, json=body).status_code


def main() -> int:
    """Be the swarm, or one agent of it."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--agents", type=int, default=20, help="how many agents to start")
    parser.add_argument("--each", default="0.50", help="what each of them may spend, in dollars")
    parser.add_argument("--tasks", type=int, default=5, help="how many tasks each of them has")
    parser.add_argument("--agent", type=int, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if "BURSAR_RUN" not in os.environ:
        parser.error("start it with `bursar run --budget 5 -- python examples/swarm.py`")
    if given.agent is not None:
        return agent(given.agent, given.tasks)
    return swarm(given.agents, given.each, given.tasks)


if __name__ == "__main__":
    sys.exit(main())
