# Bad requests, sent by real clients: the right status, the right problem type, nothing kept.
. "$(dirname "$0")/lib.sh"
cat >"$WORK/storage.toml" <<'TOML'
[limits]
stored_bytes_max = 200000000
decoded_bytes_max = 200000000
TOML
start_registry
start_storage --config "$WORK/storage.toml"
noise 300000 >"$WORK/small"
put=$STORAGE/v1/upload

say "parts, codings and lengths that cannot be"
http 400 -H 'Content-Range: bytes 0-299999/600000' -T "$WORK/small" "$put/part"
expect_problem partial-put
curl -sS -C 1000 -T "$WORK/small" -o "$WORK/body" -w '%{http_code}' "$put/part" >"$WORK/status"
expect "curl -C 1000 -T" "$(cat "$WORK/status")" 400
gzip -c "$WORK/small" >"$WORK/small.gz"
http 415 -H 'Content-Encoding: gzip' -T "$WORK/small.gz" "$put/coded"
http 201 -H 'Content-Encoding: identity' -T "$WORK/small" "$put/identity"
# first_line TEXT: the status line that the server answers to these bytes.
first_line() { raw "$1" | head -n 1 | tr -d '\r'; }
head="Host: localhost\r\nConnection: close\r\n"
answer=$(first_line "PUT /v1/upload/te HTTP/1.1\r\n${head}Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n")
[[ $answer == "HTTP/1.1 501 "* ]] || fail "Transfer-Encoding: gzip: $answer"
answer=$(first_line "PUT /v1/upload/x HTTP/1.1\r\n${head}Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n")
[[ $answer == "HTTP/1.1 400 "* ]] || fail "Content-Length and Transfer-Encoding: $answer"
http 400 -T "$WORK/small" "$put/name?unknown-key=1"
expect_problem malformed
http 400 -T "$WORK/small" "$put/name?sha-256=abc"
http 400 -H 'Repr-Digest: sha-256=abc' -T "$WORK/small" "$put/name"
expect "images" "$(image_count)" 1

