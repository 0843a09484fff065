# SPDX-License-Identifier: Apache-2.0
"""`python -m deuteron` is the command `deuteron`."""

from deuteron.cli.main import app

app()
