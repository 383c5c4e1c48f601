# kill -9 at any moment, again and again, while two clients upload and delete: what was acknowledged is
# there, whole; what was deleted is not; what was in flight is whole or not there at all.
# ROUNDS is the number of kills; tools/test --long runs many more than the standard tests.
. "$(dirname "$0")/lib.sh"
ROUNDS=${ROUNDS:-10}
RANDOM=${SEED:-1}
echo "SEED=${SEED:-1}"

sizes=(0 1 4096 1048576 1048577 3000001)
declare -A SHA=()
for i in "${!sizes[@]}"; do
  noise "${sizes[i]}" "loop$i" >"$WORK/file.$i"
  SHA[$i]=$(sha 256 "$WORK/file.$i")
done
gzip -c "$WORK/file.5" >"$WORK/file.6"
SHA[6]=$(sha 256 "$WORK/file.6")

# client N: uploads files under names that end in the file's number, deletes every third image again.
# It writes down "up ID FILE" when an upload was acknowledged, "try ID" before and "gone ID" after a
# deletion, and ends when the server does not answer any more.
client() {
  local n=0 file id
  while true; do
    n=$((n + 1))
    file=$(((n + $1) % 7))
    id=$(curl -sf --max-time 20 -T "$WORK/file.$file" "$STORAGE/v1/upload/client-$1-$n.$file" | jq -er .id) || return 0
    echo "up $id $file" >>"$WORK/journal.$1"
    if ((n % 3 == 0)); then
      echo "try $id" >>"$WORK/journal.$1"
      curl -sf --max-time 20 -X DELETE "$STORAGE/v1/images/$id" || return 0
      echo "gone $id" >>"$WORK/journal.$1"
    fi
  done
}

# Every page of the list: "ID NAME" lines.
list_all() {
  local next="/v1/images?limit=1000"
  while [[ -n $next ]]; do
    curl -sSf "$STORAGE$next" -o "$WORK/page"
    jq -r '.images[] | "\(.id) \(.name)"' "$WORK/page"
    next=$(jq -r '.next // ""' "$WORK/page")
  done
}

check_all() {
  list_all >"$WORK/listed"
  # What must be there, what must not; a deletion without an answer may be either.
  cat "$WORK"/journal.* | awk -v listed="$WORK/listed" '
    $1 == "up" { up[$2] = 1 }
    $1 == "try" { tried[$2] = 1 }
    $1 == "gone" { gone[$2] = 1 }
    END {
      while ((getline line <listed) > 0) { split(line, f, " "); there[f[1]] = 1 }
      for (id in up) if (!(id in tried) && !(id in there)) { print "lost: " id; bad = 1 }
      for (id in gone) if (id in there) { print "came back: " id; bad = 1 }
      exit bad
    }' || fail "round $round: the list is not what was acknowledged"
  local id name
  while read -r id name; do
    [[ ! -e $WORK/checked/$id ]] || continue
    expect "round $round: sha-256 of $name" \
      "$(curl -sSf "$STORAGE/v1/images/$id/content" | sha256sum | cut -d' ' -f1)" "${SHA[${name##*.}]}"
    : >"$WORK/checked/$id"
  done <"$WORK/listed"
}

mkdir "$WORK/checked"
touch "$WORK/journal.0" "$WORK/journal.1"
for ((round = 1; round <= ROUNDS; ++round)); do
  start_storage
  check_all
  clients=()
  for n in 0 1; do
    client "$n" 2>/dev/null &
    clients+=($!)
  done
  # The moment of the kill is the point of this test, so it is a matter of time.
  sleep "0.$((100 + RANDOM % 600))"
  stop storage KILL || true
  wait "${clients[@]}" || true
done 2>/dev/null # bash would report each kill
start_storage
check_all
say "$ROUNDS kills, $(grep -hc '^up' "$WORK"/journal.* | awk '{n += $1} END {print n}') uploads acknowledged, $(wc -l <"$WORK/listed") images there"
[[ -s $WORK/listed ]] || fail "no upload was acknowledged: nothing was tested"
