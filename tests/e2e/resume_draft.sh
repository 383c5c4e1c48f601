# Resumable uploads of the IETF (draft-ietf-httpbis-resumable-upload-12, and as its shipped clients speak
# it), by curl: interim answers, a cut in mid-body, wrong offsets, lengths and digests.
. "$(dirname "$0")/lib.sh"
start_storage
UPLOADS=$STORAGE/v1/uploads
noise 33554501 >"$WORK/image.raw"
SIZE=$(stat -c %s "$WORK/image.raw")

# piece FIRST END: $WORK/piece, these bytes of the image; END is exclusive.
piece() { tail -c +$(($1 + 1)) "$WORK/image.raw" | head -c $(($2 - $1)) >"$WORK/piece" || true; }
# interim NAME: its values in the 104 heads of the last answer, one in a line.
interim() {
  tr -d '\r' <"$WORK/head" | awk -v name="${1,,}:" '
    /^HTTP\// { in104 = $2 == 104 }
    in104 && tolower(substr($0, 1, length(name))) == name { value = substr($0, length(name) + 1); sub(/^ +/, "", value); print value }'
}
# create STATUS CURL-ARGS...: sets URL, from the final answer, else from the interim one.
create() {
  http "$1" -X POST "${@:2}" "$UPLOADS"
  URL=$(interim Location | head -n 1)
  [[ $URL == "$UPLOADS/"* ]] || fail "no 104 with a Location: $(cat "$WORK/head")"
}
# append STATUS OFFSET COMPLETE CURL-ARGS...: PATCH of $WORK/piece.
append() {
  http "$1" -X PATCH -H 'Content-Type: application/partial-upload' -H "Upload-Offset: $2" \
    -H "Upload-Complete: $3" --data-binary "@$WORK/piece" "${@:4}" "$URL"
}
# offset OFFSET COMPLETE: what HEAD says.
offset() {
  http 204 -I "$URL"
  expect "Upload-Offset" "$(header Upload-Offset)" "$1"
  expect "Upload-Complete" "$(header Upload-Complete)" "$2"
  expect "Cache-Control" "$(header Cache-Control)" no-store
}
digest() { openssl dgst "-$1" -binary "$2" | base64 -w0; }
# whole: $WORK/body is the JSON of an image, which is ours.
whole() {
  check_digests stored "$WORK/image.raw"
  http 200 "$STORAGE/v1/images/$(json .id)/content"
  same "$WORK/body" "$WORK/image.raw"
}
# problem TYPE: one of those that the draft registers.
problem() {
  expect "media type" "$(header Content-Type)" application/problem+json
  expect "problem" "$(json .type)" "https://iana.org/assignments/http-problem-types#$1"
}

say "OPTIONS"
http 204 -X OPTIONS "$UPLOADS"
expect "Accept-Patch" "$(header Accept-Patch)" application/partial-upload
[[ $(header Upload-Limit) =~ max-size=[0-9]+ ]] || fail "Upload-Limit: $(header Upload-Limit)"

say "all in one request: 104 with the place, then what a plain upload is answered"
create 201 -H 'Upload-Complete: ?1' -H 'Content-Disposition: attachment; filename="one.raw"' \
  -H 'Want-Repr-Digest: sha-512=3, sha-256=10' --data-binary "@$WORK/image.raw"
expect "Upload-Complete" "$(header Upload-Complete)" "?1"
expect "Location" "$(header Location)" "$STORAGE/v1/images/$(json .id)"
expect "name" "$(json .name)" one.raw
expect "Repr-Digest" "$(header Repr-Digest)" \
  "sha-256=:$(digest sha256 "$WORK/image.raw"):, sha-512=:$(digest sha512 "$WORK/image.raw"):"
interim Upload-Limit | grep -q max-size || fail "no Upload-Limit in the 104"
whole
offset "$SIZE" "?1"
expect "Upload-Length" "$(header Upload-Length)" "$SIZE"

say "careful: an empty POST, then three appends"
create 201 -H 'Upload-Complete: ?0' -H "Upload-Length: $SIZE"
expect "Location again" "$(header Location)" "$URL"
expect "Upload-Complete" "$(header Upload-Complete)" "?0"
[[ -n $(header Upload-Limit) ]] || fail "no Upload-Limit"
offset 0 "?0"
expect "Upload-Length" "$(header Upload-Length)" "$SIZE"
piece 0 10000001
append 204 0 "?0"
expect "Upload-Complete" "$(header Upload-Complete)" "?0"
expect "no Location in the 104 of an append" "$(interim Location)" ""
piece 10000001 20000000
append 204 10000001 "?0"
offset 20000000 "?0"

