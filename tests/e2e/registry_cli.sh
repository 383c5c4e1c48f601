#!/bin/bash
# The strata command and the registry: documents, search, policy and deprecation with real daemons,
# judged by xmlsec1, openssl, xmllint, jq and curl.
. "$(dirname "$0")/lib.sh"

# code EXPECTED COMMAND...: runs it, its output in $WORK/out and $WORK/err.
code() {
  local expected=$1 status=0
  shift
  "$@" >"$WORK/out" 2>"$WORK/err" || status=$?
  [[ $status == "$expected" ]] || fail "$*: exit $status, expected $expected: $(cat "$WORK/out" "$WORK/err")"
}
strata() { "$STRATA_BIN/strata" --registry "$REGISTRY" --storage http://127.0.0.1:1 "$@"; }
says() { grep -qe "$1" "$WORK/${2:-out}" || fail "no '$1' in: $(cat "$WORK/${2:-out}")"; }
says_not() { ! grep -qe "$1" "$WORK/${2:-out}" || fail "'$1' in: $(cat "$WORK/${2:-out}")"; }
xpath() { xmllint --xpath "string(//*[local-name()='$1'])" "$2"; }
export XDG_CONFIG_HOME=$WORK/config
unset STRATA_STORAGE STRATA_REGISTRY STRATA_TOKEN STRATA_POLICY STRATA_P12_PASSWORD

# identity NAME EMAIL [TYPE]: $WORK/NAME.key and .crt
identity() {
  openssl req -x509 -newkey "${3:-ec}" -pkeyopt "$([[ ${3:-ec} == ec ]] && echo ec_paramgen_curve:P-256 || echo rsa_keygen_bits:2048)" \
    -nodes -keyout "$WORK/$1.key" -out "$WORK/$1.crt" -days 30 -subj "/O=Example/CN=$1" -addext "subjectAltName=email:$2" 2>/dev/null
}
identity ops ops@images.example
identity qa qa@images.example
identity grid grid@images.example rsa
fingerprint() { openssl x509 -in "$WORK/$1.crt" -outform DER | sha256sum | cut -d' ' -f1; }
sign_as() { code 0 strata metadata sign "$2" --key "$WORK/$1.key" --cert "$WORK/$1.crt" -o "$3"; }
xmlsec_verifies() {
  code 0 xmlsec1 --verify --enabled-reference-uris empty --pubkey-cert-pem "$WORK/$1.crt" "$2"
}

mkdir "$WORK/etc"
cat >"$WORK/etc/registry.toml" <<END
[policy]
file = "$WORK/etc/policy.toml"
END
: >"$WORK/etc/policy.toml"
start_registry --config "$WORK/etc/registry.toml"
noise 200000 one >"$WORK/one.raw"
gzip -k "$WORK/one.raw"

say "build: every option, text escaped, what signing would refuse is refused"
hostile=$'<b>&"\'</b> \e[31m heron'
code 0 strata metadata build "$WORK/one.raw.gz" --title "$hostile" --comment "a < b" --author Ann --publisher P --type base \
  --format qcow2 --compression gz --os Debian --os-version 12 --os-arch x86_64 --image-version 1.2 --serial-number 7 \
  --hypervisor kvm --hypervisor xen --tag stable --tag web --location http://a.example/1 --location http://b.example/2 \
  --valid never -o "$WORK/plain.xml"
xmllint --noout "$WORK/plain.xml"
expect title "$(xpath title "$WORK/plain.xml")" $'<b>&"\'</b> \ufffd[31m heron'
expect description "$(xpath description "$WORK/plain.xml")" "a < b"
for pair in creator:Ann publisher:P type:base format:qcow2 compression:gz os:Debian os-version:12 os-arch:x86_64 version:1.2 \
  serial-number:7 encoding:gzip; do
  expect "${pair%:*}" "$(xpath "${pair%:*}" "$WORK/plain.xml")" "${pair#*:}"
done
for pair in hypervisor:2 alternative:2 location:2 valid:0; do
  expect "${pair%:*}" "$(xmllint --xpath "count(//*[local-name()='${pair%:*}'])" "$WORK/plain.xml")" "${pair#*:}"
done
IDENTIFIER=$(xpath identifier "$WORK/plain.xml")
grep -q "$(sha 256 "$WORK/one.raw")" "$WORK/plain.xml" || fail "no SHA-256 of the decoded bytes"
code 2 strata metadata build "$WORK/one.raw" --tag "$(printf 'x%.0s' {1..41})"
code 2 strata metadata build "$WORK/one.raw" --valid tomorrow
code 2 strata metadata build "$WORK/one.raw" --serial-number many

say "sign: PEM and PKCS#12, old and new ciphers; the password never on the command line"
sign_as ops "$WORK/plain.xml" "$WORK/ops.xml"
xmlsec_verifies ops "$WORK/ops.xml"
openssl pkcs12 -export -inkey "$WORK/grid.key" -in "$WORK/grid.crt" -passout pass:s3cret -out "$WORK/new.p12"
openssl pkcs12 -export -legacy -inkey "$WORK/grid.key" -in "$WORK/grid.crt" -passout pass:s3cret -out "$WORK/old.p12"
openssl pkcs12 -export -nokeys -in "$WORK/grid.crt" -passout pass:s3cret -out "$WORK/keyless.p12"
printf 's3cret\nsecond line\n' >"$WORK/password"
for file in new old; do
  code 0 strata metadata sign "$WORK/plain.xml" --p12 "$WORK/$file.p12" --p12-password-file "$WORK/password" -o "$WORK/grid.xml"
  xmlsec_verifies grid "$WORK/grid.xml"
  code 0 env STRATA_P12_PASSWORD=s3cret "$STRATA_BIN/strata" metadata sign - --p12 "$WORK/$file.p12" -o "$WORK/grid.xml" <"$WORK/plain.xml"
  xmlsec_verifies grid "$WORK/grid.xml"
  code 1 env STRATA_P12_PASSWORD=wrong "$STRATA_BIN/strata" metadata sign "$WORK/plain.xml" --p12 "$WORK/$file.p12"
  says "password of the PKCS#12 file is wrong" err
done
code 1 env STRATA_P12_PASSWORD=s3cret "$STRATA_BIN/strata" metadata sign "$WORK/plain.xml" --p12 "$WORK/keyless.p12"
says "must hold a private key" err
code 1 env STRATA_P12_PASSWORD=s3cret "$STRATA_BIN/strata" metadata sign "$WORK/plain.xml" --p12 "$WORK/one.raw.gz"
says "larger than" err
code 1 env STRATA_P12_PASSWORD=s3cret "$STRATA_BIN/strata" metadata sign "$WORK/plain.xml" --p12 "$WORK/ops.crt"
says "no PKCS#12 file" err
code 2 setsid -w "$STRATA_BIN/strata" metadata sign "$WORK/plain.xml" --p12 "$WORK/new.p12"
says "STRATA_P12_PASSWORD" err
python3 - "$STRATA_BIN/strata" "$WORK" <<'END' || fail "the password is not asked for on a terminal"
import os, pty, sys
work = sys.argv[2]
pid, terminal = pty.fork()
if pid == 0:
    os.execv(sys.argv[1], ["strata", "metadata", "sign", work + "/plain.xml", "--p12", work + "/new.p12", "-o", work + "/asked.xml"])
shown = b""
while b"Password of" not in shown:
    shown += os.read(terminal, 1000)
os.write(terminal, b"s3cret\n")
try:
    while piece := os.read(terminal, 1000):
        shown += piece
except OSError:
    pass
sys.exit(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) or b"s3cret" in shown)
END
xmlsec_verifies grid "$WORK/asked.xml"
code 2 strata metadata sign "$WORK/plain.xml"
code 2 strata metadata sign "$WORK/plain.xml" --key "$WORK/ops.key"
code 2 strata metadata sign "$WORK/plain.xml" --key "$WORK/ops.key" --cert "$WORK/ops.crt" --p12 "$WORK/new.p12"

say "register: several documents and standard input"
sign_as qa "$WORK/plain.xml" "$WORK/qa.xml"
code 0 strata register "$WORK/ops.xml" "$WORK/qa.xml"
expect "registered" "$(grep -c "^registered: $REGISTRY/metadata/$IDENTIFIER/" "$WORK/out")" 2
code 0 strata register - <"$WORK/grid.xml"
says "^registered: "
code 0 strata register "$WORK/ops.xml"
says "^already there: "
sed 's/Debian/Fedora/' "$WORK/ops.xml" >"$WORK/forged.xml"
code 4 strata register "$WORK/forged.xml"
code 4 strata register "$WORK/forged.xml" "$WORK/qa.xml"
says "^already there: "
says "forged.xml: " err
says "1 of 2 documents were not registered" err
code 3 strata register "$WORK/nothing.xml"
code 5 "$STRATA_BIN/strata" --registry http://127.0.0.1:1 register "$WORK/ops.xml"

say "search: columns, filters, pages"
code 0 strata search heron debian
expect lines "$(wc -l <"$WORK/out")" 3
says "^$IDENTIFIER  valid       20..-..-..T..:..:..Z  ops@images.example  "
says_not $'\e'
code 0 strata search --json heron
cp "$WORK/out" "$WORK/ours.json"
curl -sSf "$REGISTRY/v1/entries?q=heron" | cmp - "$WORK/ours.json" || fail "the JSON is not the server's"
for filter in "--identifier $IDENTIFIER" "--sha256 $(sha 256 "$WORK/one.raw.gz")" "--sha1 $(sha 1 "$WORK/one.raw")" "--os debian" \
  "--os-version 12" "--arch x86_64" "--kind machine" "--format qcow2" "--tag web" "--location web" "--sort created" "--status all"; do
  # shellcheck disable=SC2086
  code 0 strata search $filter
  expect "$filter" "$(wc -l <"$WORK/out")" 3
done
code 0 strata search --endorser qa@images.example
expect lines "$(wc -l <"$WORK/out")" 1
code 0 strata search --tag nothing
[[ ! -s $WORK/out && ! -s $WORK/err ]] || fail "nothing found: $(cat "$WORK/out" "$WORK/err")"
code 0 strata search --limit 2
expect lines "$(wc -l <"$WORK/out")" 2
says "2 of 3 entries; there are more: --all, or --cursor" err
code 0 strata search --limit 2 --cursor "$(sed -n 's/.*--cursor //p' "$WORK/err")"
expect lines "$(wc -l <"$WORK/out")" 1
code 0 strata search --limit 1 --all
expect lines "$(sort -u "$WORK/out" | wc -l)" 3
[[ ! -s $WORK/err ]] || fail "all: $(cat "$WORK/err")"
code 0 strata search --limit 1 --all --json
expect pages "$(jq -s 'map(.entries | length) | add' "$WORK/out")" 3
code 1 strata search --status nonsense
code 1 strata search --sha256 abc

say "entry: the signed bytes, JSON, and who signed"
CREATED=$(xpath created "$WORK/ops.xml")
OPS=$IDENTIFIER/ops@images.example/$CREATED
code 0 strata entry "$OPS"
cmp "$WORK/out" "$WORK/ops.xml"
xmlsec_verifies ops "$WORK/ops.xml"
code 0 strata entry "$IDENTIFIER"
expect entries "$(xmllint --xpath 'count(/metadata/*)' "$WORK/out")" 3
code 0 strata entry "$OPS" --json
expect endorser "$(jq -r .endorser "$WORK/out")" ops@images.example
code 0 strata entry "$OPS" --verify
says "signed by   CN=ops,O=Example"
says "certificate sha-256 $(fingerprint ops)"
code 0 strata entry "$IDENTIFIER" --verify
expect entries "$(grep -c "holds under the strict profile" "$WORK/out")" 3
code 3 strata entry AAAAAAAAAAAAAAAAAAAAAAAAAAA --verify
code 2 strata entry abc --verify
code 3 strata entry AAAAAAAAAAAAAAAAAAAAAAAAAAA

say "policy check: each way to name a policy, each exit code"
check() { strata policy check "$IDENTIFIER" "$@"; }
policy() { printf '%s\n' "$@" >"$WORK/etc/policy.toml"; }
P=$WORK/etc/policy.toml
policy "[endorsers]" 'allow = ["ops@images.example"]'
code 0 check --policy "$P"
says "^accepted    $REGISTRY/metadata/$OPS\$"
says "sha-256     $(sha 256 "$WORK/one.raw")"
expect locations "$(grep -c "^location    http://[ab].example/" "$WORK/out")" 2
code 0 check --policy "$P" --explain
says "^accepted: /metadata/$OPS"
says "  FAIL  endorsers.allow: qa@images.example is not listed"
says "  pass  endorsers.allow: ops@images.example is listed"
code 0 check --policy "$P" --json
expect entry "$(jq -r .entry "$WORK/out")" "$REGISTRY/metadata/$OPS"
expect results "$(jq '.results | length' "$WORK/out")" 3
reload() { # until the registry has read the file again
  local count
  count=$(grep -c "policy\.\(loaded\|broken\)" "$WORK/registry.log")
  kill -HUP "${PID[registry]}"
  await 10 eval '[[ $(grep -c "policy\.\(loaded\|broken\)" "$WORK/registry.log") -gt '"$count"' ]]' || fail "not reloaded"
}
reload
http 200 "$REGISTRY/v1/policy/$IDENTIFIER"
jq -e '[.results[].rules[] | select(.rule == "trust") | .passed] | length == 3 and all' "$WORK/body" >/dev/null || fail "no rule of trust"
jq -S 'del(.results[].rules[] | select(.rule == "trust"))' "$WORK/body" | cmp - <(jq -S . "$WORK/out") || fail "registry and command decide differently: $(cat "$WORK/body")"
code 0 env STRATA_POLICY="$P" "$STRATA_BIN/strata" --registry "$REGISTRY" policy check "$IDENTIFIER"
mkdir -p "$XDG_CONFIG_HOME/strata"
echo "policy = \"$P\"" >"$XDG_CONFIG_HOME/strata/config.toml"
code 0 check
code 4 env STRATA_POLICY="$WORK/missing" "$STRATA_BIN/strata" --registry "$REGISTRY" policy check "$IDENTIFIER"
says "refused by $WORK/missing: everything is: the policy file cannot be read" err
code 4 strata pull "$IDENTIFIER" --policy "$WORK/missing" -o "$WORK/pulled"
policy "[endorsers]" 'allow = ["nobody@images.example"]'
code 4 check
says "no entry of $IDENTIFIER passes" err
says "  FAIL  endorsers.allow: ops@images.example is not listed" err
[[ ! -s $WORK/out ]] || fail "a refusal on standard output"
code 4 check --json
expect accepted "$(jq .accepted "$WORK/out")" false
code 4 strata pull "$IDENTIFIER" -o "$WORK/pulled" # the policy of config.toml
says "refused by $P" err
[[ ! -e $WORK/pulled ]] || fail "a refused image was written"
rm -r "$XDG_CONFIG_HOME"
if [[ ! -e /etc/strata/policy.toml && ! -e /etc/stratuslab/policy.cfg ]]; then
  code 4 check
  says "there is no policy; name one" err
fi
policy ""
code 4 strata policy check AAAAAAAAAAAAAAAAAAAAAAAAAAA --policy "$P"
says "there is no entry" err
code 2 strata policy check abc --policy "$P"
code 5 "$STRATA_BIN/strata" --registry http://127.0.0.1:1 policy check "$IDENTIFIER" --policy "$P"
policy "[endorsers]" "alow = []"
code 4 check --policy "$P"
says "unknown key 'endorsers.alow'" err
reload
http 200 "$REGISTRY/v1/policy/$IDENTIFIER"
expect accepted "$(jq .accepted "$WORK/body")" false

say "policy: fingerprints, checksums of both forms, quorum, and StratusLab's file"
accepts() { policy "$@" && code 0 check --policy "$P"; }
refuses() { policy "$@" && code 4 check --policy "$P"; }
accepts "signers.allow_fingerprints = ['$(fingerprint qa)']"
says "/qa@images.example/"
accepts "signers.deny_subjects = ['CN=qa,O=Example', 'CN=grid,O=Example']"
says "/ops@images.example/"
accepts "checksums.allow_sha256 = ['$(sha 256 "$WORK/one.raw")']" "require.encodings = ['gzip']" "require.formats = ['qcow2']"
refuses "checksums.allow_sha256 = ['$(sha 256 "$WORK/one.raw.gz")']"
refuses "checksums.deny_sha256 = ['$(sha 256 "$WORK/one.raw.gz")']"
refuses "checksums.deny_sha1 = ['$(sha 1 "$WORK/one.raw")']"
refuses "images.deny = ['$IDENTIFIER']"
refuses "require.encodings = ['identity']"
accepts "require.max_age = '1h'"
accepts "quorum.count = 3"
refuses "quorum.count = 4"
refuses "quorum.count = 2" "endorsers.allow = ['ops@images.example']"
lists() { printf '[endorsers]\nwhitelistendorsers=\nblacklistendorsers=%s\n[images]\nwhitelistimages=\nblacklistimages=\n[checksums]\nwhitelistchecksums=\nblacklistchecksums=%s\n' "$1" "$2"; }
lists $'\n  ops@images.example\n  qa@images.example' "" >"$WORK/policy.cfg"
code 0 check --policy "$WORK/policy.cfg"
says "/grid@images.example/"
lists "" "$(sha 1 "$WORK/one.raw")" >"$WORK/policy.cfg"
code 4 check --policy "$WORK/policy.cfg"

say "pull: an entry that hides its SHA-256 does not get past a list of them"
start_storage --register none # no entry that names it
noise 100000 hidden >"$WORK/hidden.raw"
upload "$WORK/hidden.raw" "hidden.raw?visibility=public"
code 0 strata metadata build "$WORK/hidden.raw" --location "$STORAGE/v1/images/$ID/content" -o "$WORK/whole.xml"
python3 - "$WORK/whole.xml" "$WORK/hidden.xml" <<'END'
import re, sys
text = open(sys.argv[1]).read()
text = re.sub(r"<slreq:checksum [^>]*>\s*<slreq:algorithm>SHA-(256|512).*?</slreq:checksum>\s*", "", text, flags=re.S)
open(sys.argv[2], "w").write(re.sub(r"<strata:stored.*?</strata:stored>\s*", "", text, flags=re.S))
END
sign_as qa "$WORK/hidden.xml" "$WORK/hidden-signed.xml"
code 0 strata register "$WORK/hidden-signed.xml"
HIDDEN=$(xpath identifier "$WORK/hidden.xml")
policy "checksums.deny_sha256 = ['$(sha 256 "$WORK/hidden.raw")']"
code 4 strata pull "$HIDDEN" --policy "$P" -o "$WORK/pulled"
says "refused by the site's policy: checksums.deny_sha256" err
[[ -z $(compgen -G "$WORK/pulled*") ]] || fail "something is left of a refused image"
policy ""
code 0 strata pull "$HIDDEN" --policy "$P" -o "$WORK/pulled"
same "$WORK/pulled" "$WORK/hidden.raw"
rm "$WORK/pulled"

say "deprecate: a newer entry of the same endorser, signed, strictly valid"
code 0 strata metadata deprecate "$IDENTIFIER" --reason "old & <broken>" --key "$WORK/ops.key" --cert "$WORK/ops.crt" -o "$WORK/deprecated.xml"
xmlsec_verifies ops "$WORK/deprecated.xml"
code 0 strata metadata verify "$WORK/deprecated.xml"
expect reason "$(xpath deprecated "$WORK/deprecated.xml")" "old & <broken>"
[[ $(xpath created "$WORK/deprecated.xml") > $CREATED ]] || fail "not newer"
# The same values: of the first document, once more, without what says when and why.
values() { xmllint --c14n "$1" | grep -v "deprecated>\|<dcterms:created>" | sed '/<Signature/,$d'; }
diff <(values "$WORK/ops.xml") <(values "$WORK/deprecated.xml") || fail "deprecation changed values"
code 0 strata search --endorser ops@images.example
expect "before it is registered" "$(wc -l <"$WORK/out")" 1
code 0 strata metadata deprecate "$IDENTIFIER" --reason "old & <broken>" --key "$WORK/ops.key" --cert "$WORK/ops.crt"
says "^registered: "
code 0 strata search --endorser ops@images.example
[[ ! -s $WORK/out ]] || fail "still valid: $(cat "$WORK/out")"
code 0 strata search --endorser ops@images.example --status deprecated
says "  deprecated  "
code 0 strata entry "$OPS" # the older one stays under its name
accepts "endorsers.deny = ['grid@images.example']"
says "/qa@images.example/"
refuses "endorsers.allow = ['ops@images.example']"
says "FAIL  require.status: deprecated: old & <broken>" err
code 0 strata metadata deprecate "$IDENTIFIER" --reason again --key "$WORK/ops.key" --cert "$WORK/ops.crt" --created "$CREATED"
code 0 env STRATA_P12_PASSWORD=s3cret "$STRATA_BIN/strata" --registry "$REGISTRY" metadata deprecate "$WORK/grid.xml" --reason gone \
  --p12 "$WORK/old.p12" -o "$WORK/gone.xml" --register
xmlsec_verifies grid "$WORK/gone.xml"
code 0 strata register "$WORK/gone.xml"
says "^already there: "
code 1 strata register "$WORK/grid.xml" # replayed: a newer one is there
# Whoever can post in this name: its values do not get our signature unless we say so.
identity usurper ops@images.example
code 4 strata metadata deprecate "$IDENTIFIER" --reason no --key "$WORK/usurper.key" --cert "$WORK/usurper.crt" -o "$WORK/usurped.xml"
says "another certificate, sha-256 $(fingerprint ops).*--any-signer" err
[[ ! -e $WORK/usurped.xml ]] || fail "signed all the same"
code 0 strata metadata deprecate "$IDENTIFIER" --reason renewed --key "$WORK/usurper.key" --cert "$WORK/usurper.crt" --any-signer -o "$WORK/renewed.xml"
xmlsec_verifies usurper "$WORK/renewed.xml"
code 0 strata metadata deprecate "$IDENTIFIER" --reason renewed --key "$WORK/usurper.key" --cert "$WORK/usurper.crt" --created "$CREATED" -o "$WORK/renewed.xml"
identity stranger stranger@images.example
code 3 strata metadata deprecate "$IDENTIFIER" --reason no --key "$WORK/stranger.key" --cert "$WORK/stranger.crt"
says "no entry of $IDENTIFIER endorsed by stranger@images.example" err
code 2 strata metadata deprecate "$IDENTIFIER" --key "$WORK/ops.key" --cert "$WORK/ops.crt"
code 2 strata metadata deprecate "$IDENTIFIER" --reason x
code 2 strata metadata deprecate "$WORK/nothing.xml" --reason x --key "$WORK/ops.key" --cert "$WORK/ops.crt"

say "every command explains itself"
for command in register search entry "policy check" "metadata build" "metadata sign" "metadata deprecate" pull; do
  # shellcheck disable=SC2086
  code 0 strata $command --help
  says "Usage: .*${command##* }"
done
