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
good=$ID
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

say "a broken or missing policy denies everything"
policy "images.deni = []"
refused "everything is" "$STORAGE/v1/images/$good/content"
refused "everything is" -T "$WORK/good.raw" "$STORAGE/v1/upload/good2.raw"
policy ""
http 200 "$STORAGE/v1/images/$good/content"
rm "$P"
stop storage || fail "strata-storage did not end well"
start_storage --config "$WORK/storage.toml"
refused "everything is" "$STORAGE/v1/images/$good/content"

say "a configuration that is broken changes nothing"
policy ""
http 200 "$STORAGE/v1/images/$good/content"
echo nonsense >"$WORK/storage.toml"
kill -HUP "${PID[storage]}"
await 10 grep -q "reload.refused" "$WORK/storage.log" || fail "no complaint"
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
