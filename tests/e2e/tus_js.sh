# tus-js-client, the client of tus's own authors: whole, in chunks, paused and gone on with by another
# process, parallel, of unknown length, in two drafts of the IETF, with checksums; and what a browser asks
# before it lets a page do all that (CORS).
. "$(dirname "$0")/lib.sh"
here=$(dirname "$0")
NPM_FOLDER=$("$here/../support/npm_packages.sh" tus-js-client tus-js-client@4.3.1) || exit $?
export NPM_FOLDER

printf '[cors]\norigins = ["https://cloud.example"]\n' >"$WORK/storage.toml"
start_storage --config "$WORK/storage.toml"
SIZE=100663301 # so much that a pause at 10 MB comes before the end, however fast the server is
noise "$SIZE" >"$WORK/image.raw"

# tus_js OUTCOME JSON: one run; its report is $WORK/report.
tus_js() {
  local wanted=$1 job
  job=$(jq -nc --arg file "$WORK/image.raw" --arg endpoint "$STORAGE/v1/uploads" \
    '{file: $file, endpoint: $endpoint}'" + $2")
  timeout 120 node "$here/js/tus_upload.mjs" "$job" >"$WORK/report" 2>"$WORK/node.err" ||
    fail "node, $job: $(cat "$WORK/node.err")"
  [[ $(jq -r .outcome "$WORK/report") == "$wanted" ]] || fail "$2: $(cat "$WORK/report")"
}
report() { jq -er "$1" "$WORK/report" || fail "no $1 in $(cat "$WORK/report")" >&2; }
completed() { http 200 "$(report .url)" && [[ $(json .state) == complete ]]; }
# whole FILE: the image of the report is that file, by its digests and by its bytes.
whole() {
  local id
  # In the drafts of the IETF the library does not say that a chunk of a file is the last one, so no answer
  # names the image; the upload's URL does.
  await 20 completed || fail "not complete: $(cat "$WORK/report")"
  id=$(json .image)
  http 200 "$STORAGE/v1/images/$id"
  expect "sha-512" "$(json '.stored.digests["sha-512"]')" "$(sha 512 "$1")"
  http 200 "$STORAGE/v1/images/$id/content"
  same "$WORK/body" "$1"
}
# patches: how many PATCH requests the report has.
patches() { report '[.requests[] | select(.method == "PATCH")] | length'; }

say "in one request; name and URL"
tus_js success '{}'
whole "$WORK/image.raw"
expect "requests" "$(report '[.requests[] | "\(.method) \(.status)"] | join(",")')" "POST 201,PATCH 204"
http 200 "$STORAGE/v1/images/$(report .image)"
expect "name" "$(json .name)" tus-js.raw
http 200 "$(report .url)"
expect "state" "$(json .state)" complete

say "in chunks, with the first one in the POST, and with POST in the place of PATCH"
tus_js success '{chunkSize: 15000000}'
whole "$WORK/image.raw"
expect "chunks" "$(patches)" 7
tus_js success '{chunkSize: 15000000, uploadDataDuringCreation: true}'
whole "$WORK/image.raw"
expect "chunks" "$(patches)" 6
tus_js success '{chunkSize: 60000000, overridePatchMethod: true}'
whole "$WORK/image.raw"
expect "methods" "$(report '[.requests[].method] | unique | join(",")')" POST

say "of gzip, with metadata"
gzip -1 -c "$WORK/image.raw" >"$WORK/image.raw.gz"
tus_js success '{file: "'"$WORK"'/image.raw.gz", metadata: {filename: "disk.raw.gz", os: "debian"}}'
whole "$WORK/image.raw.gz"
http 200 "$STORAGE/v1/images/$(report .image)"
check_digests decoded "$WORK/image.raw"
expect "os" "$(json .metadata.os)" debian

say "paused in mid-request, gone on with by another process, which finds the upload in its storage"
for chunk in 4000000 null; do
  rm -f "$WORK/urls.json"
  tus_js aborted '{urlStorage: "'"$WORK"'/urls.json", abortAt: 10000000'"$([[ $chunk == null ]] || echo ", chunkSize: $chunk")"'}'
  tus_js success '{urlStorage: "'"$WORK"'/urls.json"}'
  expect "earlier uploads" "$(report .previous)" 1
  expect "requests" "$(report '[.requests[].method] | join(",")')" "HEAD,PATCH"
  expect "goes on where" "$(report '.requests[1].sent')" "$(report '.requests[0].offset')"
  (($(report '.requests[0].offset') > 0)) || fail "nothing was kept of the upload that was paused"
  whole "$WORK/image.raw"
  say "kept $(report '.requests[0].offset') bytes of an upload that was paused when 10000000 had been handed on"
done

