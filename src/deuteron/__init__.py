# SPDX-License-Identifier: Apache-2.0
"""Deuteron: the OpenStack Networking service over OVN."""