say "another offset: 409, which says the right one"
for wrong in 0 19999999 20000001 "$SIZE"; do
  append 409 "$wrong" "?0"
  problem mismatching-upload-offset
  expect "expected" "$(json '."expected-offset"')" 20000000
  expect "provided" "$(json '."provided-offset"')" "$wrong"
  expect "Upload-Offset" "$(header Upload-Offset)" 20000000
done
offset 20000000 "?0"
piece 20000000 "$SIZE"
append 201 20000000 "?1"
expect "Upload-Complete" "$(header Upload-Complete)" "?1"
id=$(json .id)
whole

say "completed: nothing more, but the answer again"
before=$(image_count)
append 400 "$SIZE" "?1"
problem inconsistent-upload-length
: >"$WORK/piece"
append 410 "$SIZE" "?0"
problem completed-upload
append 201 "$SIZE" "?1"
expect "the same image" "$(json .id)" "$id"
expect "images" "$(image_count)" "$before"
offset "$SIZE" "?1"

say "appends need their media type and their fields"
create 201 -H 'Upload-Complete: ?0'
piece 0 100
http 415 -X PATCH -H 'Content-Type: application/octet-stream' -H 'Upload-Offset: 0' -H 'Upload-Complete: ?0' \
  --data-binary "@$WORK/piece" "$URL"
http 400 -X PATCH -H 'Content-Type: application/partial-upload' -H 'Upload-Complete: ?0' --data-binary "@$WORK/piece" "$URL"
http 400 -X PATCH -H 'Content-Type: application/partial-upload' -H 'Upload-Offset: 0' --data-binary "@$WORK/piece" "$URL"
for bad in 1 true '"?1"' ''; do append 400 0 "$bad"; done
for bad in -1 0.0 '?1' 1e3; do append 400 "$bad" "?0"; done
offset 0 "?0"

say "lengths that contradict each other end the upload"
append 400 0 "?1" -H 'Upload-Length: 101'
problem inconsistent-upload-length
http 404 -I "$URL"
http 400 -X POST -H 'Upload-Complete: ?1' -H 'Upload-Length: 99' --data-binary "@$WORK/piece" "$UPLOADS"
problem inconsistent-upload-length

say "cut in mid-body; what HEAD says then is where it goes on"
total() { curl -sSf "$STORAGE/metrics" | awk '$1 == "strata_upload_bytes_total" { print $2 }'; }
# Asking for the offset would take the upload over, so the metrics say when bytes have come.
received() { (($(total) > before + round * 4000000)); }
for round in 1 2 3; do
  before=$(total)
  create 201 -H 'Upload-Complete: ?0'
  cp "$WORK/image.raw" "$WORK/piece"
  curl -sS -o /dev/null --limit-rate 20M -X PATCH -H 'Content-Type: application/partial-upload' -H 'Upload-Offset: 0' \
    -H 'Upload-Complete: ?1' -T "$WORK/piece" "$URL" 2>"$WORK/curl.err" &
  client=$!
  await 20 received || fail "nothing arrives"
  if ((round < 3)); then
    kill -KILL "$client"
    wait "$client" 2>/dev/null || true
  fi # in the third round a newer request takes the upload over
  http 204 -I "$URL"
  at=$(header Upload-Offset)
  expect "Upload-Complete" "$(header Upload-Complete)" "?0"
  ((at > 0 && at < SIZE)) || fail "round $round: offset $at of $SIZE"
  piece "$at" "$SIZE"
  append 201 "$at" "?1"
  whole
  ((round < 3)) || wait "$client" || fail "the older request got no answer: $(cat "$WORK/curl.err")"
  say "round $round went on at $at"
done

say "the creation itself is cut; its 104 is all that the client has"
curl -sS -D "$WORK/cut.head" -o /dev/null --limit-rate 8M --max-time 1 -X POST -H 'Upload-Complete: ?1' \
  -T "$WORK/image.raw" "$UPLOADS" 2>/dev/null && fail "it was not cut"
URL=$(tr -d '\r' <"$WORK/cut.head" | sed -n 's/^Location: //Ip' | head -n 1)
http 204 -I "$URL"
at=$(header Upload-Offset)
((at > 0 && at < SIZE)) || fail "offset $at of $SIZE"
piece "$at" "$SIZE"
append 201 "$at" "?1"
whole

