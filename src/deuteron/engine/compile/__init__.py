# SPDX-License-Identifier: Apache-2.0
"""Rows to model, by pure functions: one file per API resource that packets depend on."""
