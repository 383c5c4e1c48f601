# SIGTERM while a download is in flight: it completes, nothing new is taken, the exit code is 0.
. "$(dirname "$0")/lib.sh"
start_storage
noise 60000000 >"$WORK/image"
upload "$WORK/image"
url=$STORAGE/v1/images/$ID/content

curl -sSf --limit-rate 20M -o "$WORK/pulled" "$url" &
download=$!
await 20 test -s "$WORK/pulled" || fail "the download did not start"
kill -TERM "${PID[storage]}"
refuses() { ! curl -sf -o /dev/null --max-time 5 "$STORAGE/v1/images"; }
await 10 refuses || fail "new requests are still answered while draining"
alive storage || fail "the daemon did not wait for the download"
wait "$download" || fail "the download was cut"
same "$WORK/pulled" "$WORK/image"
code=0
wait "${PID[storage]}" || code=$?
unset 'PID[storage]'
expect "exit code" "$code" 0

say "an upload in flight completes as well"
start_storage
mkfifo "$WORK/pipe"
touch "$WORK/before" # not the pipe: writing to it makes it newer again
curl -sS -o "$WORK/body" -w '%{http_code}' -T - "$STORAGE/v1/upload/last.raw" <"$WORK/pipe" \
  >"$WORK/status" &
client=$!
exec 8>"$WORK/pipe"
head -c 10000000 "$WORK/image" >&8
arrived() { (($(find "$WORK/storage" -type f -newer "$WORK/before" -size +4096k | wc -l) > 0)); }
await 20 arrived || fail "the upload did not start"
kill -TERM "${PID[storage]}"
await 10 refuses || fail "new requests are still answered while draining"
tail -c +10000001 "$WORK/image" >&8
exec 8>&-
wait "$client"
expect "status" "$(cat "$WORK/status")" 201
check_digests stored "$WORK/image"
wait "${PID[storage]}" || fail "the exit code is not 0"
unset 'PID[storage]'
start_storage
expect "images" "$(image_count)" 2

say "an idle keep-alive connection does not hold the daemon"
address=${STORAGE#http://}
exec 9<>"/dev/tcp/${address%:*}/${address##*:}"
printf 'GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n' >&9
read -r -u 9 line
[[ $line == "HTTP/1.1 200"* ]] || fail "healthz: $line"
kill -TERM "${PID[storage]}"
ended() { ! alive storage; }
await 10 ended || fail "the daemon waits for an idle connection"
exec 9>&-
wait "${PID[storage]}" || fail "the exit code is not 0"
unset 'PID[storage]'
