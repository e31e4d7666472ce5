"""``python -m infra.vendor`` writes the files, ``--check`` compares them with what is committed."""

from __future__ import annotations

import shutil
import subprocess
import sys

from infra import vendor


def main(arguments: list[str]) -> int:
    """0 when done or equal, 1 where committed files differ, 2 where the packages cannot be had.

    ``--check`` passes, and says so, on a machine without npm or without a way to the packages: nothing can
    be compared there, and the committed hashes are held by a test all the same.
    """
    checking = arguments == ["--check"]
    if arguments not in ([], ["--check"]):
        print(__doc__, file=sys.stderr)
        return 2
    if shutil.which("npm") is None:
        print("npm is not installed: nothing was compared" if checking else "`make vendor` needs Node and npm")
        return 0 if checking else 2
    try:
        if not checking:
            vendor.build(vendor.STATIC)
            print((vendor.STATIC / vendor.LIST).read_text("utf-8"), end="")
            return 0
        different = vendor.check()
    except (OSError, subprocess.CalledProcessError) as error:
        print(f"the packages cannot be had ({error}): {'nothing was compared' if checking else 'nothing was made'}")
        return 0 if checking else 2
    print(f"not as `make vendor` makes them: {', '.join(different)}" if different else "as `make vendor` makes them")
    return 1 if different else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
