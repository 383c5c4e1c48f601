# curl uploads in every form it has; digests, decoding and sizes are those that other tools find.
. "$(dirname "$0")/lib.sh"
start_storage

say "by length, as curl -T does it"
noise 50000001 >"$WORK/odd.raw"
upload "$WORK/odd.raw"
expect "Location" "$(header Location)" "$STORAGE/v1/images/$ID"
expect "name" "$(json .name)" odd.raw
expect "encoding" "$(json .encoding)" identity
check_digests stored "$WORK/odd.raw"
check_digests decoded "$WORK/odd.raw"

say "the name comes from curl when the URL ends with a slash"
http 201 -T "$WORK/odd.raw" "$STORAGE/v1/upload/"
expect "name" "$(json .name)" odd.raw

say "chunked from standard input"
http 201 -T - "$STORAGE/v1/upload/chunked.raw" <"$WORK/odd.raw"
check_digests stored "$WORK/odd.raw"

say "Expect: 100-continue is answered before the body, and is not needed"
curl -sS -v -H 'Expect: 100-continue' --expect100-timeout 30 -T "$WORK/odd.raw" \
  -o "$WORK/body" "$STORAGE/v1/upload/expect.raw" 2>"$WORK/verbose"
grep -q '^< HTTP/1.1 100 ' "$WORK/verbose" || fail "no 100 Continue"
check_digests stored "$WORK/odd.raw"
http 201 -H 'Expect:' -T "$WORK/odd.raw" "$STORAGE/v1/upload/plain.raw"

say "sizes that fit no buffer"
for size in 0 1 511 1048575 1048576 1048577; do
  noise "$size" >"$WORK/size.$size"
  upload "$WORK/size.$size"
  check_digests stored "$WORK/size.$size"
  http 200 "$STORAGE/v1/images/$ID/content"
  same "$WORK/body" "$WORK/size.$size"
done

say "the decoded bytes of gzip, xz and zstd, also of several members"
make_disk "$WORK/disk.raw"
half=$(($(stat -c %s "$WORK/disk.raw") / 2 + 7))
split -b "$half" "$WORK/disk.raw" "$WORK/part."
for part in "$WORK"/part.a?; do
  gzip -c "$part" >>"$WORK/disk.raw.gz"
  xz -1 -c "$part" >>"$WORK/disk.raw.xz"
  zstd -q -c "$part" >>"$WORK/disk.raw.zst"
done
pigz -c "$WORK/disk.raw" >"$WORK/pigz.gz"
for pair in gzip:disk.raw.gz xz:disk.raw.xz zstd:disk.raw.zst gzip:pigz.gz; do
  file=$WORK/${pair#*:}
  # The name does not matter, the first bytes do.
  upload "$file" "${pair%%:*}-image"
  expect "encoding of $file" "$(json .encoding)" "${pair%%:*}"
  check_digests stored "$file"
  check_digests decoded "$WORK/disk.raw"
  identifier=$(json .identifier)
  http 200 "$STORAGE/v1/images/$ID/decoded"
  same "$WORK/body" "$WORK/disk.raw"
  http 206 -r 100-5099 "$STORAGE/v1/images/$ID/decoded"
  cmp "$WORK/body" <(tail -c +101 "$WORK/disk.raw" | head -c 5000) || fail "other bytes in a range of $file"
done
upload "$WORK/disk.raw"
expect "identifier of the plain file" "$(json .identifier)" "$identifier"

say "digests and sizes that the client gives are enforced"
good=$(openssl dgst -sha256 -binary "$WORK/odd.raw" | base64)
wrong=$(openssl dgst -sha256 -binary "$WORK/disk.raw" | base64)
before=$(image_count)
http 201 -H "Repr-Digest: sha-256=:$good:" -T "$WORK/odd.raw" "$STORAGE/v1/upload/good"
http 422 -H "Repr-Digest: sha-256=:$wrong:" -T "$WORK/odd.raw" "$STORAGE/v1/upload/wrong"
expect_problem digest-mismatch
http 422 -H "Content-Digest: sha-256=:$wrong:" -T "$WORK/odd.raw" "$STORAGE/v1/upload/wrong"
expect_problem digest-mismatch
http 422 -T "$WORK/odd.raw" "$STORAGE/v1/upload/wrong?sha-512=$(sha 512 "$WORK/disk.raw")"
expect_problem digest-mismatch
http 422 -T "$WORK/disk.raw.gz" "$STORAGE/v1/upload/wrong?decoded-sha-1=$(sha 1 "$WORK/odd.raw")"
expect_problem digest-mismatch
http 422 -T "$WORK/odd.raw" "$STORAGE/v1/upload/wrong?bytes=50000000"
expect_problem size-mismatch
http 201 -T "$WORK/disk.raw.gz" \
  "$STORAGE/v1/upload/right?decoded-sha-1=$(sha 1 "$WORK/disk.raw")&sha-256=$(sha 256 "$WORK/disk.raw.gz")"
expect "images" "$(image_count)" $((before + 2))

say "list, show, delete"
id=$(json .id)
http 200 "$STORAGE/v1/images/$id"
http 204 -X DELETE "$STORAGE/v1/images/$id"
http 404 "$STORAGE/v1/images/$id"
expect_problem not-found
http 404 "$STORAGE/v1/images/$id/content"
expect "images" "$(image_count)" $((before + 1))

say "they are all there after a restart"
stop storage || fail "strata-storage did not end well"
start_storage
expect "images" "$(image_count)" $((before + 1))
