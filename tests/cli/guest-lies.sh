# SPDX-License-Identifier: MIT
# What a guest prints is about itself only.
plays guest-lies 0 "All is well."
