"""Tenant scope on every query: each statement on a customer's table names the account that it is for.

What goes by primary key needs no test: such a key starts with the account.
"""

import ast
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import (
    Alias,
    ColumnElement,
    Delete,
    FromClause,
    Join,
    Select,
    Table,
    Update,
    and_,
    bindparam,
    delete,
    or_,
    select,
    update,
)
from sqlalchemy.sql import operators, visitors
from sqlalchemy.sql.elements import BinaryExpression, BindParameter, BooleanClauseList

import ringback
from ringback.storage.schema import accounts, api_keys, messages, numbers
from ringback.storage.statements import Statement
from tests.unit.house.loaded import modules

pytestmark = pytest.mark.unit

OF_ALL_ACCOUNTS = {
    "ringback.accounts.keys._FIRST_ACCOUNT": "the operator's own account",
    "ringback.calls.store._WAITING": "calls that no voice host has taken, whoever makes them",
    "ringback.calls.store._OF_HOST": "the calls that a voice host holds, whoever's",
    "ringback.calls.store._LIVING": "how many calls live, which /metrics counts",
    "ringback.calls.store._LOST": "calls whose voice host is dead, whoever's",
    "ringback.calls.store._ERASING": "recordings whose file is to go, whoever's",
    "ringback.calls.store._OLD_RECORDINGS": "recordings that are kept no longer, whoever's",
    "ringback.calls.store._OLDEST_RECORDED": "when the next recording of anybody is kept no longer",
    "ringback.compliance.store._EARLIER": "whoever of an account, its parent and its sub-accounts had a number before",
    "ringback.events.jobs._WITH_EVENTS": "accounts whose oldest events may be forgotten",
    "ringback.feedback.service._NEWEST": "the operator reads what everybody told",
    "ringback.numbers.store._OPEN_ORDERS": "orders whose request is dead, whoever made them",
    "ringback.numbers.store._EXPIRED": "numbers that expire now, whoever holds them",
    "ringback.numbers.store._NEXT_EXPIRY": "when the next number of anybody expires",
    "ringback.storage.turns._READY_OF_LANE": "a lane is one account's",
    "ringback.storage.repacing._PUT_OFF": "a lane is one account's",
    "ringback.storage.paces._AFRESH": "a carrier has other paces for everybody",
    "ringback.storage.expiry._EXPIRED": "texts whose validity has passed, whoever sent them",
    "ringback.storage.expiry._NEXT_EXPIRY": "when the next validity of anybody's text passes",
    "ringback.storage.queues._FIRST": "a lane is one account's",
    "ringback.storage.outbox._LEASES_OVER": "work that died, whoever it was for",
    "ringback.webhooks.store._SWITCHED_OFF": "endpoints that are switched off, whoever's, for the operator",
    "ringback.storage.idempotency._EXPIRED": "answers older than a day, whoever asked",
    "ringback.storage.idempotency._ABANDONED": "keys whose request is dead, whoever made it",
}
"""Statements of workers, which serve everybody, and what they look for."""
SOURCE = Path(ringback.__file__).parent
DEFINITIONS = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)


def statements() -> dict[str, Statement]:
    """Every statement by the name under which its module keeps it."""
    found: dict[int, tuple[str, Statement]] = {}
    for module in modules():
        for name, value in vars(module).items():
            for path, statement in _inside(value, f"{module.__name__}.{name}"):
                found.setdefault(id(statement), (path, statement))
    return dict(found.values())


def _inside(value: object, path: str) -> Iterator[tuple[str, Statement]]:
    if isinstance(value, Statement):
        yield path, value
    elif isinstance(value, dict):
        for key, inner in value.items():
            yield from _inside(inner, f"{path}[{key!r}]")
    elif isinstance(value, (tuple, list)):
        for index, inner in enumerate(value):
            yield from _inside(inner, f"{path}[{index}]")


def unscoped(clause: Any) -> list[str]:
    """The customers' tables that a statement, or one inside it, reads or writes for whichever account."""
    return [
        name
        for node in visitors.iterate(clause)
        if isinstance(node, (Select, Update, Delete))
        for name in _unscoped_here(node)
    ]


