#!/bin/bash
# The strata command against real daemons: every subcommand, and the exit codes that scripts rely on.
. "$(dirname "$0")/lib.sh"

# code EXPECTED COMMAND...: runs it, its output in $WORK/out and $WORK/err.
code() {
  local expected=$1 status=0
  shift
  "$@" >"$WORK/out" 2>"$WORK/err" || status=$?
  [[ $status == "$expected" ]] || fail "$*: exit $status, expected $expected: $(cat "$WORK/out" "$WORK/err")"
}
strata() { "$STRATA_BIN/strata" --storage "$STORAGE" --registry "$REGISTRY" "$@"; }
export XDG_CONFIG_HOME=$WORK/config
export XDG_STATE_HOME=$WORK/state
unset STRATA_STORAGE STRATA_REGISTRY STRATA_TOKEN

start_registry
start_storage
{ head -c 3000000 /dev/urandom && head -c 4000001 /dev/zero; } >"$WORK/disk.raw"
xz -0 -k "$WORK/disk.raw"
gzip -1 -k "$WORK/disk.raw"
zstd -q -1 -k "$WORK/disk.raw"

say "digest agrees with sha*sum, of the stored and of the decoded bytes"
for suffix in "" .xz .gz .zst; do
  file=$WORK/disk.raw$suffix
  code 0 strata digest --json "$file"
  for algorithm in 1 256 512; do
    expect "stored sha-$algorithm of $file" "$(jq -r ".[0].stored.digests[\"sha-$algorithm\"]" "$WORK/out")" \
      "$("sha${algorithm}sum" <"$file" | cut -d' ' -f1)"
    expect "decoded sha-$algorithm of $file" "$(jq -r ".[0].decoded.digests[\"sha-$algorithm\"]" "$WORK/out")" \
      "$("sha${algorithm}sum" <"$WORK/disk.raw" | cut -d' ' -f1)"
  done
done
IDENTIFIER=$(jq -r '.[0].identifier' "$WORK/out")
code 0 strata digest - <"$WORK/disk.raw.gz"
grep -q "$IDENTIFIER" "$WORK/out" || fail "digest of standard input: $(cat "$WORK/out")"
code 3 strata digest "$WORK/nothing-here"
head -c 100000 "$WORK/disk.raw.xz" >"$WORK/cut.xz"
code 1 strata digest "$WORK/cut.xz"

say "digest of many files and folders, together, in order; what fails does not stop the others"
mkdir -p "$WORK/many/sub/deep"
for i in {10..59}; do head -c $((i * i * 331)) <(yes "file $i") >"$WORK/many/$i"; done
for i in {1..9}; do head -c $((i * 400000)) /dev/urandom >"$WORK/many/sub/$i"; done
: >"$WORK/many/sub/deep/empty"
gzip -k "$WORK/many/sub/9"
ln -s ../disk.raw "$WORK/many/link"
ln -s . "$WORK/many/circle"
code 0 strata digest --json "$WORK/many" "$WORK/disk.raw.zst"
expect "files" "$(jq -r '.[].file' "$WORK/out")" \
  "$(find "$WORK/many" -type f | LC_ALL=C sort)"$'\n'"$WORK/disk.raw.zst"
for algorithm in 1 256 512; do
  expect "sha-$algorithm of all" \
    "$(jq -r ".[] | \"\\(.stored.digests[\"sha-$algorithm\"])  \\(.file)\"" "$WORK/out")" \
    "$(jq -r '.[].file' "$WORK/out" | xargs "sha${algorithm}sum")"
done
expect "decoded" "$(jq -r '.[] | select(.file | endswith("9.gz")).decoded.digests["sha-256"]' "$WORK/out")" \
  "$(sha256sum <"$WORK/many/sub/9" | cut -d' ' -f1)"
