# 200 slow clients, and 100 posts of one document at once: one entry, no error 5xx, and readers are answered.
#   SECONDS_EACH=2   of each of the three measurements
. "$(dirname "$0")/lib.sh"
openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 30 -subj "/CN=ops" \
  -addext "subjectAltName=email:ops@images.example" -keyout "$WORK/key.pem" -out "$WORK/crt.pem" 2>/dev/null
{ printf '<x:padding xmlns:x="urn:x">' && noise 60000 text | base64 -w 76 && printf '</x:padding>'; } >"$WORK/padding"
# document NUMBER: $WORK/NUMBER.xml, with 80 KB in a term that nobody knows.
document() {
  echo "image $1" >"$WORK/$1.raw"
  "$STRATA_BIN/strata" metadata build "$WORK/$1.raw" -o - --title "Image $1" |
    awk -v file="$WORK/padding" '/<\/rdf:Description>/ { while ((getline text <file) > 0) print text; close(file) } 1' |
    "$STRATA_BIN/strata" metadata sign - --key "$WORK/key.pem" --cert "$WORK/crt.pem" -o "$WORK/$1.xml"
}

start_registry
say "a list of some MiB"
for i in $(seq 60); do
  document "$i"
  http 201 -H 'Content-Type: application/rdf+xml' --data-binary "@$WORK/$i.xml" "$REGISTRY/metadata"
done
document new
identifier=$("$STRATA_BIN/strata" digest --json "$WORK/new.raw" | jq -r '.[0].identifier')

say "readers without and with 200 slow clients and 100 posts at once"
timeout 120 python3 "$STRATA_SOURCE/tests/support/registry_slow.py" "$REGISTRY" "$WORK/new.xml" "$identifier" \
  "${SECONDS_EACH:-2}" || fail "see above"
say "memory of the registry at most: $(awk '/^VmHWM/ { print int($2 / 1024) " MiB" }' "/proc/${PID[registry]}/status")"
! grep -E 'status=5[0-9][0-9]' "$WORK/registry.log" || fail "errors of the server"
stop registry || fail "strata-registry did not end well"
say "done"