say "a Content-Digest that is not met moves nothing"
before=$(image_count)
create 201 -H 'Upload-Complete: ?0' -H "Upload-Length: $SIZE"
piece 0 12000000
append 422 0 "?0" -H "Content-Digest: sha-256=:$(digest sha256 "$WORK/image.raw"):"
expect_problem digest-mismatch
offset 0 "?0"
append 204 0 "?0" -H "Content-Digest: sha-256=:$(digest sha256 "$WORK/piece"):, sha-512=:$(digest sha512 "$WORK/piece"):"
piece 12000000 "$SIZE"
append 422 12000000 "?1" -H "Content-Digest: sha-512=:$(digest sha512 "$WORK/image.raw"):"
expect "Upload-Complete" "$(header Upload-Complete)" "?0"
offset 12000000 "?0"
append 400 12000000 "?1" -H 'Content-Digest: sha-256=:AAAA:'
offset 12000000 "?0"
append 201 12000000 "?1" -H "Content-Digest: sha-512=:$(digest sha512 "$WORK/piece"):"
whole
expect "images" "$(image_count)" $((before + 1))

say "a Repr-Digest that is not met ends the upload, and nothing is published"
before=$(image_count)
piece 0 1000000
create 422 -H 'Upload-Complete: ?1' -H "Repr-Digest: sha-256=:$(digest sha256 "$WORK/image.raw"):" \
  --data-binary "@$WORK/piece"
expect_problem digest-mismatch
expect "Upload-Complete" "$(header Upload-Complete)" "?1"
create 201 -H 'Upload-Complete: ?0' -H "Repr-Digest: sha-512=:$(digest sha512 "$WORK/piece"):"
append 204 0 "?0"
piece 0 5
append 422 1000000 "?1"
expect_problem digest-mismatch
expect "Upload-Complete" "$(header Upload-Complete)" "?1"
http 410 -I "$URL"
http 200 "$URL"
expect "state" "$(json .state)" failed
expect "images" "$(image_count)" "$before"
piece 0 "$SIZE"
create 201 -H 'Upload-Complete: ?0' -H "Repr-Digest: sha-512=:$(digest sha512 "$WORK/piece"):"
append 201 0 "?1"
whole

say "DELETE"
create 201 -H 'Upload-Complete: ?0'
piece 0 5000000
append 204 0 "?0"
http 204 -X DELETE "$URL"
http 404 -I "$URL"
append 404 5000000 "?0"
http 404 -X DELETE "$URL"

say "interop version 3: the opposite field, any media type"
create 201 -H 'Upload-Draft-Interop-Version: 3' -H 'Upload-Incomplete: ?1'
expect "version" "$(interim Upload-Draft-Interop-Version | head -n 1)" 3
expect "version" "$(header Upload-Draft-Interop-Version)" 3
expect "Upload-Incomplete" "$(header Upload-Incomplete)" "?1"
expect "Upload-Complete" "$(header Upload-Complete)" ""
piece 0 15000000
http 204 -X PATCH -H 'Upload-Draft-Interop-Version: 3' -H 'Upload-Incomplete: ?1' -H 'Upload-Offset: 0' \
  -H 'Content-Type: application/octet-stream' --data-binary "@$WORK/piece" "$URL"
http 204 -I -H 'Upload-Draft-Interop-Version: 3' "$URL"
expect "offset" "$(header Upload-Offset) $(header Upload-Incomplete)" "15000000 ?1"
piece 15000000 "$SIZE"
http 201 -X PATCH -H 'Upload-Draft-Interop-Version: 3' -H 'Upload-Incomplete: ?0' -H 'Upload-Offset: 15000000' \
  --data-binary "@$WORK/piece" "$URL"
expect "Upload-Incomplete" "$(header Upload-Incomplete)" "?0"
whole

say "interop version 6, as URLSession speaks it"
create 201 -H 'Upload-Draft-Interop-Version: 6' -H 'Upload-Complete: ?0'
expect "version" "$(header Upload-Draft-Interop-Version)" 6
piece 0 15000000
http 415 -X PATCH -H 'Upload-Draft-Interop-Version: 6' -H 'Upload-Complete: ?0' -H 'Upload-Offset: 0' \
  -H 'Content-Type: application/octet-stream' --data-binary "@$WORK/piece" "$URL"
append 204 0 "?0" -H 'Upload-Draft-Interop-Version: 6'
expect "version" "$(header Upload-Draft-Interop-Version)" 6
piece 15000000 "$SIZE"
append 201 15000000 "?1" -H 'Upload-Draft-Interop-Version: 6'
whole

say "an HTTP/1.0 client gets no interim answer"
http 201 --http1.0 -X POST -H 'Upload-Complete: ?0' "$UPLOADS"
expect "interim answers" "$(grep -c '^HTTP/1.1 1' "$WORK/head" || true)" 0

say "an empty image"
create 201 -H 'Upload-Complete: ?1' --data-binary ''
expect "bytes" "$(json .stored.bytes)" 0
create 201 -H 'Upload-Complete: ?0'
: >"$WORK/piece"
append 201 0 "?1"
expect "bytes" "$(json .stored.bytes)" 0
