"""What people do about an alert: its state as a case, who looks into it, and what they write down."""

from __future__ import annotations

from datetime import datetime

from txhub.contract.alerts import CaseState
from txhub.errors import NotFound, Outdated, UsageError
from txhub.store.alerts import note, tell
from txhub.store.faults import translated
from txhub.store.pool import Pool
from txhub.store.sqlfiles import queries

LONGEST_NAME, LONGEST_NOTE = 100, 4000
_SQL = queries("alerts")


async def change_case(
    pool: Pool,
    alert_id: int,
    actor: str,
    *,
    case_state: CaseState | None = None,
    assignee: str | None = None,
    text: str | None = None,
    seen_at: datetime | None = None,
) -> None:
    """Change an alert's case, and write down in its history who did what.

    Args:
        pool: of a migrated database.
        alert_id: the alert.
        actor: who does it.
        case_state: the state to be in; None: as it is.
        assignee: who looks into it from now on; an empty text: nobody; None: as it is.
        text: a note.
        seen_at: its `updated_at` as the actor saw it; None: whatever happened since does not matter.

    Raises:
        UsageError: there is nothing to change, or a text is too long.
        NotFound: there is no such alert.
        Outdated: it changed after `seen_at`; nothing was changed.
        DatabaseUnavailable, DatabaseRefused, DiskFull: see `faults`; nothing was changed.
    """
    if case_state is None and assignee is None and not text:
        raise UsageError("there is nothing to change", hint="send case_state, assignee or note")
    _check_length("assignee", assignee, LONGEST_NAME)
    _check_length("note", text, LONGEST_NOTE)
    with translated():
        async with pool.acquire() as connection, connection.transaction():
            row = await connection.fetchrow(_SQL["case"], alert_id)
            if row is None:
                raise NotFound(f"there is no alert {alert_id}", hint="`txhub alerts list` or /v1/alerts has all")
            if seen_at is not None and row["updated_at"] != seen_at:
                raise Outdated(
                    f"alert {alert_id} changed at {row['updated_at'].isoformat()}", hint="read it again, then decide"
                )
            state = row["case_state"] if case_state is None else case_state.value
            who = row["assignee"] if assignee is None else assignee.strip() or None
            await connection.execute(_SQL["set_case"], alert_id, state, who)
            for event, before, after in (("case", row["case_state"], state), ("assigned", row["assignee"], who)):
                if before != after:
                    await note(connection, alert_id, actor, event, {"before": before, "after": after})
            if text:
                await note(connection, alert_id, actor, "noted", {"text": text})
            await tell(connection, [(alert_id, "case")])


def _check_length(name: str, text: str | None, longest: int) -> None:
    if text is not None and (len(text) > longest or "\0" in text):
        raise UsageError(f"{name} of {len(text)} characters", hint=f"send up to {longest}, without a null character")
