#!/bin/bash
# Readers of a registry alone, beside 200 slow clients, and beside them while one document is posted 100 times at
# once: answers, p50, p99 and the slowest. Same run, one after the other.
#   SECONDS_EACH=8   of each; in 20 s a client that has not sent its head is cut (header_timeout)
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
export STRATA_SOURCE=$here/../.. STRATA_BIN=${STRATA_BIN:-$here/../../build/release/bin} SECONDS_EACH=${SECONDS_EACH:-8}
exec bash "$STRATA_SOURCE/tests/e2e/registry_slow.sh"
