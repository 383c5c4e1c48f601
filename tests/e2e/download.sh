# Clients that download by range, resume and verify: curl, wget, aria2c.
. "$(dirname "$0")/lib.sh"
start_storage
noise 20000003 >"$WORK/image"
upload "$WORK/image"
url=$STORAGE/v1/images/$ID/content

say "headers that clients build on"
http 200 -I "$url"
expect "Accept-Ranges" "$(header Accept-Ranges)" bytes
expect "Content-Length" "$(header Content-Length)" 20000003
expect "ETag" "$(header ETag)" "\"sha256:$(sha 256 "$WORK/image")\""
digest=$(openssl dgst -sha256 -binary "$WORK/image" | base64)
[[ $(header Repr-Digest) == *"sha-256=:$digest:"* ]] || fail "Repr-Digest: $(header Repr-Digest)"
[[ $(header Digest) == *"SHA-256=$digest"* ]] || fail "Digest: $(header Digest)"
expect "Cache-Control" "$(header Cache-Control)" "private, immutable, no-transform"
[[ $(header Content-Disposition) == attachment* ]] || fail "no attachment"
[[ -n $(header Last-Modified) ]] || fail "no Last-Modified"

# slice OFFSET LENGTH: what a range must be.
slice() { tail -c +$(($1 + 1)) "$WORK/image" | head -c "$2" >"$WORK/slice" || true; }

say "curl -r"
while read -r range offset length; do
  http 206 -r "$range" "$url"
  slice "$offset" "$length"
  same "$WORK/body" "$WORK/slice"
  expect "Content-Range" "$(header Content-Range)" "bytes $offset-$((offset + length - 1))/20000003"
done <<'RANGES'
0-0 0 1
0-511 0 512
1048575-1048577 1048575 3
65536-131071 65536 65536
19999999- 19999999 4
19999999-99999999 19999999 4
-5 19999998 5
1-20000002 1 20000002
RANGES
http 416 -r 20000003- "$url"
expect "Content-Range" "$(header Content-Range)" "bytes */20000003"
expect_problem range-not-satisfiable

say "several ranges come as multipart/byteranges of exact length"
http 206 -r 0-9,1000000-1000009 "$url"
[[ $(header Content-Type) == multipart/byteranges* ]] || fail "$(header Content-Type)"
expect "length" "$(header Content-Length)" "$(stat -c %s "$WORK/body")"
grep -aq 'Content-Range: bytes 1000000-1000009/20000003' "$WORK/body" || fail "second part"

say "conditionals"
etag="\"sha256:$(sha 256 "$WORK/image")\""
http 304 -H "If-None-Match: $etag" "$url"
http 412 -H 'If-Match: "other"' "$url"
http 206 -H "If-Range: $etag" -r 0-9 "$url"
http 200 -H 'If-Range: "other"' -r 0-9 "$url"
http 304 -z "$(curl -sSI "$url" | tr -d '\r' | sed -n 's/^Last-Modified: //Ip')" "$url"

say "curl -C - goes on, and accepts a complete file"
head -c 7000000 "$WORK/image" >"$WORK/resumed"
curl -sSf -C - -o "$WORK/resumed" "$url"
same "$WORK/resumed" "$WORK/image"
curl -sS -C - -o "$WORK/resumed" "$url"
same "$WORK/resumed" "$WORK/image"

say "wget -c"
head -c 12345678 "$WORK/image" >"$WORK/content"
(cd "$WORK" && wget -q -c "$url")
same "$WORK/content" "$WORK/image"
(cd "$WORK" && wget -q -c "$url") || fail "wget -c of a complete file"

say "aria2c with four connections verifies by our Digest"
aria2c -q --no-conf -x4 -s4 -k1M -d "$WORK" -o aria --log="$WORK/aria.log" --log-level=info "$url"
same "$WORK/aria" "$WORK/image"
grep -q 'Verification finished successfully' "$WORK/aria.log" || fail "aria2c verified nothing"

say "a range across a deletion is the old bytes to the end"
curl -sSf --limit-rate 8M -o "$WORK/late" "$url" &
download=$!
await 20 test -s "$WORK/late" || fail "the download did not start"
http 204 -X DELETE "$STORAGE/v1/images/$ID"
wait "$download" || fail "the download was cut by the deletion"
same "$WORK/late" "$WORK/image"
http 404 "$url"