code 3 strata digest --json "$WORK/disk.raw" "$WORK/nothing-here" "$WORK/cut.xz" "$WORK/disk.raw.gz"
expect "those that could be read" "$(jq -r '.[].file' "$WORK/out")" "$WORK/disk.raw"$'\n'"$WORK/disk.raw.gz"
grep -q "nothing-here" "$WORK/err" && grep -q "cut.xz" "$WORK/err" && grep -q "2 files could not be digested" "$WORK/err" ||
  fail "digest of many: $(cat "$WORK/err")"
code 0 strata digest "$WORK/many/sub/deep"
mkdir "$WORK/small" # more than may wait for the first, which takes longest
head -c 300000000 /dev/zero >"$WORK/small/0"
for i in {1000..2499}; do echo "$i" >"$WORK/small/$i"; done
code 0 strata digest --json "$WORK/small"
expect "sha-256 of many small files" \
  "$(jq -r '.[] | "\(.stored.digests["sha-256"])  \(.file)"' "$WORK/out" | sha256sum)" \
  "$(find "$WORK/small" -type f | LC_ALL=C sort | xargs sha256sum | sha256sum)"
rm -r "$WORK/small"
code 2 strata digest - - <"$WORK/disk.raw"
cp "$WORK/many/10" "$WORK/many/sub/deep/"$'\xff'
code 0 strata digest --json "$WORK/many/sub/deep"
iconv -f UTF-8 -t UTF-8 "$WORK/out" >/dev/null && jq -e 'length == 2' "$WORK/out" >/dev/null ||
  fail "a name that is not UTF-8: $(cat "$WORK/out")"

say "push, ls, show"
code 0 strata push "$WORK/disk.raw.xz" --public --name disk.raw.xz --tag web \
  --metadata "os=Debian,description=small, and fast" --json
ID=$(jq -er .id "$WORK/out")
expect "description" "$(jq -r .metadata.description "$WORK/out")" "small, and fast"
expect "identifier" "$(jq -r .identifier "$WORK/out")" "$IDENTIFIER"
code 0 strata ls
grep -q "$ID  public" "$WORK/out" || fail "ls: $(cat "$WORK/out")"
code 0 strata ls --json
expect "ls --json" "$(jq -r '.images[0].id' "$WORK/out")" "$ID"
for name in "$ID" "$IDENTIFIER" disk.raw.xz "sha256:$(sha256sum <"$WORK/disk.raw.xz" | cut -d' ' -f1)"; do
  code 0 strata show "$name" --json
  expect "show $name" "$(jq -r .id "$WORK/out")" "$ID"
done

say "a push that is killed is resumed by the same command"
truncate -s 1G "$WORK/large.raw"
begun() { compgen -G "$XDG_STATE_HOME/strata/uploads/*.json" >/dev/null; }
for options in "" "--parallel 4"; do
  # shellcheck disable=SC2086
  "$STRATA_BIN/strata" push "$WORK/large.raw" --storage "$STORAGE" --json $options >"$WORK/out" 2>"$WORK/err" &
  await 10 begun || fail "no state of the push: $(cat "$WORK/err")"
  kill -KILL $!
  wait $! || true
  # shellcheck disable=SC2086
  code 0 strata push "$WORK/large.raw" --json $options
  grep -q "(server has it)" "$WORK/err" || fail "not resumed: $(cat "$WORK/err")"
  expect "sha-256" "$(jq -r '.stored.digests["sha-256"]' "$WORK/out")" "$(sha256sum <"$WORK/large.raw" | cut -d' ' -f1)"
  ! begun || fail "the state is still there"
  code 0 strata rm "$(jq -r .id "$WORK/out")"
done
rm "$WORK/large.raw"
code 5 "$STRATA_BIN/strata" push "$WORK/disk.raw" --storage http://127.0.0.1:1 --retry-for 0