say "too large: refused before the body, with and without 100-continue"
truncate -s 1G "$WORK/huge"
http 413 -T "$WORK/huge" "$put/huge"
expect_problem too-large
for expectation in 'Expect: 100-continue' 'Expect:'; do
  result=$(curl -sS --expect100-timeout 30 -H "$expectation" -T "$WORK/huge" -o "$WORK/body" \
    -w '%{http_code} %{size_upload}' "$put/huge" 2>"$WORK/curl.err") || true
  expect "status with '$expectation'" "${result% *}" 413
  ((${result#* } < 64 * 1024 * 1024)) || fail "'$expectation': ${result#* } bytes were sent first"
  [[ $expectation == Expect: || ${result#* } == 0 ]] || fail "a body after 413: ${result#* } bytes"
done
say "too large, chunked: refused when it is"
http 413 -T - "$put/huge" <"$WORK/huge"

say "corrupt gzip: refused in mid-body, and the connection is closed"
seq 1 6000000 | pigz -1 >"$WORK/numbers.gz"
head -c 65536 /dev/zero | tr '\0' '\377' |
  dd of="$WORK/numbers.gz" bs=64K seek=16 iflag=fullblock conv=notrunc status=none
# Much longer than what is read ahead of the decoder: 16 blocks, and the sockets' buffers.
head -c 128M /dev/zero >>"$WORK/numbers.gz"
result=$(curl -sS -H 'Expect:' -T "$WORK/numbers.gz" -o "$WORK/body" -D "$WORK/head" \
  -w '%{http_code} %{size_upload}' "$put/numbers.gz" 2>"$WORK/curl.err") || true
expect "status" "${result% *}" 422
expect_problem corrupt-gzip
expect "Connection" "$(header Connection | tr "[:upper:]" "[:lower:]")" close
((${result#* } < $(stat -c %s "$WORK/numbers.gz"))) || fail "the whole body was read first"

say "truncated and damaged archives"
for tool in gzip xz zstd; do
  $tool -c <"$WORK/small" >"$WORK/whole"
  bytes=$(stat -c %s "$WORK/whole")
  for keep in 20 $((bytes / 2)) $((bytes - 1)); do
    head -c "$keep" "$WORK/whole" >"$WORK/truncated"
    http 422 -T "$WORK/truncated" "$put/truncated"
    expect_problem "corrupt-$tool"
  done
done
gzip -c "$WORK/small" >"$WORK/crc.gz"
printf '\0\0\0\0' | dd of="$WORK/crc.gz" bs=1 seek=$(($(stat -c %s "$WORK/crc.gz") - 8)) conv=notrunc status=none
http 422 -T "$WORK/crc.gz" "$put/crc"
expect_problem corrupt-gzip

say "a bomb: 300 MB of zeros in a small gzip"
head -c 300000000 /dev/zero | gzip -9 >"$WORK/bomb.gz"
http 422 -T "$WORK/bomb.gz" "$put/bomb"
expect_problem decompression-limit
expect "images" "$(image_count)" 1

say "names are text: not paths, not markup (B61)"
noise 1000 xss >"$WORK/xss"
name='"><img src=x onerror=alert(1)>'
encoded=$(jq -rn --arg name "$name" '$name | @uri')
http 201 -T "$WORK/xss" "$put/$encoded?visibility=public&title=$encoded&description=$encoded"
id=$(json .id)
expect "name" "$(json .name)" "$name"
http 200 -I "$STORAGE/v1/images/$id/content"
expect "nosniff" "$(header X-Content-Type-Options)" nosniff
[[ $(header Content-Disposition) == attachment* ]] || fail "not an attachment"
[[ $(header Content-Disposition) != *'"><img'* ]] || fail "$(header Content-Disposition)"
state() { curl -sSf "$STORAGE/v1/images/$id" | jq -r .registration.state; }
is_registered() { [[ $(state) == registered ]]; }
await 30 is_registered || fail "not registered: $(state)"
http 200 "$STORAGE/v1/images/$id"
entry=$(json .registration.entry)
for page in "$REGISTRY/" "$REGISTRY/metadata?media=html" "$entry?media=html"; do
  http 200 -H 'Accept: text/html' "$page"
  ! grep -qi '<img src=x' "$WORK/body" || fail "markup of a name in $page"
done
for name in '..%2f..%2fetc%2fpasswd' '%2e%2e' '%00' 'a%0d%0ab'; do
  http 400 -T "$WORK/xss" "$put/$name"
done
long=$(printf 'n%.0s' {1..256})
http 400 -T "$WORK/xss" "$put/$long"

say "the Host header (DNS rebinding), on both daemons"
for url in "$STORAGE/v1/images" "$REGISTRY/v1/entries"; do
  http 421 -H 'Host: evil.example' "$url"
  expect_problem wrong-host
  http 200 -H 'Host: localhost' "$url"
done
http 201 -H 'X-Forwarded-Host: evil.example' -T "$WORK/small" "$put/forwarded"
[[ $(header Location) == "$STORAGE/"* ]] || fail "Location from a header: $(header Location)"

say "what is not there, and what is not allowed"
http 404 "$STORAGE/v1/images/00000000-0000-7000-8000-000000000000"
expect_problem not-found
http 404 "$STORAGE/v1/images/../../../etc/passwd" --path-as-is
http 405 -X POST "$STORAGE/v1/images/$id/content"
[[ -n $(header Allow) ]] || fail "405 without Allow"
http 400 -H 'Content-Type: application/rdf+xml' --data '<!DOCTYPE a [<!ENTITY b "c">]><a>&b;</a>' "$REGISTRY/metadata"
head -c 1100000 /dev/zero | tr '\0' x >"$WORK/huge.xml"
http 413 -H 'Content-Type: application/rdf+xml' --data-binary "@$WORK/huge.xml" "$REGISTRY/metadata"
