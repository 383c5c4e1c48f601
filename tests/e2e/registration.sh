# From storage to the registry: the outbox survives restarts of either side, posts once, and says
# nothing of a private image but that its content exists.
. "$(dirname "$0")/lib.sh"

# entries QUERY: what the registry answers, in $WORK/body.
entries() {
  local query=()
  for pair in "$@"; do query+=(--data-urlencode "$pair"); done
  http 200 --get "${query[@]}" "$REGISTRY/v1/entries"
}
# has COUNT QUERY...: the search finds that many.
has() {
  local count=$1
  shift
  entries "$@"
  [[ $(jq '.entries | length' "$WORK/body") == "$count" ]]
}
registered() { [[ $(curl -sSf "$STORAGE/v1/images/$1" | jq -r .registration.state) == registered ]]; }

start_registry
REGISTRY_PORT=${REGISTRY##*:}
start_storage
noise 100001 first >"$WORK/first"

say "an uploaded image appears in the registry, signed"
upload "$WORK/first" "first.raw?visibility=public&title=The%20first&os=Debian&os-version=12"
first=$ID identifier=$(json .identifier)
await 30 registered "$first" || fail "it is not registered"
has 1 "identifier=$identifier" || fail "no entry"
expect "sha-256" "$(json '.entries[0] | .. | strings | select(. == "'"$(sha 256 "$WORK/first")"'")' | head -n 1)" \
  "$(sha 256 "$WORK/first")"
has 1 "q=first debian" || fail "words do not find it"
has 0 "q=first fedora" || fail "words find too much"
http 200 "$STORAGE/v1/images/$first"
entry=$(json .registration.entry)
http 200 "$entry?media=xml"
cp "$WORK/body" "$WORK/first.xml"
grep -q "$STORAGE/v1/images/$first/decoded" "$WORK/first.xml" || fail "no location in the entry"
xmlsec1 --verify --trusted-pem "$WORK/storage/endorser/crt.pem" "$WORK/first.xml" 2>"$WORK/xmlsec" ||
  fail "xmlsec1 does not verify the document: $(cat "$WORK/xmlsec")"
sed 's/The first/The worst/' "$WORK/first.xml" >"$WORK/forged.xml"
! xmlsec1 --verify --trusted-pem "$WORK/storage/endorser/crt.pem" "$WORK/forged.xml" 2>/dev/null ||
  fail "a changed document verifies"

say "posted again: the same entry"
http 200 -H 'Content-Type: application/rdf+xml' --data-binary "@$WORK/first.xml" "$REGISTRY/metadata"
http 403 -H 'Content-Type: application/rdf+xml' --data-binary "@$WORK/forged.xml" "$REGISTRY/metadata"
expect_problem untrusted-signature
has 1 "identifier=$identifier" "status=all" || fail "posted twice, not one entry"

say "a change is a newer entry"
http 200 -X PATCH -H 'Content-Type: application/merge-patch+json' -d '{"metadata":{"title":"Renamed"}}' \
  "$STORAGE/v1/images/$first"
await 30 has 1 "q=renamed debian" || fail "the new title is not in the registry"
has 1 "identifier=$identifier" || fail "the older entry is still listed as valid"

say "the registry is down during an upload: the entry appears when it is back"
stop registry || fail "strata-registry did not end well"
noise 100002 second >"$WORK/second"
upload "$WORK/second" "second.raw?visibility=public"
second=$ID identifier2=$(json .identifier)
expect "state" "$(json .registration.state)" pending
say "also when storage restarts meanwhile"
stop storage || fail "strata-storage did not end well"
start_storage
http 200 "$STORAGE/v1/images/$second"
expect "state" "$(json .registration.state)" pending
start_registry
await 60 registered "$second" || fail "the registration was not tried again"
has 1 "identifier=$identifier2" "status=all" || fail "not one entry"

say "the same bytes under two names within a second: one entry with both locations"
noise 100003 twice >"$WORK/twice"
upload "$WORK/twice" "one.raw?visibility=public"
one=$ID
upload "$WORK/twice" "two.raw?visibility=public"
two=$ID identifier3=$(json .identifier)
[[ $one != "$two" ]] || fail "two uploads, one id"
both() {
  has 1 "identifier=$identifier3" && grep -q "/$one/" "$WORK/body" && grep -q "/$two/" "$WORK/body"
}
await 30 both || fail "not one entry with both locations: $(cat "$WORK/body")"

say "one of them goes: its location goes; the last one goes: the entry is deprecated"
http 204 -X DELETE "$STORAGE/v1/images/$one"
only_two() {
  has 1 "identifier=$identifier3" && ! grep -q "/$one/" "$WORK/body" && grep -q "/$two/" "$WORK/body"
}
await 30 only_two || fail "the location of the deleted image is still there"
http 204 -X DELETE "$STORAGE/v1/images/$two"
await 30 has 0 "identifier=$identifier3" || fail "the entry of a deleted image is still valid"
has 1 "identifier=$identifier3" "status=deprecated" || fail "no deprecating entry"

say "a private image gives nothing away"
noise 100004 private >"$WORK/private"
upload "$WORK/private" "hidden-name.raw?visibility=private&title=Hidden%20title&description=Hidden%20text"
private=$ID identifier4=$(json .identifier)
await 30 registered "$private" || fail "it is not registered"
has 1 "identifier=$identifier4" || fail "no entry"
http 200 "$STORAGE/v1/images/$private"
http 200 "$(json .registration.entry)?media=xml"
! grep -qi -e hidden -e "$private" -e slterms:location "$WORK/body" ||
  fail "the entry of a private image says: $(grep -i -e hidden -e location "$WORK/body")"

say "entries survive a restart of the registry"
stop registry || fail "strata-registry did not end well"
start_registry
has 1 "identifier=$identifier" || fail "the first entry is gone"
has 1 "identifier=$identifier4" || fail "the last entry is gone"

say "a registry that asks by e-mail: pending, one message and not another, also over a restart; then registered"
stop registry || fail "strata-registry did not end well"
mkdir "$WORK/mails"
printf '#!/bin/sh\ncat >"%s/$$"\n' "$WORK/mails" >"$WORK/sendmail"
chmod 700 "$WORK/sendmail"
printf '[confirmation]\ncommand = ["%s"]\nfrom = "registry@hub.example"\n' "$WORK/sendmail" >"$WORK/registry.toml"
start_registry --config "$WORK/registry.toml"
mails() { find "$WORK/mails" -type f | wc -l; }
noise 100005 asked >"$WORK/asked"
upload "$WORK/asked" "asked.raw?visibility=public"
asked=$ID identifier5=$(json .identifier)
waits() { http 200 "$STORAGE/v1/images/$asked" && [[ $(json .registration.state) == pending && $(json .registration.error) == confirmation-needed* ]]; }
await 30 waits || fail "it does not say what it waits for: $(cat "$WORK/body")"
stop storage || fail "strata-storage did not end well"
start_storage
looked() { grep -q "method=GET path=/metadata/$identifier5/.*status=404" "$WORK/registry.log"; }
await 30 looked || fail "nobody looks whether it was confirmed"
waits || fail "no longer waiting: $(cat "$WORK/body")"
has 0 "identifier=$identifier5" "status=all" || fail "an entry that nobody confirmed"
expect "e-mails" "$(mails)" 1
link=$(grep -ho 'http[^ ]*/v1/confirmations/[^ ]*' "$WORK/mails/"* | tr -d '\r')
http 201 -d 'action=confirm' "$link"
await 90 registered "$asked" || fail "confirmed, and not registered: $(curl -sS "$STORAGE/v1/images/$asked")"
http 200 "$STORAGE/v1/images/$asked"
http 200 "$(json .registration.entry)"
expect "e-mails" "$(mails)" 1
