"""An attestor process like the real one but for what it reads: books in memory. Run by the process tests."""

import asyncio

from interlock.attestors.process import serve
from interlock.attestors.settings import AttestorSettings
from tests.attestors.books import Books

if __name__ == "__main__":
    asyncio.run(serve(AttestorSettings.load(), {"asset": Books(), "payment": Books()}))
