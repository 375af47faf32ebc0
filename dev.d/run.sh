# Sourced by ./dev. `./dev run [CONFIG]`: demo services and the gateway in the foreground, until Ctrl-C.
# Ports come from the configuration file itself (and from demo/services.py for the services), so there is one truth.

certificate() {
  [[ -s run/dev.crt && -s run/dev.key ]] && return 0
  mkdir -p run
  openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 365 -subj "/CN=localhost" \
    -addext "subjectAltName=DNS:localhost,DNS:*.example.com,IP:127.0.0.1" \
    -keyout run/dev.key -out run/dev.crt 2>run/openssl.log || { cat run/openssl.log >&2; die "openssl failed (above)"; }
  say "run: made a self-signed certificate for localhost in run/dev.crt"
}

listening() { (exec 3<>"/dev/tcp/127.0.0.1/$1") 2>/dev/null; }

free_or_die() {
  listening "$1" || return 0
  die "port $1 on 127.0.0.1 is taken; $2. Stop what listens there, or change the port:
     copy demo/weir.yaml, edit the copy and start ${3:-}./dev run COPY"
}

run() {
  local config=${1:-demo/weir.yaml} first=${WEIR_DEMO_BASE:-9001} port admin pids=()
  [[ -f $config ]] || die "no file $config"
  admin=$(sed -nE 's/^admin:.*address: *"?127\.0\.0\.1:([0-9]+).*/\1/p' "$config")
  [[ -n $admin ]] || die "$config has no line 'admin: {address: 127.0.0.1:PORT}', which ./dev run waits for"
  certificate
  mkdir -p logs run
  build release weir

  for port in $(sed -nE '/^upstreams:/,$d; s/^ *#.*//; s/.*address: *"?127\.0\.0\.1:([0-9]+).*/\1/p' "$config"); do
    free_or_die "$port" "$config listens on it"
  done
  for port in $(seq "$first" $((first + 4))); do
    free_or_die "$port" "a demo service wants it (as in the file's upstreams)" "WEIR_DEMO_BASE=$((first + 100)) "
  done

  trap 'trap - EXIT INT TERM; kill -TERM "${pids[@]}" 2>/dev/null || true; wait' EXIT
  trap 'exit 130' INT TERM
  /usr/bin/python3 demo/services.py >logs/services.log 2>&1 & pids+=($!)
  build/release/weir serve --config "$config" & pids+=($!)

  local tries
  for tries in $(seq 100); do  # 100 × 0.1 s: start-up takes a fraction of a second, even on a busy machine.
    kill -0 "${pids[1]}" 2>/dev/null || { wait "${pids[1]}" || true; die "the gateway stopped while starting (its words are above)"; }
    listening $((first + 4)) && curl -fsS -o run/readyz -m 1 "http://127.0.0.1:$admin/readyz" 2>/dev/null && break
    sleep 0.1
    [[ $tries != 100 ]] || die "not ready within 10 s; see the gateway's words above and logs/services.log"
  done
  [[ $config == demo/weir.yaml ]] && tour
  wait -n "${pids[@]}" || true
  die "a process ended by itself; see above, and logs/services.log"
}

tour() {
  cat <<'TEXT'

Weir is ready: http://127.0.0.1:8080, https://127.0.0.1:8443, admin http://127.0.0.1:9080. In another terminal, try:

  curl -i http://127.0.0.1:8080/api/v1/users                       five services behind one address ...
  curl    http://127.0.0.1:8080/api/v1/users/2
  curl    http://127.0.0.1:8080/api/v1/orders/1001
  curl -N http://127.0.0.1:8080/api/v1/notifications/stream        ... Server-Sent Events, as they happen ...
  curl    http://127.0.0.1:8080/api/v1/recommendations/2           ... one in ten users gets the canary
  curl    http://127.0.0.1:8080/api/v1/banners

  curl -i -d '{"name":"Ada"}' http://127.0.0.1:8080/api/v1/users   by method: POST creates ...
  curl -i -X DELETE http://127.0.0.1:8080/api/v1/users/2           ... and DELETE is 405, with Allow
  curl -H 'Host: shop.example.com' http://127.0.0.1:8080/orders/1001
                                                                   by host
  curl -k https://127.0.0.1:8443/api/v1/banners                    TLS, with the certificate in run/dev.crt
  curl    http://127.0.0.1:8080/api/v1/users/headers               what the service saw: request id, trace, Forwarded
  curl -i -H 'Origin: https://shop.example.com' http://127.0.0.1:8080/api/v1/banners
                                                                   a page of another origin may read it (CORS)
  curl -i http://127.0.0.1:8080/old-banners                        a redirect, written in the file
  curl    http://127.0.0.1:9080/metrics                            Prometheus metrics
  tail -f logs/access.ndjson                                       one JSON line per request

  build/release/weir routes --config demo/weir.yaml --match 'GET /api/v1/users/2'
                                                                   which route takes it, and why

Now open demo/weir.yaml, change something (the body of the `hello` route, say) and save: the gateway reloads
without dropping a request. Save a mistake: it keeps the old configuration and tells you where the mistake is.
Ctrl-C stops everything.

TEXT
}
