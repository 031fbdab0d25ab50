# SPDX-License-Identifier: ISC
"""What the tests of boards share; what they have in common with tests/peers comes from its lib."""
