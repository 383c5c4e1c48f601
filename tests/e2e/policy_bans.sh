# A site's policy and strata-storage: content that it bans is not taken, and no longer served.
. "$(dirname "$0")/lib.sh"

P=$WORK/policy.toml
printf '[policy]\nfile = "%s"\n' "$P" >"$WORK/storage.toml"
: >"$P"
# policy LINES...: in force when it returns.
policy() {
  local count
  count=$(grep -c " reload what=" "$WORK/storage.log") || true
  printf '%s\n' "$@" >"$P"
  kill -HUP "${PID[storage]}"
  await 10 eval '[[ $(grep -c " reload what=" "$WORK/storage.log") -gt '"$count"' ]]' || fail "not reloaded"
}
refused() { # RULE CURL-ARGS...
  local rule=$1
  shift
  http 403 "$@"
  expect_problem forbidden
  [[ $(json .detail) == *"site's policy: $rule"* ]] || fail "the rule is not named: $(json .detail)"
}

start_registry
start_storage --config "$WORK/storage.toml"
noise 300000 banned >"$WORK/banned.raw"
gzip -k "$WORK/banned.raw"
noise 300000 good >"$WORK/good.raw"
upload "$WORK/banned.raw.gz" banned.gz
before=$ID identifier=$(json .identifier)
http 200 "$STORAGE/v1/images/$before/content"

rules=("images.deny = ['$identifier']" "checksums.deny_sha1 = ['$(sha 1 "$WORK/banned.raw")']"
  "checksums.deny_sha256 = ['$(sha 256 "$WORK/banned.raw")']" "checksums.deny_sha1 = ['$(sha 1 "$WORK/banned.raw.gz")']"
  "checksums.deny_sha256 = ['$(sha 256 "$WORK/banned.raw.gz")']")
for rule in "${rules[@]}"; do
  name=${rule%% *}
  say "$name: an image that is there is listed and not served; another upload is refused"
  policy "$rule"
  for view in content decoded extents; do refused "$name" "$STORAGE/v1/images/$before/$view"; done
  refused "$name" -r 0-9 "$STORAGE/v1/images/$before/content"
  http 403 -I "$STORAGE/v1/images/$before/content"
  http 200 "$STORAGE/v1/images/$before"
  expect images "$(image_count)" 1
  refused "$name" -T "$WORK/banned.raw.gz" "$STORAGE/v1/upload/again.gz"
  refused "$name" -X POST "$STORAGE/v1/uploads?filename=again.gz" -H 'Upload-Complete: ?1' -H 'Upload-Draft-Interop-Version: 8' \
    --data-binary "@$WORK/banned.raw.gz"
  expect images "$(image_count)" 1
done
policy "checksums.deny_sha256 = ['$(sha 256 "$WORK/banned.raw")']"
refused checksums.deny_sha256 -T "$WORK/banned.raw" "$STORAGE/v1/upload/plain.raw" # the same content, not compressed
upload "$WORK/good.raw"
good=$ID good_identifier=$(json .identifier)
http 200 "$STORAGE/v1/images/$good/content"
same "$WORK/body" "$WORK/good.raw"

say "rules about endorsers are not storage's"
policy "endorsers.allow = ['ops@images.example']" "require.formats = ['qcow2']" "checksums.allow_sha1 = ['$(printf '0%.0s' {1..40})']"
http 200 "$STORAGE/v1/images/$before/content"

say "a resumable upload of banned content ends, and nothing is published"
policy "images.deny = ['$identifier']"
export XDG_STATE_HOME=$WORK/state
! "$STRATA_BIN/strata" --storage "$STORAGE" push "$WORK/banned.raw" --retry-for 0 2>"$WORK/err" || fail "pushed"
grep -q "images.deny" "$WORK/err" || fail "push: $(cat "$WORK/err")"
expect images "$(image_count)" 2

say "what is banned is withdrawn from the registry, and offered again when it is allowed"
# entries COUNT STATUS: so many entries of the good image have it.
entries() { [[ $(curl -sSf "$REGISTRY/v1/entries?identifier=$good_identifier&status=$2" | jq '.entries | length') == "$1" ]]; }
policy ""
await 30 entries 1 valid || fail "it is not registered"
policy "images.deny = ['$good_identifier']"
await 30 entries 1 deprecated || fail "a banned image is still advertised"
http 200 -X PATCH -H 'Content-Type: application/merge-patch+json' -d '{"metadata":{"title":"Again"}}' "$STORAGE/v1/images/$good"
await 30 eval '[[ $(curl -sSf "$STORAGE/v1/images/$good" | jq -r .registration.state) != pending ]]' || fail "still pending"
entries 1 deprecated || fail "a change advertises it again"
policy ""
await 30 entries 1 valid || fail "it is allowed and not advertised"

say "a broken or missing policy denies everything"
policy "images.deni = []"
refused "everything is" "$STORAGE/v1/images/$good/content"
http 503 -T "$WORK/good.raw" "$STORAGE/v1/upload/good2.raw"
expect_problem unavailable

say "it does not end a resumable upload: the bytes are believed when the file is right again"
noise 300000 late >"$WORK/late.raw"
tus() { # STATUS CURL-ARGS...
  local status=$1
  shift
  http "$status" -H 'Tus-Resumable: 1.0.0' "$@"
}
patch() { tus "$1" -X PATCH "$late" -H "Upload-Offset: $2" -H 'Content-Type: application/offset+octet-stream' --data-binary "@$3"; }
tus 201 -X POST "$STORAGE/v1/uploads" -H "Upload-Length: 300000" -H "Upload-Metadata: filename $(printf late.raw | base64)"
late=$(sed -n 's/^location: *//Ip' "$WORK/head" | tr -d '\r')
patch 503 0 "$WORK/late.raw"
tus 200 -I "$late"
grep -qi '^upload-offset: 300000' "$WORK/head" || fail "the bytes are gone: $(cat "$WORK/head")"
expect images "$(image_count)" 2
policy ""
patch 204 300000 /dev/null
expect images "$(image_count)" 3
http 200 "$STORAGE/v1/images/$good/content"
rm "$P"
stop storage || fail "strata-storage did not end well"
start_storage --config "$WORK/storage.toml"
refused "everything is" "$STORAGE/v1/images/$good/content"

say "a configuration that is broken changes nothing but the policy, whose file is known"
policy ""
http 200 "$STORAGE/v1/images/$good/content"
echo nonsense >"$WORK/storage.toml"
policy "images.deny = ['$good_identifier']"
grep -q "reload.refused" "$WORK/storage.log" || fail "no complaint"
refused images.deny "$STORAGE/v1/images/$good/content"
policy ""
http 200 "$STORAGE/v1/images/$good/content"

say "--check-config says that a policy is broken"
printf '[policy]\nfile = "%s"\n' "$P" >"$WORK/daemon.toml"
for daemon in storage registry; do
  : >"$P"
  "$STRATA_BIN/strata-$daemon" --config "$WORK/daemon.toml" --check-config >/dev/null 2>&1 || fail "$daemon: a good policy"
  echo "images.deny = 5" >"$P"
  ! "$STRATA_BIN/strata-$daemon" --config "$WORK/daemon.toml" --check-config >"$WORK/err" 2>&1 || fail "$daemon: a broken policy"
  grep -q "images.deny" "$WORK/err" || fail "$daemon: $(cat "$WORK/err")"
done
