# SPDX-License-Identifier: MIT
# Who waits for whom: TIMEOUT= counts to the end, and guests that nobody makes room for are seen.
plays no-answer 1 "WRONG: gave up after TIMEOUT=3 seconds: the hypervisor did not answer 'snapshot'" TIMEOUT=3
plays two-wait 1 "WRONG: 2 guests wait for memory that no other frees" OVERCOMMIT=1 GUESTS=3 TIMEOUT=30
