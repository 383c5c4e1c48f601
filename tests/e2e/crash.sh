# kill -9 in the middle of an upload: nothing is visible, and the next start removes what is left.
. "$(dirname "$0")/lib.sh"
start_storage
noise 3000000 >"$WORK/kept"
upload "$WORK/kept"
kept=$ID

# bytes_in_data: what the data folder holds in files of 4 MiB or more, that is, of the upload only.
bytes_in_data() { find "$WORK/storage" -type f -size +4096k -printf '%b\n' | awk '{n += $1} END {print n * 512 + 0}'; }
received() { (($(bytes_in_data) >= 8000000)); }

say "an upload of 64 MiB of which 32 arrive, then nothing"
mkfifo "$WORK/pipe"
curl -sS -o /dev/null -T - "$STORAGE/v1/upload/cut.raw" <"$WORK/pipe" 2>"$WORK/curl.err" &
client=$!
exec 8>"$WORK/pipe"
noise 33554432 >&8
await 20 received || fail "the server writes nothing to its disk"
expect "images while uploading" "$(image_count)" 1

code=0
stop storage KILL || code=$?
expect "killed" "$code" 137
exec 8>&-
wait "$client" && fail "curl thinks that the upload was done"

say "after the restart"
start_storage
expect "images" "$(image_count)" 1
expect "bytes left of the upload" "$(bytes_in_data)" 0
http 200 "$STORAGE/v1/images/$kept/content"
same "$WORK/body" "$WORK/kept"
http 201 -T "$WORK/kept" "$STORAGE/v1/upload/again"

say "an upload whose client goes away keeps nothing either"
curl -sS -o /dev/null -T - "$STORAGE/v1/upload/gone.raw" <"$WORK/pipe" 2>"$WORK/curl.err" &
client=$!
exec 8>"$WORK/pipe"
noise 33554432 >&8
await 20 received || fail "the server writes nothing to its disk"
kill -KILL "$client"
wait "$client" 2>/dev/null || true
exec 8>&-
nothing_left() { (($(bytes_in_data) == 0)); }
await 20 nothing_left || fail "$(bytes_in_data) bytes are left"
expect "images" "$(image_count)" 2