say "pull, of both views"
code 0 strata pull "$ID" -o "$WORK/pulled.xz"
cmp "$WORK/pulled.xz" "$WORK/disk.raw.xz"
code 0 strata pull "$ID" --decoded -o "$WORK/pulled.raw"
cmp "$WORK/pulled.raw" "$WORK/disk.raw"
code 1 strata pull "$ID" -o "$WORK/pulled.raw" # it exists
cmp "$WORK/pulled.raw" "$WORK/disk.raw"
(cd "$WORK" && mkdir here && cd here && code 0 strata pull "$ID" --decoded && cmp disk.raw ../disk.raw)

say "documents: build, sign with P-256 and RSA, verify, register, search, entry"
openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout "$WORK/ec.key" -out "$WORK/ec.crt" \
  -days 30 -subj "/O=Example/CN=Image Ops" -addext subjectAltName=email:ops@images.example 2>/dev/null
openssl req -x509 -newkey rsa:2048 -nodes -keyout "$WORK/rsa.key" -out "$WORK/rsa.crt" \
  -days 30 -subj "/O=Example/CN=Other Ops" -addext subjectAltName=email:other@images.example 2>/dev/null
code 0 strata metadata build "$WORK/disk.raw.xz" --title "Blue heron" --os Debian --os-version 12 \
  --location "$STORAGE/v1/images/$ID/decoded" -o "$WORK/plain.xml"
for kind in ec rsa; do
  code 0 strata metadata sign "$WORK/plain.xml" --key "$WORK/$kind.key" --cert "$WORK/$kind.crt" -o "$WORK/$kind.xml"
  code 0 strata metadata verify "$WORK/$kind.xml"
  code 0 xmlsec1 --verify --enabled-reference-uris empty --pubkey-cert-pem "$WORK/$kind.crt" "$WORK/$kind.xml"
  code 0 strata register "$WORK/$kind.xml"
  code 0 strata register "$WORK/$kind.xml"
  grep -q "already there" "$WORK/out" || fail "posted twice: $(cat "$WORK/out")"
done
sed 's/Blue heron/Grey heron/' "$WORK/ec.xml" >"$WORK/tampered.xml"
code 4 strata metadata verify "$WORK/tampered.xml"
code 4 strata register "$WORK/tampered.xml"
code 4 strata metadata verify "$WORK/plain.xml"
code 0 strata search blue her
expect "entries found" "$(wc -l <"$WORK/out")" 2
code 0 strata search --json blue --endorser ops@images.example
expect "endorser" "$(jq -r '.entries[0].endorser' "$WORK/out")" ops@images.example
code 0 strata entry "$IDENTIFIER"
grep -q "Blue heron" "$WORK/out" || fail "entry: $(cat "$WORK/out")"
code 3 strata entry AAAAAAAAAAAAAAAAAAAAAAAAAAA

say "pull by identifier through the registry, from another storage"
FIRST=$STORAGE
mv "$WORK/storage.log" "$WORK/first.log"
PID[first]=${PID[storage]}
"$STRATA_BIN/strata-storage" --data "$WORK/empty" --listen 127.0.0.1:0 2>"$WORK/storage.log" &
PID[storage]=$!
await 20 ready storage || fail "the second storage did not start"
STORAGE=$(sed -n 's/^listening on //p' "$WORK/storage.log" | head -n 1)
code 0 strata pull "$IDENTIFIER" -o "$WORK/elsewhere.raw"
cmp "$WORK/elsewhere.raw" "$WORK/disk.raw"
lists() { printf '[endorsers]\nwhitelistendorsers=%s\nblacklistendorsers=%s\n[images]\nwhitelistimages=\nblacklistimages=\n[checksums]\nwhitelistchecksums=\nblacklistchecksums=\n' "$1" "$2"; }
lists $'\n  ops@images.example' "" >"$WORK/allow.cfg"
code 0 strata pull "$IDENTIFIER" --policy "$WORK/allow.cfg" -o "$WORK/allowed.raw"
lists $'\n  nobody@images.example' "" >"$WORK/deny.cfg"
code 4 strata pull "$IDENTIFIER" --policy "$WORK/deny.cfg" -o "$WORK/denied.raw"
code 4 strata pull "$IDENTIFIER" --policy "$WORK/missing.cfg" -o "$WORK/denied.raw"
[[ ! -e $WORK/denied.raw ]] || fail "a refused image was written"
code 3 strata pull AAAAAAAAAAAAAAAAAAAAAAAAAAA -o "$WORK/denied.raw"

