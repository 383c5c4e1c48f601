# Every page of the registry that links lead to is valid HTML that a screen reader can use, by html-validate;
# no link leads nowhere.
. "$(dirname "$0")/lib.sh"
here=$(dirname "$0")
NPM_FOLDER=$("$here/../support/npm_packages.sh" html-validate html-validate@8.29.0) || exit $?

# endorser NAME: its key and certificate in $WORK.
endorser() {
  openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 30 -subj "/CN=$1/O=Images & co" \
    -addext "subjectAltName=email:$1@images.example" -keyout "$WORK/$1.key" -out "$WORK/$1.crt" 2>/dev/null
}
# publish ENDORSER FILE ARGS...: signs and posts what `strata metadata build` makes of them.
publish() {
  local who=$1 file=$2
  shift 2
  "$STRATA_BIN/strata" metadata build "$file" -o - "$@" |
    "$STRATA_BIN/strata" metadata sign - --key "$WORK/$who.key" --cert "$WORK/$who.crt" -o "$WORK/signed.xml"
  http 201 -H 'Content-Type: application/rdf+xml' --data-binary "@$WORK/signed.xml" "$REGISTRY/metadata"
}

start_registry
endorser ops
endorser dev
noise 1000 one >"$WORK/one"
noise 1001 two >"$WORK/two"
publish ops "$WORK/one" --title 'Debian & "friends"' --description '</dd><script>alert(1)</script>' --os Debian \
  --os-version 12 --os-arch x86_64 --tag 'stable & "new"' --tag '</ul>' --kind machine \
  --location 'https://images.example/one?a=1&b=2' --location 'javascript:alert(1)'
publish dev "$WORK/one" --title 'The same image'
publish dev "$WORK/two" --kind disk --valid 2000-01-01T00:00:00Z
sleep 1.1 # the date of an entry has whole seconds
publish ops "$WORK/one" --title 'Debian, newer'

say "following every link"
declare -A seen=()
queue=('/' '/metadata?media=html&status=all&limit=1' '/nonsense' '/v1/entries?limit=x' '/query' '/?q=%22%3E%3Cb%3E'
  '/endorsers/ops@images.example?media=html&range=1' '/endorsers/nobody@images.example?media=html')
# The older entry, which says where the newer one is; read from the change feed.
http 200 "$REGISTRY/v1/changes"
oldest=$(json '.changes[0].entry')
queue+=("${oldest#"$REGISTRY"}")
mkdir "$WORK/pages"
pages=0
while ((${#queue[@]} > 0)); do
  target=${queue[0]}
  queue=("${queue[@]:1}")
  [[ -z ${seen[$target]:-} ]] || continue
  seen[$target]=1
  ((${#seen[@]} < 300)) || fail "more than 300 pages: $target"
  status=$(curl -sS -H 'Accept: text/html,application/xhtml+xml' -o "$WORK/body" -D "$WORK/head" -w '%{http_code}' \
    "$REGISTRY$target")
  if [[ $target != /nonsense && $target != /query && $target != */nobody@* && $target != /v1/entries* && $status != 200 ]]; then
    fail "$target: $status"
  fi
  [[ $(header Content-Type) == text/html* ]] || continue
  pages=$((pages + 1))
  cp "$WORK/body" "$WORK/pages/$pages.html"
  xmllint --html --noout --nonet "$WORK/body" 2>"$WORK/xmllint" || true
  # Its HTML is that of version 4.
  ! grep 'error' "$WORK/xmllint" | grep -vE 'Tag (header|nav|main|time) invalid' ||
    fail "$target: $(cat "$WORK/xmllint")"
  while read -r link; do
    link=$(sed 's/&amp;/\&/g; s/&quot;/"/g; s/&lt;/</g; s/&gt;/>/g' <<<"$link")
    if [[ $link == /* ]]; then queue+=("$link"); fi
  done < <(grep -oE '(href|action)="[^"]*"' "$WORK/body" | sed -E 's/^[a-z]+="//; s/"$//')
done
say "$pages pages, ${#seen[@]} targets"
((pages >= 20)) || fail "that is too few"
grep -qls 'A newer entry' "$WORK/pages"/*.html || fail "no page says that there is a newer entry"
grep -qls 'Other entries of this image' "$WORK/pages"/*.html || fail "no page names other entries"
! grep -l '<script' "$WORK/pages"/*.html || fail "a script got through"

say "html-validate"
cat >"$WORK/pages/.htmlvalidate.json" <<'JSON'
{"root": true, "extends": ["html-validate:standard", "html-validate:a11y"],
 "rules": {"void-style": "off", "doctype-style": "off", "long-title": "off", "no-trailing-whitespace": "off",
  "require-sri": "off", "no-inline-style": "error"}}
JSON
(cd "$WORK/pages" && node "$NPM_FOLDER/node_modules/html-validate/bin/html-validate.js" ./*.html) >"$WORK/verdict" 2>&1 ||
  fail "$(head -c 3000 "$WORK/verdict")"
say "done"
