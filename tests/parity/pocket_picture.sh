#!/bin/sh
# SPDX-License-Identifier: MIT
# One whole picture of the pocket model against diffusers', for implementations that take minutes for it.
CMOCKA_MESSAGE_OUTPUT=TAP exec "${B:-build}/tests/parity/test_parity" apple
