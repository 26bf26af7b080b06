#!/bin/sh
# SPDX-License-Identifier: MIT
# A picture of each of the two smallest models against diffusers', for implementations that take minutes for one of the pocket model.
CMOCKA_MESSAGE_OUTPUT=TAP exec "${B:-build}/tests/parity/test_parity" stages-a stages-b