say "a server that stops in between"
rm -f "$WORK/urls.json"
tus_js aborted '{urlStorage: "'"$WORK"'/urls.json", abortAt: 16000000, chunkSize: 4000000}'
{ stop storage KILL || true; } 2>/dev/null
port=${STORAGE##*:}
start storage --config "$WORK/storage.toml" --listen "127.0.0.1:$port"
tus_js success '{urlStorage: "'"$WORK"'/urls.json"}'
(($(report '.requests[0].offset') >= 12000000)) || fail "kill -9 cost bytes that were acknowledged"
whole "$WORK/image.raw"

say "three parts at once"
tus_js success '{parallelUploads: 3}'
whole "$WORK/image.raw"
expect "POST" "$(report '[.requests[] | select(.method == "POST")] | length')" 4

say "of unknown length, from a stream"
tus_js success '{deferred: true, chunkSize: 6000000}'
whole "$WORK/image.raw"

say "drafts of the IETF"
for pair in ietf-draft-03:5 ietf-draft-05:6; do
  tus_js success '{protocol: "'"${pair%:*}"'", chunkSize: 9000000}'
  expect "interop version" "$(report '[.requests[].interop] | unique | join(",")')" "${pair#*:}"
  whole "$WORK/image.raw"
  rm -f "$WORK/urls.json"
  tus_js aborted '{protocol: "'"${pair%:*}"'", urlStorage: "'"$WORK"'/urls.json", abortAt: 10000000}'
  tus_js success '{protocol: "'"${pair%:*}"'", urlStorage: "'"$WORK"'/urls.json"}'
  expect "${pair%:*}, goes on where" "$(report '.requests[1].sent')" "$(report '.requests[0].offset')"
  whole "$WORK/image.raw"
done

say "a checksum for each chunk; a wrong one is answered 460 and moves nothing"
before=$(image_count)
for algorithm in sha1 sha256 sha512; do
  tus_js success '{chunkSize: 8000000, checksum: "'$algorithm'"}'
  whole "$WORK/image.raw"
  tus_js error '{chunkSize: 8000000, checksum: "'$algorithm'", wrongAt: 16000000}'
  expect "answer" "$(report '.requests[-1].status')" 460
  url=$(report .url)
  http 200 -I -H 'Tus-Resumable: 1.0.0' "$url"
  expect "offset" "$(header Upload-Offset)" 16000000
  tus_js success '{uploadUrl: "'"$url"'", chunkSize: 8000000, checksum: "'$algorithm'"}'
  whole "$WORK/image.raw"
done
expect "images" "$(image_count)" $((before + 6))

say "expiration and termination"
tus_js aborted '{chunkSize: 4000000, abortAt: 9000000}'
url=$(report .url)
expires=$(date -d "$(report '.requests[-1].expires')" +%s)
((expires > $(date +%s) + 6 * 24 * 3600)) || fail "Upload-Expires is $(report '.requests[-1].expires')"
tus_js terminated '{terminate: "'"$url"'"}'
http 404 -I -H 'Tus-Resumable: 1.0.0' "$url"
tus_js error '{terminate: "'"$url"'"}'

say "CORS: the page that is named may do all that, another one nothing"
url=$(curl -sS -D - -o /dev/null -X POST -H 'Tus-Resumable: 1.0.0' -H 'Upload-Length: 5' -H 'Origin: https://cloud.example' \
  "$STORAGE/v1/uploads" | tr -d '\r' | sed -n 's/^Location: //Ip')
# has LIST WORD...: each word is an element of the list.
has() {
  local list=",${1//, /,}," word
  shift
  for word; do [[ ${list,,} == *",${word,,},"* ]] || fail "CORS: $word is not in $list"; done
}
for target in "$STORAGE/v1/uploads" "$url"; do
  for method in POST PATCH HEAD DELETE; do
    http 204 -X OPTIONS -H 'Origin: https://cloud.example' -H "Access-Control-Request-Method: $method" \
      -H 'Access-Control-Request-Headers: tus-resumable,upload-offset,content-type' "$target"
    expect "origin" "$(header Access-Control-Allow-Origin)" https://cloud.example
    has "$(header Access-Control-Allow-Methods)" "$method"
    has "$(header Access-Control-Allow-Headers)" Authorization Content-Type Tus-Resumable Upload-Offset \
      Upload-Length Upload-Metadata Upload-Defer-Length Upload-Concat Upload-Checksum Upload-Complete \
      Upload-Incomplete Upload-Draft-Interop-Version X-HTTP-Method-Override X-Requested-With X-Request-ID
    [[ $(header Vary) == *Origin* ]] || fail "no Vary: Origin"
    http 204 -X OPTIONS -H 'Origin: https://evil.example' -H "Access-Control-Request-Method: $method" "$target"
    ! grep -qi '^access-control' "$WORK/head" || fail "a foreign origin is told $(grep -i ^access-control "$WORK/head")"
  done
done
http 200 -I -H 'Tus-Resumable: 1.0.0' -H 'Origin: https://cloud.example' "$url"
has "$(header Access-Control-Expose-Headers)" Location Upload-Offset Upload-Length Upload-Metadata \
  Upload-Defer-Length Upload-Concat Upload-Expires Tus-Version Tus-Resumable Tus-Max-Size Tus-Extension
http 403 -X POST -H 'Tus-Resumable: 1.0.0' -H 'Upload-Length: 5' -H 'Origin: https://evil.example' "$STORAGE/v1/uploads"
! grep -qi '^access-control' "$WORK/head" || fail "a foreign origin is told something"