def _unscoped_here(node: Any) -> Iterator[str]:
    conditions = list(_all_of(node.whereclause))
    sources: list[FromClause] = []
    for source in node.get_final_froms() if isinstance(node, Select) else [node.table]:
        sources += _apart(source, conditions)
    owners = {source: columns for source in sources if (columns := _owner_columns(source))}
    equal = [
        (condition.left, condition.right)
        for condition in conditions
        if isinstance(condition, BinaryExpression) and condition.operator is operators.eq
    ]
    named: list[Any] = []  # account columns whose value is given, or is that of one whose value is given
    for _ in range(len(owners) + 1):
        for left, right in (*equal, *[(right, left) for left, right in equal]):
            if isinstance(right, BindParameter) or any(right is column for column in named):
                named.append(left)
    for source, columns in owners.items():
        if not any(one is column for one in named for column in columns):
            yield _table_of(source).name


def _apart(source: FromClause, conditions: list[Any]) -> list[FromClause]:
    if not isinstance(source, Join):
        return [source]
    conditions += _all_of(source.onclause)
    return _apart(source.left, conditions) + _apart(source.right, conditions)


def _all_of(condition: ColumnElement[Any] | None) -> Iterator[ColumnElement[Any]]:
    """The conditions that must all hold."""
    if isinstance(condition, BooleanClauseList) and condition.operator is operators.and_:
        for one in condition.clauses:
            yield from _all_of(one)
    elif condition is not None:
        yield condition


def _table_of(source: FromClause) -> Any:
    return source.element if isinstance(source, Alias) else source


def _owner_columns(source: FromClause) -> list[Any]:
    """The columns one of which must be given; none for what is nobody's."""
    table = _table_of(source)
    if not isinstance(table, Table):
        return []
    if table.name == accounts.name:
        return [source.c.id, source.c.parent_id]
    first = next(iter(table.primary_key.columns), None)
    return [source.c.account_id] if first is not None and first.name == "account_id" else []


def test_every_statement_names_its_account() -> None:
    found = statements()
    assert len(found) > 40
    wrong = {name: tables for name, statement in found.items() if (tables := unscoped(statement._clause))}
    assert {name: tables for name, tables in wrong.items() if name not in OF_ALL_ACCOUNTS} == {}
    assert OF_ALL_ACCOUNTS.keys() - wrong.keys() == set(), "these name their account by now"


OWN = messages.c.account_id == bindparam("account_id")
SAME = messages.c.account_id == numbers.c.account_id
BOTH = messages.join(numbers, and_(SAME, messages.c.number_id == numbers.c.id))
OTHER = messages.alias("other")


@pytest.mark.parametrize(
    ("statement", "tables"),
    [
        (select(messages).where(OWN), []),
        (select(messages), ["messages"]),
        (select(messages).where(messages.c.id == bindparam("id")), ["messages"]),
        (select(messages).where(or_(OWN, messages.c.id == bindparam("id"))), ["messages"]),
        (select(messages).where(and_(OWN, messages.c.at > 0)), []),
        (select(messages).where(messages.c.account_id != bindparam("account_id")), ["messages"]),
        (select(messages).select_from(BOTH).where(OWN), []),
        (select(messages).select_from(BOTH), ["messages", "numbers"]),
        (select(OTHER).where(OWN), ["messages"]),
        (select(messages).where(OWN, messages.c.id.in_(select(OTHER.c.id))), ["messages"]),
        (delete(messages).where(messages.c.id == bindparam("id")), ["messages"]),
        (update(messages).where(OWN).values(body=""), []),
        (select(accounts), ["accounts"]),
        (select(accounts).where(accounts.c.parent_id == bindparam("parent_id")), []),
        (select(api_keys), []),
    ],
)
def test_what_is_found(statement: Any, tables: list[str]) -> None:
    assert sorted(set(unscoped(statement))) == tables


def test_statements_are_made_when_their_module_is_loaded() -> None:
    """So that the test above sees them all, and none is compiled anew at each use."""
    late = [
        f"{path.relative_to(SOURCE)}: {maker}"
        for path in sorted(SOURCE.rglob("*.py"))
        if path.name != "statements.py"
        for maker in _late_makers(ast.parse(path.read_text(encoding="utf-8")))
    ]
    assert late == []


def _late_makers(module: ast.Module) -> set[str]:
    """Functions that make statements and are called by others, not just by the module itself."""
    functions = [
        node for node in ast.walk(module) if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef))
    ]
    calls = {id(function): _called(function) for function in functions}
    makers = {function.name for function in functions if "Statement" in calls[id(function)]}
    called = {name for function in functions for name in calls[id(function)]}
    at_loading = {name for node in module.body if not isinstance(node, DEFINITIONS) for name in _called(node)}
    return {maker for maker in makers if maker in called or maker not in at_loading}


def _called(node: ast.AST) -> set[str]:
    return {
        call.func.id
        for call in ast.walk(node)
        if isinstance(call, ast.Call) and isinstance(call.func, ast.Name)
    }
