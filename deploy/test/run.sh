#!/usr/bin/env bash
# npm run test:deploy: builds the image from the unmodified Dockerfile, runs Compose and the Kubernetes manifests on a
# Docker engine of its own, kills and restarts processes under load, and compares what was recorded with what was due.
# Needs root on Debian 12, npm with the project's packages, and about 2 GB of disk; no image registry.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
project=$(cd "$here/../.." && pwd)
work=${DEPLOY_TEST_DIR:-$(mktemp -d)}
node=$project/node_modules/.bin/node
step() { printf '\n== %s (%s s)\n' "$1" "$SECONDS"; }

# With --if-possible, a machine that cannot run a Docker engine is no failure: the reason is printed.
cannot() {
  echo "the deployment is not tested: $1"
  [ "$if_possible" != --if-possible ] || exit 0
  exit 1
}
if_possible=${1:-}
[ "$(id -u)" = 0 ] || cannot "it needs root"
command -v apt-get >/dev/null || cannot "it needs Debian's packages"

step "engine"
source "$here/engine.sh" "$work/engine"
(set -e; engine_packages) || cannot "the packages of the Docker engine cannot be fetched"
engine_start || cannot "the Docker engine does not start"
export KINIT_PORT=127.0.0.1:19000 EXECUTOR_ACK_WAIT_MS=3000 NATS_PASSWORD=of-the-test MONGO_PASSWORD=of-the-test POSTGRES_PASSWORD=of-the-test
export MONGO_DB_URL="mongodb://mongo:27017/kinit?replicaSet=rs0"
compose() { docker compose -f "$project/deploy/compose.yaml" -f "$here/compose.offline.yaml" "$@"; }
finish() {
  compose --profile small down --volumes --timeout 10 >/dev/null 2>&1 || true
  "$node" "$here/pods-on-docker.ts" down </dev/null >/dev/null 2>&1 || true
  engine_stop || true
  [ -n "${DEPLOY_TEST_DIR:-}" ] || { sleep 3; rm -rf "$work"; }
}
trap finish EXIT

step "base images"
"$here/base-images.sh" || cannot "the base images cannot be made"

step "image"
docker build --quiet --build-arg REVISION="$(git -C "$project" rev-parse --short HEAD)" \
  -f "$project/deploy/Dockerfile" -t kinit-fast-task:latest "$project" >/dev/null
size=$(docker image inspect kinit-fast-task:latest --format '{{.Size}}')
printf 'image: %s MB\n' $((size / 1000000))
[ "$size" -lt 250000000 ]
docker run --rm --entrypoint node kinit-fast-task:latest -e '
  const { existsSync, readdirSync } = require("node:fs");
  const files = readdirSync("/app", { recursive: true });
  const unwanted = files.filter((file) => !file.startsWith("node_modules") && /\.(spec|fixture)\.ts$|^\.env|^\.git/.test(file));
  unwanted.push(...["node_modules/typescript", "node_modules/node", "/bin/sh", "/usr/local/bin/npm"].filter(existsSync));
  if (unwanted.length > 0) throw new Error(`in the image: ${unwanted}`);
  if (process.getuid() !== 1000) throw new Error("runs as another user");'

observe() { "$node" "$here/observe.ts" "$base" "$@"; }
base=http://127.0.0.1:19000

step "Compose: every service in containers of its own"
compose up --detach --wait --wait-timeout 240 >"$work/up.log" 2>&1 || { tail -20 "$work/up.log"; compose logs --tail 20; exit 1; }
observe ready
docker exec kinit-gateway-1 node -e '
  fetch("http://127.0.0.1:9090/metrics").then((response) => response.text()).then((text) => {
    if (!/^kinit_bus_waiting_events\{group="executor",pattern="task.due"\} \d/m.test(text)) throw new Error(text);
  })'
# The consumer that KEDA watches exists, and so does its stream.
docker exec kinit-nats-1 wget -qO- 'http://127.0.0.1:8222/jsz?consumers=1' >"$work/jsz.json"
consumer=$(sed -n 's/ *consumer: //p' "$project/deploy/kubernetes/overlays/production/scaling.yaml")
grep -q "\"name\": \"$consumer\"" "$work/jsz.json"
docker stats --no-stream --format '{{.Name}} {{.MemUsage}}' | sort

task=$(observe task)
sleep 4
step "an executor is killed"
docker kill --signal KILL kinit-executor-1 >/dev/null
sleep 6
docker start kinit-executor-1 >/dev/null
step "the leader is killed"
active=
for n in 1 2; do
  docker exec "kinit-scheduler-$n" node -e '
    fetch("http://127.0.0.1:9090/metrics").then((response) => response.text()).then((text) => {
      process.exitCode = /^kinit_scheduler_leader 1$/m.test(text) ? 0 : 1;
    })' && active=kinit-scheduler-$n
done
docker kill --signal KILL "$active" >/dev/null
sleep 3
docker start "$active" >/dev/null
step "NATS is restarted, MongoDB is killed"
docker restart --time 30 kinit-nats-1 >/dev/null
docker kill --signal KILL kinit-mongo-1 >/dev/null
docker start kinit-mongo-1 >/dev/null
observe ready
step "a rolling restart of every service"
for container in $(compose ps --format "{{.Name}}" scheduler executor records crawler auth gateway); do
  docker stop --time 70 "$container" >/dev/null
  [ "$(docker inspect "$container" --format '{{.State.ExitCode}}')" = 0 ] || { docker logs --tail 5 "$container"; exit 1; }
  docker start "$container" >/dev/null
done
observe ready
observe pause "$task"
observe records "$task"
compose down --volumes --timeout 70 >/dev/null 2>&1

step "Compose: everything in one container"
compose --profile small up --detach --wait --wait-timeout 120 --no-deps small >/dev/null 2>&1 || { compose logs small; exit 1; }
task=$(observe task)
sleep 3
docker kill --signal KILL kinit-small-1 >/dev/null
docker start kinit-small-1 >/dev/null
observe ready
observe pause "$task"
observe records "$task"
compose --profile small down --volumes --timeout 70 >/dev/null 2>&1

step "Kubernetes: manifests rendered, the small overlay as containers"
for overlay in overlays/small overlays/production migration; do
  kubectl kustomize "$project/deploy/kubernetes/$overlay" >"$work/$(basename "$overlay").yaml"
done
"$node" "$here/pods-on-docker.ts" check <"$work/production.yaml"
base=$("$node" "$here/pods-on-docker.ts" up <"$work/small.yaml")
observe ready
task=$(observe task)
sleep 3
docker kill --signal KILL pods-executor-0 pods-scheduler-0 >/dev/null
docker start pods-executor-0 pods-scheduler-0 >/dev/null
observe ready
observe pause "$task"
observe records "$task"
step "done"
