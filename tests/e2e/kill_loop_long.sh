# The kill loop, for half an hour or so.
ROUNDS=1000 SEED=$(date +%s) exec bash "$(dirname "$0")/kill_loop.sh"
