# source engine.sh DIRECTORY: a Docker engine of this shell's own, from Debian's packages. Nothing is installed as a
# service and all its files are in DIRECTORY, except runc, iptables, libdevmapper and mmdebstrap. `engine_stop` ends an engine that
# `engine_start` has started; one that runs already is used.
ENGINE_AT=$(realpath -m "$1")
mkdir -p "$ENGINE_AT"/{debs,root,apt/lists/partial,apt/cache/archives/partial,config/cli-plugins}

engine_packages() {
  [ -x "$ENGINE_AT/root/usr/sbin/dockerd" ] && return
  apt-get -qq update
  apt-get -qq install -y --no-install-recommends runc iptables libdevmapper1.02.1 mmdebstrap >/dev/null
  local mirror
  mirror=${MIRROR:-$(apt-get indextargets --format '$(SITE)' 'Created-By: Packages' | grep -v security | head -n 1)}
  # Compose 2, buildx and kubectl come from the next Debian; they need only this one's libc.
  echo "deb [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] $mirror trixie main" >"$ENGINE_AT/apt/list"
  local trixie=(-qq -o "Dir::Etc::sourcelist=$ENGINE_AT/apt/list" -o Dir::Etc::sourceparts=/dev/null
    -o "Dir::State::lists=$ENGINE_AT/apt/lists" -o "Dir::Cache=$ENGINE_AT/apt/cache" -o APT::Sandbox::User=root)
  apt-get "${trixie[@]}" update
  (cd "$ENGINE_AT/debs" &&
    apt-get -qq -o APT::Sandbox::User=root download docker.io containerd tini &&
    apt-get "${trixie[@]}" download docker-compose/trixie docker-buildx/trixie kubectl/trixie)
  for package in "$ENGINE_AT"/debs/*.deb; do dpkg -x "$package" "$ENGINE_AT/root"; done
  ln -sf "$ENGINE_AT"/root/usr/libexec/docker/cli-plugins/* "$ENGINE_AT/config/cli-plugins/"
}

engine_start() {
  export PATH="$ENGINE_AT/root/usr/bin:$ENGINE_AT/root/usr/sbin:/usr/sbin:/sbin:$PATH"
  export DOCKER_HOST="unix://$ENGINE_AT/docker.sock" DOCKER_CONFIG="$ENGINE_AT/config"
  docker version >/dev/null 2>&1 && return
  ENGINE_STARTED=1
  setsid dockerd --data-root "$ENGINE_AT/data" --exec-root "$ENGINE_AT/exec" -H "$DOCKER_HOST" \
    --pidfile "$ENGINE_AT/docker.pid" --bip "${ENGINE_BIP:-172.30.0.1/24}" >"$ENGINE_AT/dockerd.log" 2>&1 </dev/null &
  for _ in $(seq 150); do docker version >/dev/null 2>&1 && return; sleep 0.2; done
  tail -5 "$ENGINE_AT/dockerd.log" >&2
  return 1
}

engine_stop() { [ -z "${ENGINE_STARTED:-}" ] || [ ! -f "$ENGINE_AT/docker.pid" ] || kill "$(cat "$ENGINE_AT/docker.pid")"; }
