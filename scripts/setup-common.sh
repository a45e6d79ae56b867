# Finds and installs programs; read by scripts/setup at the top of the repository.
# shellcheck shell=bash
cache=${XDG_CACHE_HOME:-$HOME/.cache}/ticket-system
manager=none
if type -P apt-get > /dev/null; then
    manager=apt
elif type -P brew > /dev/null; then
    manager=brew
fi

# The packages to install with the reason for each, and what no package manager can do.
packages=() reasons=() manual=()

any() {
    local file
    for file in "$@"; do if [ -x "$file" ]; then return 0; fi; done
    return 1
}
# Whether version $1 is $2 or newer.
at_least() { [ "$(printf '%s\n%s\n' "$2" "$1" | sort -V | head -n 1)" = "$2" ]; }
# Whether scripts/tool has tool $1 without building it. $2: the path that the environment gives.
built() { [ -n "$2" ] || type -P "$1" > /dev/null || any "$cache/tools/$1"-v*; }
# Whether a program is there, in one of the places where the scripts and the tests look for it.
found() {
    case $1 in
    postgres)
        any /usr/lib/postgresql/*/bin/postgres || type -P postgres > /dev/null ||
            { [ "$manager" = brew ] && any "$(brew --prefix)/opt/postgresql@17/bin/postgres"; }
        ;;
    pgbouncer) any /usr/sbin/pgbouncer || type -P pgbouncer > /dev/null ;;
    # Since 1.21, Go fetches the version that a go.mod names.
    go) type -P go > /dev/null && version=$(go env GOVERSION) && at_least "${version#go}" 1.21 ;;
    python3-venv) python3 -c 'import ensurepip' 2> /dev/null ;;
    chromium)
        for browser in "${CHROMIUM:-}" chromium chromium-browser google-chrome; do
            if [ -n "$browser" ] && type -P "$browser" > /dev/null; then return 0; fi
        done
        return 1
        ;;
    kube-apiserver)
        [ -n "${KUBEBUILDER_ASSETS:-}" ] || type -P setup-envtest > /dev/null ||
            any "$cache"/envtest/*/kube-apiserver
        ;;
    helm) built helm "${HELM:-}" ;;
    promtool) built promtool "${PROMTOOL:-}" ;;
    actionlint) built actionlint "${ACTIONLINT:-}" ;;
    *) type -P "$1" > /dev/null ;;
    esac
}

# need PROGRAM APT-PACKAGE BREW-FORMULA REASON [ADVICE]; "-" where the manager has no such package.
need() {
    local package=-
    if found "$1"; then return 0; fi
    case $manager in apt) package=$2 ;; brew) package=$3 ;; esac
    if [ "$package" = - ]; then
        lacking "$1, which $4: ${5:-install it with the package manager of your system}"
        return 0
    fi
    case " ${packages[*]-} " in *" $package "*) return 0 ;; esac
    packages+=("$package") reasons+=("$4")
}
lacking() {
    local known
    for known in ${manual[@]+"${manual[@]}"}; do [ "$known" != "$1" ] || return 0; done
    manual+=("$1")
}
linux_only() {
    [ "$(uname -s)" = Linux ] || lacking "Linux, for $1: use .devcontainer/devcontainer.json"
}
# The package of Go, where it is new enough.
apt_go() {
    [ "$manager" = apt ] || return 0
    local candidate
    candidate=$(apt-cache policy golang-go 2> /dev/null | sed -n 's/^ *Candidate: //p')
    case $candidate in
    '' | '(none)') echo golang-go ;;
    *) if at_least "${candidate#*:}" 1.21; then echo golang-go; else echo -; fi ;;
    esac
}

# Prints what is missing. $1: the groups.
show() {
    if [ ${#packages[@]} -gt 0 ]; then
        echo "scripts/setup $1: these packages are missing:"
        local i
        for i in "${!packages[@]}"; do printf '  %-14s %s\n' "${packages[i]}" "${reasons[i]}"; done
        echo "command:"
        echo "  $(command_line)"
    fi
    if [ ${#manual[@]} -gt 0 ]; then
        echo "scripts/setup $1: you have to install:" >&2
        printf '  %s\n' "${manual[@]}" >&2
    fi
}
command_line() {
    local apt=apt-get
    [ "$(id -u)" = 0 ] || apt="sudo apt-get"
    case $manager in
    apt) echo "$apt update && $apt install -y --no-install-recommends ${packages[*]}" ;;
    brew) echo "brew install ${packages[*]}" ;;
    esac
}
as_root() { if [ "$(id -u)" = 0 ]; then "$@"; else sudo "$@"; fi; }
install() {
    if [ ${#packages[@]} -eq 0 ]; then return 0; fi
    if [ "$manager" = brew ]; then
        brew install "${packages[@]}"
        return
    fi
    if [ "$(id -u)" != 0 ] && ! type -P sudo > /dev/null; then
        echo "scripts/setup: there is no sudo here: run the command as root" >&2
        exit 1
    fi
    as_root apt-get update -qq > /dev/null ||
        echo "scripts/setup: the package lists are not up to date" >&2
    as_root env DEBIAN_FRONTEND=noninteractive \
        apt-get install -y -qq --no-install-recommends "${packages[@]}" > /dev/null
}
