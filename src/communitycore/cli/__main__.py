"""`python -m communitycore.cli`."""

from communitycore.cli import main

raise SystemExit(main())