say "rm, and the exit codes"
STORAGE=$FIRST
code 0 strata push "$WORK/disk.raw.gz" --name twice
code 0 strata push "$WORK/disk.raw.zst" --name twice
code 2 strata show twice
code 0 strata rm "$ID"
code 3 strata show "$ID"
code 3 strata rm "$ID"
code 2 strata push
code 2 strata nonsense
code 2 strata push "$WORK/disk.raw" --metadata nonsense
code 3 strata push "$WORK/nothing-here"
code 5 "$STRATA_BIN/strata" --storage http://127.0.0.1:1 ls
code 0 strata --version
# An option takes one value, not the FILE behind it; a full disk is not a success.
code 0 "$STRATA_BIN/strata" push --storage "$STORAGE" --registry "$REGISTRY" --tag web --metadata os=Debian "$WORK/disk.raw" --name behind
code 1 bash -c '"$0" digest "$1" >/dev/full' "$STRATA_BIN/strata" "$WORK/disk.raw"
# Names from outside do not reach the terminal as they are.
code 3 strata digest $'no\e[31m-such\u009b31m'
! grep -q $'\e\|\u009b' "$WORK/err" || fail "control characters: $(od -c "$WORK/err")"
mkdir -p "$XDG_CONFIG_HOME/strata"
echo 'storrage = "http://127.0.0.1:1"' >"$XDG_CONFIG_HOME/strata/config.toml"
code 2 strata ls
grep -q "config.toml:1: unknown key 'storrage'" "$WORK/err" || fail "unknown key: $(cat "$WORK/err")"
rm -r "$XDG_CONFIG_HOME"

say "bench digest writes its figures and draws them"
code 0 strata bench digest --rounds 1 --mib 2 --streams 6 --json "$WORK/bench.json" --plot "$WORK/bench.svg"
grep -q "strata, lanes, 6 streams" "$WORK/out" || fail "bench: $(cat "$WORK/out")"
jq -e '.rows | length >= 13 and all(.bytes_per_second > 0 and .ratio > 0)' "$WORK/bench.json" >/dev/null || fail "bench: $(cat "$WORK/bench.json")"
expect "numbers of streams" "$(jq -c '[.rows[] | select(.method == "lanes" and .threads == 1).streams]' "$WORK/bench.json")" "[1,2,3,4,6]"
xmllint --noout "$WORK/bench.svg" || fail "the plot is not well-formed XML"
expect "points of lanes" "$(xmllint --xpath 'count(//*[local-name()="circle"])' "$WORK/bench.svg")" 5
cpu=$(sed -n 's/^Cpus_allowed_list:\t\([0-9]*\).*/\1/p' /proc/self/status)
code 0 taskset -c "$cpu" "$STRATA_BIN/strata" bench digest --rounds 1 --mib 1 --streams 2
grep -q "no rows of two threads: this process may use one CPU only" "$WORK/out" || fail "one CPU: $(cat "$WORK/out")"
! grep -q "on two threads" "$WORK/out" || fail "two threads on one CPU: $(cat "$WORK/out")"
code 1 strata bench digest --plot "$WORK/no-such/plot.svg"
grep -q "cannot write $WORK/no-such/plot.svg: No such file" "$WORK/err" || fail "plot: $(cat "$WORK/err")"
code 2 strata bench digest --plot "$WORK/same" --json "$WORK/same"
code 2 strata bench digest --threads 0
code 2 strata bench digest --threads 257
