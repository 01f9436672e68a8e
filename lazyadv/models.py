"""Models of what users write: checked and frozen, with one line for what is wrong; and the values that they share."""

import contextlib
from typing import Annotated, Any, TypeVar

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError

from lazyadv.errors import UserError


class ParamsError(UserError):
    """params.yaml, or a flag, asks for something senseless; the message names the file and the key."""


def _without_repeats(values: tuple[Any, ...]) -> tuple[Any, ...]:
    if len(set(values)) < len(values):
        raise ValueError("a value stands twice; remove one")
    return values


without_repeats = AfterValidator(_without_repeats)
MOST_SIZE = 112  # pixels a side; four times that of MNIST, whose digits are enlarged beyond 28
Digit = Annotated[int, Field(ge=0, le=9)]
Pair = Annotated[tuple[Digit, Digit], Field(strict=False), without_repeats]
Positive = Annotated[float, Field(gt=0)]
Radius = Annotated[float, Field(ge=0)]
Count = Annotated[int, Field(ge=1, le=1_000_000)]
Size = Annotated[int, Field(ge=1, le=MOST_SIZE)]
Seed = Annotated[int, Field(ge=0, lt=2**32)]


class Strict(BaseModel):
    """Refuses unknown keys, other types and infinities; cannot be changed."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, allow_inf_nan=False)


M = TypeVar("M", bound=BaseModel)


def _place(error: Any, content: Any) -> str:
    """Where an error is, as the content names it: without what pydantic puts between (a key's mark, a union's tag)."""
    parts: list[str] = []
    *path, last = error["loc"] or ("",)
    for part in path:
        if isinstance(content, dict) and part not in content:
            continue
        parts.append(str(part))
        with contextlib.suppress(LookupError, TypeError):
            content = content[part]
    known = error["type"] == "missing" or not isinstance(content, dict) or last in content
    return ".".join([*parts, str(last)] if known else parts)


def _shown(value: Any) -> str:
    """A value in at most 60 characters."""
    try:
        return f"{value!r:.60}"
    except ValueError:  # Python spells no integer of thousands of digits
        return type(value).__name__


def checked(model: type[M], content: Any, where: str) -> M:
    """`content` as a `model`.

    Raises:
        ParamsError: one line; `where`, the key, what is wrong with it.
    """
    try:
        return model.model_validate(content)
    except ValidationError as invalid:
        errors = invalid.errors()  # of which a misspelt key tells more than the one that is missing for it
        error = next((each for each in errors if each["type"] == "extra_forbidden"), errors[0])
        key = _place(error, content)
        whole = error["type"] in ("missing", "extra_forbidden", "union_tag_invalid") or _shown(
            error["input"]
        ).startswith(("{", "[{"))
        got = "" if whole else f" (got {_shown(error['input'])})"
        message = {
            "missing": "is missing",
            "extra_forbidden": "is not a key that is known here; remove it or mend its spelling",
            "float_type": "is not a number",
            "too_short": "has too few values",
            "tuple_type": "is not a list",
            "model_type": "is not a block of keys and values",
            "union_tag_not_found": "does not say of which kind it is: its {discriminator} is missing",
            "union_tag_invalid": "{discriminator}: {tag!r} is none of {expected_tags}",
        }.get(error["type"], "")
        message = message.format_map(error.get("ctx", {})) or error["msg"].removeprefix("Value error, ")
        line = ": ".join(part for part in (where, key, message + got) if part)
        raise ParamsError(" ".join(line.split())) from None
