"""Small requests to a model behind the stand-in."""

import time
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, SecretStr

from cds_service.llm import Ask, ToolSpec
from cds_service.llm.calls import Patience, ask_in_time
from cds_service.llm.clients import claude
from cds_service.settings import Settings

STRICT = ConfigDict(extra="forbid")
QUICK = Patience(min_call_s=0.2, base_s=0.02, cap_s=0.1)


class Labs(BaseModel):
    model_config = STRICT
    loinc: list[str] = Field(min_length=1, max_length=10)


class Word(BaseModel):
    model_config = STRICT
    word: Literal["yes", "no"]


def settings(standin, key, **more):
    return Settings(
        profile="demo", ANTHROPIC_API_KEY=SecretStr(key), model_base_url=standin.url, **more
    )


def model(standin, key, **more):
    from datetime import date

    return claude(settings(standin, key, **more), today=date(2026, 11, 23))


def ask(text="hello", **more):
    fields = {
        "system": "You answer. " + "Rules. " * 1200,
        "tools": (ToolSpec("labs", "Results by LOINC code.", Labs),),
        "answer": Word,
        "messages": ({"role": "user", "content": text},),
        "max_tokens": 200,
        "final": False,
    }
    return Ask(**(fields | more))


async def answer(standin, key, *, seconds=5.0, patience=QUICK, **more):
    """Ask once, with retries, and give the client back."""
    client = model(standin, key, **more)
    ends = time.monotonic() + seconds
    try:
        return await ask_in_time(
            client, ask(), left=lambda: ends - time.monotonic(), patience=patience
        )
    finally:
        await client.close()
