"""Policy: the decisions an operator may want to change, and the limits of every input."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from types import MappingProxyType

from mcp_memory.domain.memory import Scope, Type

CONTENT_BYTES_MAX = 32 * 1024
QUERY_BYTES_MAX = 32 * 1024
KEY_CHARS_MAX = 128
TAG_CHARS_MAX = 64
TAGS_MAX = 32
SOURCE_CHARS_MAX = 512
REASON_CHARS_MAX = 512
METADATA_BYTES_MAX = 8 * 1024
METADATA_DEPTH_MAX = 8
METADATA_NAME_CHARS_MAX = 128
METADATA_NAMES_MAX = 256
BATCH_BYTES_MAX = 256 * 1024
"""Content of one batch: embedding it takes seconds, and clients do not wait for minutes."""
IDS_MAX = 100
RESULTS_MAX = 50
TOKENS_MAX = 20_000


def _scopes() -> Mapping[Type, Scope]:
    user = {Type.PROFILE: Scope.USER, Type.PREFERENCE: Scope.USER}
    return MappingProxyType({type_: user.get(type_, Scope.PROJECT) for type_ in Type})


def _importance() -> Mapping[Type, float]:
    return MappingProxyType(
        {
            Type.PROFILE: 0.7,
            Type.PREFERENCE: 0.6,
            Type.TASK: 0.5,
            Type.FACT: 0.5,
            Type.PROCEDURE: 0.5,
            Type.EPISODE: 0.3,
            Type.SUMMARY: 0.5,
        }
    )


def _half_lives() -> Mapping[Type, timedelta]:
    days = {
        Type.PROFILE: 730,
        Type.PREFERENCE: 365,
        Type.TASK: 14,
        Type.FACT: 180,
        Type.PROCEDURE: 365,
        Type.EPISODE: 30,
        Type.SUMMARY: 90,
    }
    return MappingProxyType({type_: timedelta(days=n) for type_, n in days.items()})


@dataclass(frozen=True, kw_only=True, slots=True)
class Policy:
    """What is decided for the caller when it does not say.

    `scopes`: where each type goes; a project scope falls back to user without a project.
    `similar` is the cosine from which the older of two statements is reported.
    `retry_window`: the same statement again within it changes nothing.
    `echo_window`: what recall returned within it gains nothing by being stored again.
    """

    scopes: Mapping[Type, Scope] = field(default_factory=_scopes)
    importance: Mapping[Type, float] = field(default_factory=_importance)
    half_lives: Mapping[Type, timedelta] = field(default_factory=_half_lives)
    session_expiry: timedelta = timedelta(days=30)
    similar: float = 0.6
    similar_max: int = 3
    retry_window: timedelta = timedelta(minutes=10)
    echo_window: timedelta = timedelta(hours=1)
    confirm_window: timedelta = timedelta(minutes=10)
    model_wait_s: float = 20.0
