"""Where tasks come from: files, folders, URLs, tables and arrays become batches of rows.

``open_task`` reads everything once, strictly, before it returns; the ``Task`` it gives streams
batches as often as asked. A format is one reader module and one line of ``FORMATS``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from taskaff.stages.data.formats import FORMATS
from taskaff.stages.data.names import hub_address, split_argument

if TYPE_CHECKING:
    from taskaff.core.records.data import DataRequest, Task

__all__ = ["FORMATS", "hub_address", "open_task", "split_argument"]


def open_task(request: DataRequest) -> Task:
    """Scan and validate one data-set argument; raises ``DataError`` or ``UsageError``."""
    from taskaff.stages.data.opening import open_task as opened

    return opened(request, FORMATS)
