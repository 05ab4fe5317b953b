"""Putting right what a killed process left: clips get their names, or their units come back."""

from __future__ import annotations

from collections.abc import Callable

from desktop.account.entries import Spend, Stranded
from desktop.account.journal import Journal
from desktop.account.locks import Owner
from desktop.account.models import Delivery
from desktop.files import disk_error, free_name, publish


def recover(journal: Journal, owner: Owner, note: Callable[[list[Spend]], None]) -> list[Delivery]:
    """Finish what was committed and release what was reserved by processes that have ended.

    Returns the clips that are now under their real names. A clip whose name is taken by another file gets a
    free one beside it. A clip that is gone is not counted; one on a disk that is not there now waits for it.
    `note` is told the spends that became final. The caller sees to it that one process at a time does this.
    """
    finished: list[Delivery] = []
    stranded = journal.stranded(owner.is_alive)
    for spend in stranded:
        if not spend.committed:
            _remove_unfinished(spend)
            journal.release([spend.spend_id])
            continue
        if spend.delivery is None:
            note(journal.deliver([spend.spend_id]))
            continue
        if not spend.delivery.final.parent.is_dir():
            continue
        delivery = _finish(spend.delivery)
        if delivery is None:
            journal.release([spend.spend_id])
            continue
        note(journal.deliver([spend.spend_id]))
        finished.append(delivery)
    still = {spend.owner for spend in journal.stranded(owner.is_alive)}
    for gone in {spend.owner for spend in stranded} - still:
        owner.forget(gone)
    return finished


def _finish(delivery: Delivery) -> Delivery | None:
    """Give the clip its real name, or a free one beside it; None where neither name leads to a file."""
    temporary, final = delivery.temporary, delivery.final
    if not temporary.exists():
        return delivery if final.exists() else None
    if final.exists() and temporary.samefile(final):
        temporary.unlink()  # killed between the two halves of a rename by hard link
        return delivery
    free = free_name(final)
    publish(temporary, free)
    return Delivery(temporary=temporary, final=free)


def _remove_unfinished(spend: Stranded) -> None:
    if spend.delivery is not None:
        try:
            spend.delivery.temporary.unlink(missing_ok=True)
        except OSError as error:
            raise disk_error(error, spend.delivery.temporary) from error
