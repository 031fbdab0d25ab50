# SPDX-License-Identifier: ISC
"""What the tests from outside share: TAP, the relay under test, a raw client, a scripted gateway."""
