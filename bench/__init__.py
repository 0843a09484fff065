# SPDX-License-Identifier: Apache-2.0
"""The bench, what `make bench` runs: it talks to servers over HTTP and OVSDB only."""
