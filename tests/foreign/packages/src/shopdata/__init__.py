from .events import Catalog, Event, read_events
from .split import Split, leave_one_out

__all__ = ["Catalog", "Event", "Split", "leave_one_out", "read_events"]
