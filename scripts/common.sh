# Shared by the scripts of this folder; read with `. scripts/common.sh` at the top of the repository.
# shellcheck shell=bash disable=SC2034
VERSION=$(sed -n '/^\[workspace.package\]/,/^\[/s/^version = "\(.*\)"/\1/p' Cargo.toml)
IMAGE_PREFIX=${IMAGE_PREFIX:-ticket-system} TAG=${TAG:-$VERSION}
NAME=${NAME:-my-ticketsystem} NAMESPACE=${NAMESPACE:-default}
OPERATOR_NAMESPACE=ticket-system
KIND_CLUSTER=${KIND_CLUSTER:-ticket-system}

# What is missing is collected, so that one run names all of it, and nothing is changed before.
missing=()
lacking() { missing+=("$1"); }
need() { command -v "$1" > /dev/null 2>&1 || lacking "$1 is missing: $2"; }
finish_needs() {
    [ ${#missing[@]} -eq 0 ] && return
    printf '%s\n' "${missing[@]}" >&2
    exit 2
}
step() { printf '\n\033[1m%s\033[0m\n' "$*"; }
need_cluster() {
    need kubectl "https://kubernetes.io/docs/tasks/tools/"
    finish_needs
    kubectl version --request-timeout=10s > /dev/null 2>&1 || lacking "no cluster answers: set KUBECONFIG, or make one with 'make full-deploy'"
    finish_needs
}
# The Service that sells, as `name port`: the monolith's while there is one.
selling_service() {
    if kubectl -n "$NAMESPACE" get service "$NAME" > /dev/null 2>&1; then echo "$NAME 8000"; else echo "$NAME-ticket 8002"; fi
}
stock_service() {
    if kubectl -n "$NAMESPACE" get service "$NAME" > /dev/null 2>&1; then echo "$NAME 8000"; else echo "$NAME-vacancy 8001"; fi
}
