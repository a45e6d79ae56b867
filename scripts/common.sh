# Shared by the scripts of this folder, which source it at the top of the repository.
# shellcheck shell=bash disable=SC2034
VERSION=$(sed -n '/^\[workspace.package\]/,/^\[/s/^version = "\(.*\)"/\1/p' Cargo.toml)
IMAGE_PREFIX=${IMAGE_PREFIX:-ticket-system} TAG=${TAG:-$VERSION}
NAME=${NAME:-my-ticketsystem} NAMESPACE=${NAMESPACE:-default}
OPERATOR_NAMESPACE=ticket-system
KIND_CLUSTER=${KIND_CLUSTER:-ticket-system}

# Collects missing programs, so that one run names all of them before it changes anything.
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
    kubectl version --request-timeout=10s > /dev/null 2>&1 ||
        lacking "no cluster responds: set KUBECONFIG, or create a cluster with 'make full-deploy'"
    finish_needs
}
has_monolith() { kubectl -n "$NAMESPACE" get service "$NAME" > /dev/null 2>&1; }
# Prints name and port of the Service that sells: the one of the monolith, or of ticket.
selling_service() {
    if has_monolith; then echo "$NAME 8000"; else echo "$NAME-ticket 8002"; fi
}
stock_service() {
    if has_monolith; then echo "$NAME 8000"; else echo "$NAME-vacancy 8001"; fi
}
