# SPDX-License-Identifier: Apache-2.0
"""The OVN engine: makes OVN's northbound database equal the model, and reads back what it sees.

Walk: `desired` says which rows a model object wants, `actual` knows which rows there are,
`difference` compares the two, `operations` writes the difference, `observed` reads the southbound
database, and `engine` is the loop's view of all that.

Invariant: every northbound row that is ours says so in its external_ids (see `names`); rows that
do not are left alone.
"""

from deuteron.engine.ovn.engine import OvnEngine

__all__ = ["OvnEngine"]
