"""PostgreSQL as the system of record: named queries, migrations, epochs, the embedded server."""

from assent.store.epoch import Epoch, is_alive
from assent.store.listen import Subscription
from assent.store.migrate import migrate
from assent.store.pool import Store, Transaction
from assent.store.queries import Queries

__all__ = ["Epoch", "Queries", "Store", "Subscription", "Transaction", "is_alive", "migrate"]
